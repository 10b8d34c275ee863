"""What is wrong with settings, data, a run's files or what is asked of them, and what would do, in the language spoken.

Names of fields, files and values stay as they are written. Print nothing, raise nothing: errors are made with these.
"""

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

PROBLEMS: Final = {
    "did you mean": "; did you mean '{name}'?",
    # Settings.
    "refused": "{value} won't do: {why}",
    "no such setting": "no such setting{hint}",
    "missing": "is missing",
    "needs a value": "needs a value",
    "choose a recipe": "choose one",
    "no recipe": "no recipe '{name}'{hint}; known: {known}",
    "sets both": "sets {setting}, and so does {other}; give one of them",
    # The same, by pydantic's names of faults.
    "greater_than": "input should be greater than {gt}",
    "greater_than_equal": "input should be greater than or equal to {ge}",
    "less_than": "input should be less than {lt}",
    "less_than_equal": "input should be less than or equal to {le}",
    "finite_number": "input should be a finite number",
    "int_parsing": "input should be a whole number",
    "int_from_float": "input should be a whole number, and has a fraction",
    "float_parsing": "input should be a number",
    "bool_parsing": "input should be true or false",
    "literal_error": "input should be {expected}",
    "or": " or ",
    "or a word": "{why}, or {word}",
    "string_pattern_mismatch": "string should match pattern '{pattern}'",
    "empty list": "an empty list; write names with commas between them, such as '0,1,7'",
    "no augmentation": "unknown augmentation {name}{hint}; known: {known}",
    "joint for relativistic": "relativistic losses compare real with generated images: use "
    "'concatenated' or 'separate'",
    "joint for mismatch": "'two-step' takes no images with another class; use 'concatenated' or "
    "'separate', or set it to 0",
    "joint for penalties": (
        "'two-step' takes no penalty: use 'concatenated' or 'separate', or set r1, r2 and gradient_penalty to 0"
    ),
    "autoencoder has no class": "the autoencoder reads images, not noise and a class; leave it off",
    "inverted needs images": "'inverted' is for a generator that reads images; use --generator autoencoder",
    "patience needs evaluation": "a run that isn't evaluated can't be judged; give --evaluate-every, as '60 s'",
    # Durations.
    "durations": "'50 epochs', '10000 steps', '500 kimg' or '5 min'",
    "counted durations": "'50 epochs', '10000 steps' or '500 kimg'",
    "is in time": "{text} is in time, which isn't possible here; write {durations}",
    "no duration": "{text} is no duration; write {durations}",
    "no unit": "{text} has no unit; write {durations}",
    "unknown unit": "{text} has an unknown unit '{unit}'; write {durations}",
    "no length": "{text} is not a positive length; write {durations}",
    "no share": "{text} is no share of the images so far; write '10%', or {durations}",
    "too short": "'{duration}' is {steps} steps, and '{folder}' is planned for {planned}; give a longer one",
    # Where a run goes.
    "is a file": "'{folder}' is a file; give a folder",
    "holds a run": "'{folder}' already holds a run; '{command}' goes on with it, or choose another folder",
    "not empty": "'{folder}' is not empty; choose another folder",
    "not writable": "'{folder}' can't be written: {why}; choose another folder",
    "disk refused": "{path} can't be written: {why}; what was saved before is intact",
    # Data.
    "no such data": "there is no '{data}'; give 'mnist', 'stacked-mnist', a folder or an .npz file",
    "not packaged": (
        "'{data}' isn't in the package; put its files into a folder (IDX files as MNIST's, or pictures) and give that; "
        "'mnist' and 'stacked-mnist' are in it"
    ),
    "neither folder nor npz": "'{data}' is neither a folder nor an .npz file",
    "no images": "{path} holds no images",
    "not square": "the images of {path} are {width}×{height}; they must be square",
    "package damaged": "the package's {file} is damaged (wrong MD5); install pocketgan again",
    "short header": "{file} is cut short: {length} bytes, its header alone takes {header}",
    "wrong magic": "{file} has the magic number {found}; {expected} is expected there",
    "cut short": "{file} is cut short: {announced} bytes are announced, {length} are there",
    "too long": "{file} is too long: {announced} bytes are announced, {length} are there",
    "too large for an array": "{file} announces {announced} bytes, which no array can hold",
    "unreadable": "{path} can't be read: {why}",
    "no idx file": "{folder} has no {file} (raw or .gz) for the {split} split",
    "no pixels": "{file} announces images of {width}×{height} pixels",
    "labels for images": "{file} has {labels} labels for {images} images",
    "unreadable npz": "{path} can't be read as an .npz file: {why}",
    "npz without images": "{path} holds {names}, but no '{wanted}' for the {split} split",
    "npz of nothing": "nothing",
    "npz of objects": "{path} holds something else than arrays",
    "npz type": "'images' in {path} are {type}; uint8 in [0, 255] would do",
    "npz shape": "'images' in {path} have the shape {shape}; (N, 1 or 3, H, W) would do",
    "npz labels": "'labels' in {path} are {type} of shape {shape}; integers (N,) would do",
    "no split folder": "{folder} has a folder 'train' but no '{split}'",
    "no test folder": "{folder} has no test split; put its pictures into folders 'train' and 'test'",
    "pictures beside classes": "{folder} has pictures beside its class folders; move them into one of those",
    "no pictures": "{folder} holds no IDX files and no PNG or JPEG pictures",
    "sizes differ": "{path} is {size} pixels, but {other} is {expected}; all must be alike",
    "picture too large": "{path} is {width}×{height} pixels; that is too large",
    "no picture": "{path} can't be decoded as a picture",
    "no labels": "{source} has no labels, so '{classes}' can't be chosen; leave classes out",
    "no class": "{source} has no class '{name}'{hint}; known: {known}",
    "foreign class": "{source} has a class '{name}', which the training split doesn't have",
    "no split": "no split '{name}'{hint}; known: {known}",
    "nothing held out": "no images of {source} are held out; ask for some with --validation",
    "none of the classes": "{source} has no images of the classes {classes}",
    # Metrics.
    "too few images": "{name} takes {least} images at least, and there are {found} images",
    "too few real images": "{name} takes {least} images at least, and there are {found} real images",
    "needs classifier": "{name} takes a feature space with a classifier, such as 'digits'",
    "needs labels": "{name} takes images with labels",
    "needs training": "{name} takes the training images",
    "not measurable": "{name} can't judge these images: {why}",
    "needs held out": "{name} takes real images that weren't trained on",
    "no metric": "no metric '{name}'{hint}; known: all, {known}",
    "no metrics": "an empty list; known: all, {known}",
    "images for space": (
        "'{space}' takes images of {expected} (channels, height, width), and these have {found}; 'random' takes any"
    ),
    "no labels to train on": "{source} has no labels, so no classifier can be trained; use 'random'",
    "one class to train on": "{source} has labels of one class alone, so no classifier can be trained; use 'random'",
    # What is drawn, and what is measured.
    "reads no noise": "'{folder}' redraws images and reads no noise; use 'pocketgan translate'",
    "count at once": "{count} won't do: at least 1, and at most {most} at once",
    "count from one": "{count} won't do; at least 1",
    "unconditional": "'{folder}' is unconditional, so no class can be asked for; leave --label out",
    "no such label": "no class '{label}'; known: {known}",
    "sizes of images": (
        "the images of {source} have {found} (channels, height, width), and the real ones of {real} {expected}; "
        "--against a path of images of their size would do"
    ),
    "colours for grey": (
        "the images of {source} have {found} (channels, height, width), and the real ones of {real} {expected}; "
        "--against a path of images in colour would do, or convert these to grey"
    ),
    "grey for colours": (
        "the images of {source} have {found} (channels, height, width), and the real ones of {real} {expected}; "
        "--against a path of grey images would do"
    ),
    "no test but held out": (
        "{source} has no test split; '--against validation' (what the run held out, {count} images) or a path of real "
        "images would do"
    ),
    "no test, none held out": (
        "{source} has no test split, and nothing was held out; '--against train' or a path of real images would do"
    ),
    "none held out": "nothing of {source} was held out; '--against train' or a path of real images would do",
    "images not with it": (
        "the images that '{folder}' was trained on, {source}, aren't with it; --against PATH says where real ones are"
    ),
    "no source": "there is no '{source}'; give a run's folder, a folder of pictures or an .npz file",
    "too few there": "{count} images asked for, and '{source}' holds {found}",
    "too few to redraw": "{count} images asked for, and there are {found} to redraw",
    "no space": "no feature space '{name}'{hint}; known: {known}",
    "test and train": "{why}; 'test' and 'train' would do, too",
    "too few to compare": "{found} images to compare with are too few; it takes {least}",
    "no device": "this machine (or this PyTorch) has no '{name}'; 'auto' takes what there is",
    "side of four": (
        "'{architecture}' takes images whose side is a multiple of 4, and these are {size}; 'mlp' takes any"
    ),
    # Runs, exported models, their files.
    "no runs folder": "there is no folder '{folder}'; 'pocketgan train' makes runs, in 'runs' by default",
    "no run": "'{folder}' is no run folder: it has no config.json; 'pocketgan runs' lists runs",
    "no run folder": "'{folder}' doesn't exist; 'pocketgan runs' lists runs",
    "loading": "{name}: loading …",
    "interrupted": "'{folder}' is saved at step {step} of {steps}; pocketgan.resume goes on with it",
    "is finished": "'{folder}' is finished, at step {step}; a longer duration goes further",
    "larger evaluation": (
        "'{folder}' keeps its larger evaluation, of {count} images; give another folder (--out), or --replace"
    ),
    "newest run": "{folder} (the newest run)",
    "no run to take": "missing, and there is none in 'runs' to take; 'pocketgan train' makes one",
    "run is a file": "'{folder}' is a file; give the folder of a run ('pocketgan runs' lists runs)",
    "folder of runs": "'{folder}' holds runs, and is none itself; give one of them: {known}",
    "model for run": (
        "'{folder}' is an exported model, which holds a generator alone and no training state; "
        "give the run that it was made from"
    ),
    "no exported model": "'{folder}' holds no exported model; 'pocketgan export RUN --out DIR' makes one of a run",
    "no model folder": "'{folder}' doesn't exist; 'pocketgan export RUN --out DIR' makes one of a run",
    "run busy": "'{folder}' is being trained by another process; stop that one first",
    "run not writable": "'{folder}' can't be written: {why}",
    "no json": "{path} is no JSON; it may have been edited or damaged",
    "no json object": "{path} is no JSON object",
    "unknown format": (
        "{path} has the format {found}; this version reads formats 1 to {format}, and a newer one may have written it"
    ),
    "damaged": "{path} is damaged: {why}",
    "names unprintable": "class_names: they can't be printed",
    "altered": "{path} isn't the file that was exported: its SHA-256 isn't the one in {config}; get it again",
    "no safetensors": "{path} is no safetensors file; other kinds are not opened, since they can run code",
    "onnx alone": (
        "'{folder}' was exported as {file} alone, for other programs; "
        "'pocketgan export --format all' writes what Pocketgan reads, too"
    ),
    "one checkpoint": (
        "'{folder}' is an exported model, with the weights of step {step} alone; leave --checkpoint out"
    ),
    "no checkpoint yet": "'{folder}' has no checkpoint yet; '{command}' trains on",
    "no checkpoint intact": "no checkpoint of '{folder}' is intact: {damaged}",
    "begin anew": "no checkpoint of '{folder}' is intact ({damaged}); start a new run",
    "no best": "'{folder}' was not evaluated, so none is known as best; use 'last' or a step",
    "use another": "{why}; use another, such as --checkpoint last",
    "no such checkpoint": "no '{which}' in '{folder}'; 'last' or a step would do, such as {known}",
    "wrong checksum": "{file} doesn't match its checksum",
    "file damaged": "{file} is cut short or damaged",
    "other version": "{path} was made by another version of Pocketgan: {why}",
    "other configuration": (
        "was saved with another configuration ({changed}); put config.json back, or start a new run"
    ),
    "other network": "holds the weights of another network: {where}",
    "loss not finite": "{loss} near step {step}; the weights were left as they were before it",
    "weights not finite": "{loss} at step {step}; it was not saved",
    # A run's data.
    "data gone": "the images of '{folder}' can't be read again: {why}",
    "data changed": "{source} isn't what '{folder}' was trained on; put those images back",
}
"""Every text here."""


class Problem(str):
    """One of `PROBLEMS`, as it was said, which still knows its key and its parts: files hold those, or English.

    Attributes:
        key: of the text in `PROBLEMS`.
        parts: what the names in braces stand for.
    """

    key: str
    parts: dict[str, Any]

    def __new__(cls, key: str, parts: dict[str, Any]) -> "Problem":
        from pocketgan.base.language import say

        text = super().__new__(cls, say(PROBLEMS, key, **parts))
        text.key, text.parts = key, parts
        return text

    def __getnewargs__(self) -> tuple[str, dict[str, Any]]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.key, self.parts


def problem(key: str, **parts: object) -> Problem:
    """Returns one of `PROBLEMS` in the language that is spoken, with its parts filled in."""
    return Problem(key, parts)


def english(text: str) -> str:
    """Returns a text in English, for files: another one than a `Problem` as it is."""
    if not isinstance(text, Problem):
        return text
    from pocketgan.base.language import speaking

    with speaking("en"):
        return str(problem(text.key, **text.parts))


def stored(text: str) -> dict[str, Any] | str:
    """Returns a problem as files hold it, its key and its parts; another text as it is."""
    return {"key": text.key, **text.parts} if isinstance(text, Problem) else text


def in_words(error: "ErrorDetails") -> str:
    """Returns what pydantic says of a value, in the language that is spoken where it is one of `PROBLEMS`."""
    if error["type"] not in PROBLEMS:
        message = error["msg"].removeprefix("Value error, ")
        return message[0].lower() + message[1:]
    parts = {
        name: f"{value:g}" if isinstance(value, float) else str(value).replace(" or ", problem("or"))
        for name, value in error.get("ctx", {}).items()
    }
    return problem(error["type"], **parts)

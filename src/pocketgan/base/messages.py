"""Localized error messages: each says what is invalid, and what would be accepted.

Names of fields, files and values are not translated. This module prints and raises nothing; errors are built from its
messages. Messages about commands, metrics, pictures and studies are in the modules beside it.
"""

from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

from pocketgan.base.command_messages import COMMANDS
from pocketgan.base.intake_messages import INTAKE
from pocketgan.base.metric_messages import METRICS
from pocketgan.base.part_messages import PARTS
from pocketgan.base.picture_messages import PICTURES
from pocketgan.base.race_messages import RACES
from pocketgan.base.recording_messages import RECORDINGS
from pocketgan.base.study_messages import STUDIES
from pocketgan.base.tracker_messages import TRACKING
from pocketgan.base.translation_messages import TRANSLATIONS

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


PROBLEMS: Final[dict[str, str]] = {
    "did you mean": "; did you mean '{name}'?",
    # Settings.
    "refused": "{why} (got {value})",
    "no such setting": "isn't a setting{hint}",
    "missing": "is missing",
    "needs a value": "needs a value",
    "choose a recipe": "choose one",
    "no recipe": "there is no recipe '{name}'{hint}; known: {known}",
    "sets both": "sets {setting}, and so does {other}; use only one of them",
    "given twice": "given twice; give it once",
    "no layer to train": "must leave a layer to train; the discriminator has {layers}",
    # Settings, by pydantic's error types.
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "finite_number": "must be a finite number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number, without a fraction",
    "float_parsing": "must be a number",
    "bool_parsing": "must be true or false",
    "dict_type": "must be pairs of a name and a value",
    "literal_error": "must be {expected}",
    "or": " or ",
    "or a word": "{why}, or {word}",
    "string_pattern_mismatch": "must begin with a letter or digit, and have letters, digits, '_' and '-' only",
    "empty list": "must be a list of names with commas between them, such as '0,1,7'",
    "no augmentation": "there is no augmentation {name}{hint}; known: {known}",
    "joint for relativistic": "a relativistic objective compares real with generated images, so 'two-step' "
    "doesn't work; use "
    "--discriminator-batches concatenated or separate",
    "joint for mismatch": "doesn't work with --discriminator-batches two-step; use 'concatenated' or 'separate', "
    "or set it to 0",
    "joint for penalties": (
        "gradient penalties don't work with --discriminator-batches two-step; use 'concatenated' or "
        "'separate', or set r1, r2 and gradient_penalty to 0"
    ),
    "two stages": "must be at least 2 for '{architecture}'",
    "autoencoder has no class": "doesn't work with the generator '{name}', which reads images; leave it out",
    "inverted needs images": "'inverted' needs a generator that reads images; add --generator autoencoder",
    "no initial run": "there is no run '{source}'; 'pocketgan runs' lists runs",
    "no weights there": "{why}",
    "weights don't fit": (
        "only {share} of the generator's weights fit those of '{source}'; use its recipe, its size and its widths"
    ),
    "augment without validation": "'auto' needs a validation set of at least 10 images; add --validation 0.2",
    "patience needs evaluation": "needs evaluations; add --evaluate-every '60 s'",
    # Durations.
    "durations": "'50 epochs', '10000 steps', '500 kimg' or '5 min'",
    "counted durations": "'50 epochs', '10000 steps' or '500 kimg'",
    "is in time": "must be a count, not a time (got {text}); write {durations}",
    "no duration": "must be a duration (got {text}); write {durations}",
    "no unit": "needs a unit (got {text}); write {durations}",
    "unknown unit": "has an unknown unit '{unit}' (got {text}); write {durations}",
    "no length": "must be a length above 0 (got {text}); write {durations}",
    "no share": "must be a percentage up to 100%, or a length (got {text}); write '10%', or {durations}",
    "too short": "must be longer than the {planned} steps of '{folder}' ('{duration}' is {steps})",
    # Folders for new runs.
    "is a file": "'{folder}' is a file; choose a folder",
    "holds a run": "'{folder}' already holds a run; choose another folder, or continue it with '{command}'",
    "not empty": "'{folder}' isn't empty; choose another folder",
    "not writable": "can't write to '{folder}': {why}; choose another folder",
    "disk refused": "can't write {path}: {why}; everything saved before is intact",
    "no folder made": "can't create {folder}: {why}",
    "in file": "{path}: {why}",
    # Data.
    "no such data": "there is no data '{data}'; use 'mnist', 'stacked-mnist', a folder, a file or 'hf:NAME'",
    "not packaged": (
        "'{data}' isn't in the package; save its files in a folder (IDX files or pictures) and give the "
        "folder; the package holds 'mnist' and 'stacked-mnist'"
    ),
    "neither folder nor npz": "'{data}' must be a folder, or an .npz, .npy, .csv or IDX file",
    "no images": "{path} holds no images",
    "package damaged": "the package's file {file} is damaged (wrong MD5); install pocketgan again",
    "short header": "{file} is cut short: it has {length} bytes, and its header alone needs {header}",
    "wrong magic": "{file} has the magic number {found}; expected {expected}",
    "cut short": "{file} is cut short: it should have {announced} bytes and has {length}",
    "too long": "{file} is too long: it should have {announced} bytes and has {length}",
    "too large for an array": "{file} declares {announced} bytes, more than an array can hold",
    "unreadable": "can't read {path}: {why}",
    "no idx file": "{folder} has no {file} (raw or .gz) for the {split} split",
    "no pixels": "{file} declares images of {width}×{height} pixels",
    "labels for images": "{file} has {labels} labels for {images} images",
    "unreadable npz": "can't read {path} as an .npz file: {why}",
    "npz without images": (
        "{path} holds {names}, but no '{wanted}' for the {split} split; save it with numpy.savez(…, images=…, labels=…)"
    ),
    "no array of split": "{path} has no images of the {split} split, such as '{split}_images'",
    "npz of nothing": "nothing",
    "npz of objects": "{path} holds something other than arrays",
    "npz type": "'images' in {path} must be numbers (got {type})",
    "npz shape": (
        "'images' in {path} must have the shape (N, H, W), (N, H, W, C) or (N, C, H, W) with 1 to 4 channels (got "
        "{shape})"
    ),
    "npz labels": "'labels' in {path} must be one integer or name for each image (got {type} of shape {shape})",
    "no test folder": "{folder} has no {split} split; put its pictures into folders 'train' and '{split}'",
    "pictures beside classes": (
        "{folder} has {count} pictures beside its class folders ({names}); move them into a class folder, or ignore "
        "the classes with --labels none"
    ),
    "no pictures": "{folder} holds no pictures ({known}) and no files of arrays",
    "picture too large": "{path} is too large ({width}×{height} pixels; at most {most} million are read)",
    "no picture": "can't decode {path} as a picture",
    "no labels": "{source} has no labels, so '{classes}' can't be selected; set --classes all",
    "no class": "{source} has no class '{name}'{hint}; known: {known}",
    "foreign class": "{source} has a class '{name}', which the training split doesn't have",
    "no split": "there is no split '{name}'{hint}; known: {known}",
    "nothing held out": "there is no validation set of {source}; set --validation",
    "none of the classes": "{source} has no images of the classes {classes}",
    # Metrics.
    "too few images": "{name} needs at least {least} images (got {found})",
    "too few real images": "{name} needs at least {least} real images (got {found})",
    "needs classifier": "{name} needs a feature space with a classifier, such as 'digits'",
    "needs labels": "{name} needs images with labels",
    "needs training": "{name} needs the training images",
    "not measurable": "{name} can't be computed for these images: {why}",
    "needs held out": "{name} needs real images that weren't trained on",
    "no metric": "there is no metric '{name}'{hint}; known: all, {known}",
    "no metrics": "must be a list of metrics; known: all, {known}",
    "images for space": (
        "'{space}' needs images of {expected} (channels, height, width), and these have {found}; 'random' accepts any"
    ),
    "no labels to train on": "{source} has no labels to train a classifier on; use 'self-supervised'",
    "one class to train on": "{source} has only one class, and a classifier needs two; use 'self-supervised'",
    "too few to learn from": "{source} has {found} images, and 'self-supervised' needs {least}; use 'random'",
    "no torch-fidelity": "'inception' needs torch-fidelity; pip install torch-fidelity 'torchmetrics>=1.9,<1.10'",
    "no inception weights": "can't get Inception's weights ({why}); set --inception-weights",
    "weights without inception": "are read only with --features inception (got --features {features})",
    "no weights file": "{path} isn't a file of weights ({why})",
    "weights without names": "{path} holds no named weights; use torch-fidelity's file",
    # Generation and evaluation.
    "training images gone": "the images that '{folder}' was trained on can't be found",
    "size for model": "{path} has {found} pixels; '{folder}' needs {size}×{size}",
    "color for model": "{path} is in color; '{folder}' needs gray pictures",
    "images for model": "'{folder}' doesn't accept {type} images of shape {shape}",
    "no such picture": "there is no picture {index} among {count}",
    "count at once": "must be from 1 to {most} (got {count})",
    "count from one": "must be at least 1 (got {count})",
    "unconditional": "'{folder}' is unconditional, so you can't request a class; leave --label out",
    "no mixture": "must be a class, or names and weights such as '3:0.7,8:0.3' (got {text})",
    "one label": "must be one class or mixture here, such as '3' or '3:0.7,8:0.3', not a list of them",
    "no mixture in file": "an ONNX file takes one class per image, no mixture; use the run or the exported weights",
    "weights above zero": "must have weights of at least 0, and one above 0",
    "no such number": "'{label}' is none of the names {known}; write a name and a value, such as {example}",
    "no such label": "there is no class '{label}'; known: {known}",
    "sizes of images": (
        "the images of {source} have {found} (channels, height, width), and the real ones of {real} "
        "{expected}; set --against to a path of real images of the same size"
    ),
    "colours for grey": (
        "the images of {source} have {found} (channels, height, width), and the real ones of {real} "
        "{expected}; set --against to a path of real images in color, or convert these to gray"
    ),
    "grey for colours": (
        "the images of {source} have {found} (channels, height, width), and the real ones of {real} "
        "{expected}; set --against to a path of gray images"
    ),
    "no test but held out": (
        "{source} has no test split; use '--against validation' (the run's {count} validation images) or "
        "a path of real images"
    ),
    "no test, none held out": (
        "{source} has no test split and no validation set; use '--against train' or a path of real images"
    ),
    "none held out": "{source} has no validation set; use '--against train' or a path of real images",
    "images not with it": (
        "the images that '{folder}' was trained on, {source}, can't be found; set --against to a path of real images"
    ),
    "no source": "there is no '{source}'; give a run's folder, a folder of pictures, or an .npz, .npy or .onnx file",
    "too few there": "'{source}' holds {found} images, and {count} were requested",
    "no space": "there is no feature space '{name}'{hint}; known: {known}",
    "test and train": "{why}; 'test' and 'train' are possible, too",
    "too few to compare": "needs at least {least} images to compare with (got {found})",
    "no device": "this computer (or this PyTorch) has no '{name}'; use 'auto'",
    "side of network": (
        "'{architecture}' has no network for images of {size}; set {sides}, or choose 'mlp', which accepts any"
    ),
    # Runs, exported models, their files.
    "no runs folder": "there is no folder '{folder}'; 'pocketgan train' creates runs, in 'runs' by default",
    "no run": "'{folder}' isn't a run folder: it has no config.json; 'pocketgan runs' lists runs",
    "no run folder": "'{folder}' doesn't exist; 'pocketgan runs' lists runs",
    "loading": "{name}: loading …",
    "interrupted": "'{folder}' is saved at step {step} of {steps}; continue it with pocketgan.resume",
    "is finished": "'{folder}' is finished, at step {step}; set a longer duration to train further",
    "newest run": "{folder} (the newest run)",
    "no run to take": "is missing, and 'runs' holds none; 'pocketgan train' creates one",
    "run is a file": "'{folder}' is a file; give the folder of a run ('pocketgan runs' lists runs)",
    "folder of runs": "'{folder}' holds runs and isn't one itself; choose one of them: {known}",
    "model for run": (
        "'{folder}' is an exported model, which holds a generator and no training state; give the run "
        "that it was exported from"
    ),
    "no exported model": "'{folder}' holds no exported model; 'pocketgan export RUN --out DIR' creates one",
    "no model folder": "'{folder}' doesn't exist; 'pocketgan export RUN --out DIR' creates an exported model",
    "run busy": "'{folder}' is being trained by another process; stop that process first",
    "run not writable": "can't write to '{folder}': {why}",
    "no json": "{path} isn't valid JSON; it may have been edited or damaged",
    "no json object": "{path} isn't a JSON object",
    "unknown format": (
        "{path} has the format {found}, and this version reads formats 1 to {format}; a newer version "
        "may have written it"
    ),
    "damaged": "{path} is damaged: {why}",
    "names unprintable": "class_names: they can't be printed",
    "altered": "{path} doesn't match its SHA-256 in {config}; export or download it again",
    "no safetensors": "{path} isn't a safetensors file; other kinds can run code and are never opened",
    "onnx alone": (
        "'{folder}' was exported as {file} only, for other programs; export with --format all to write "
        "what Pocketgan reads, too"
    ),
    "one checkpoint": (
        "'{folder}' is an exported model, with a single set of weights (step {step}); leave --checkpoint out"
    ),
    "no checkpoint yet": "'{folder}' has no checkpoint yet; continue training with '{command}'",
    "failed before a checkpoint": "'{folder}' failed before its first checkpoint; start it again with other settings",
    "checkpoints gone": ("'{folder}' was trained to step {step}, but none of its checkpoints is left; start a new run"),
    "no checkpoint intact": "every checkpoint of '{folder}' is damaged: {damaged}",
    "all checkpoints damaged": "every checkpoint of '{folder}' is damaged ({damaged}); start a new run",
    "no best": "'{folder}' was never evaluated, so it has no best checkpoint; use 'last' or a step",
    "use another": "{why}; use another one, such as --checkpoint last",
    "no such checkpoint": "there is no checkpoint '{which}' in '{folder}'; use 'last' or a step, such as {known}",
    "wrong checksum": "{file} doesn't match its checksum",
    "file damaged": "{file} is cut short or damaged",
    "other version": "{path} was written by another version of Pocketgan: {why}",
    "other configuration": (
        "was saved with another configuration ({changed}); restore config.json, or start a new run"
    ),
    "other network": "holds the weights of another network: {where} {differs}",
    "weights missing": "is missing there",
    "weights unknown": "has no place here",
    "weights differ": "is {there} there, {here} here",
    "older checkpoint": "{why}; continuing from the one before",
    "loss not finite": "{loss} near step {step}; the weights are those from before it",
    "loss is": "{name} is {value}",
    "a loss not finite": "a loss is not finite",
    "values not finite": "{name} holds values that aren't finite",
    "weights not finite": "{loss} at step {step}; that step was not saved",
    "unhealthy": "{diagnosis}",
    "out of patience": "stopped at step {step}: {count} evaluations without a new best",
    "failed, resume": "{why}; {saved}; then '{command}' continues",
    "failed, resume anyway": "{why}; {saved}; '{command}' continues anyway",
    "failed, start again": "{why}; {saved}; start again with a lower learning rate: '{command}'",
    "checkpoint saved": "{file} is kept",
    "nothing saved": "nothing was saved yet",
    # A run's data.
    "data gone": "can't read the images of '{folder}' again: {why}",
    "data changed": "{source} isn't what '{folder}' was trained on; restore those images",
    **INTAKE,
    **METRICS,
    **COMMANDS,
    **PARTS,
    **PICTURES,
    **RACES,
    **RECORDINGS,
    **STUDIES,
    **TRACKING,
    **TRANSLATIONS,
}
"""All error messages, by key."""


@runtime_checkable
class InEnglish(Protocol):
    """What can say itself in English, for files: an error.

    Attributes:
        english: the message in English.
    """

    @property
    def english(self) -> str: ...


@runtime_checkable
class Keyed(Protocol):
    """A message with a key in `PROBLEMS` and its parts: a `Problem` or a `PocketganError`."""

    key: str
    parts: dict[str, Any]


@runtime_checkable
class Part(Protocol):
    """A part of a message that files store as an object, such as a diagnosis."""

    def to_json(self) -> dict[str, Any]:
        """Returns the object as plain values."""
        ...


class Problem(str):
    """A message of `PROBLEMS` in the current language that keeps its key and parts, which files store in its place.

    Attributes:
        key: key of the text in `PROBLEMS`.
        parts: values for the names in braces.
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


def problem(key: str, /, **parts: object) -> Problem:
    """Returns a message of `PROBLEMS` in the current language, with its parts filled in."""
    return Problem(key, parts)


def english(text: str) -> str:
    """Returns the English text of a `Problem`, for files; any other text is returned unchanged."""
    if not isinstance(text, Problem):
        return text
    from pocketgan.base.language import speaking

    with speaking("en"):
        return str(problem(text.key, **{name: in_english(part) for name, part in text.parts.items()}))


def in_english(part: object) -> object:
    """Returns a part of a message in English if the part has translations; any other part is returned unchanged."""
    if isinstance(part, str):
        return english(part)
    return part.english if isinstance(part, InEnglish) else part


def stored(text: object) -> Any:
    """Returns a message or a part of one as files store it.

    A message with a key becomes an object of the key and its parts, a number stays one, and all else is English text.
    """
    if isinstance(text, Keyed) and text.key in PROBLEMS:
        return {"key": text.key, **{name: stored(part) for name, part in text.parts.items()}}
    if isinstance(text, Part):
        return text.to_json()
    return text if text is None or isinstance(text, int | float) else str(in_english(text))


def message_fields(message: "str | InEnglish") -> dict[str, Any]:
    """Returns a message as fields of a file: `message` in English, and `reason` as by `stored`, empty for a text."""
    reason = stored(message)
    return {"message": in_english(message), "reason": reason if isinstance(reason, dict) else {}}


def restored(value: object) -> str:
    """Returns a message that `stored` wrote in the current language; an empty text if this version doesn't know it."""
    if not isinstance(value, dict):
        return "" if value is None else str(value)
    parts = {
        name: part if isinstance(part, int | float) else restored(part) for name, part in value.items() if name != "key"
    }
    try:
        return problem(value["key"], **parts)
    except (KeyError, IndexError, TypeError, ValueError):  # Written by another version, or edited.
        return ""


def in_words(error: "ErrorDetails") -> str:
    """Returns pydantic's message about an invalid value, in the current language if `PROBLEMS` has its error type."""
    if error["type"] not in PROBLEMS:
        message = error["msg"].removeprefix("Value error, ")
        return message[0].lower() + message[1:]
    parts = {
        name: f"{value:g}" if isinstance(value, float) else str(value).replace(" or ", problem("or"))
        for name, value in error.get("ctx", {}).items()
    }
    return problem(error["type"], **parts)

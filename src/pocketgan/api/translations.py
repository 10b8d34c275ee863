"""Image-to-image translation."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pocketgan.base.errors import DataError, RunError
from pocketgan.base.messages import Problem, problem
from pocketgan.images.grids import Images
from pocketgan.images.translation import Translation
from pocketgan.runs.exported import load
from pocketgan.runs.model import MOST_IMAGES, LabelChoice, Model
from pocketgan.runs.records import DataFacts


def translate(
    run: str | Path | Model,
    *,
    split: str = "test",
    count: int = 16,
    images: Sequence[str | Path] | str | Path | None = None,
    photo: bool = False,
    label: LabelChoice = None,
    checkpoint: str | int = "auto",
) -> Translation:
    """Loads the generator of an image-to-image run or exported model from disk, and translates images with it.

    Args:
        run: the run or exported model, or its folder.
        split: `test`, `train` or `validation`: the first `count` images of the run's classes in that split.
        count: the number of images.
        images: picture files, or folders of them, to translate instead of a split. They are read as the run's own.
        photo: whether these are photos of a handwritten digit each, which are brought to MNIST's format first: white on
            black, scaled to a box of 20×20 in 28×28, and centered. `.notes` says what was done.
        label: of translation between classes, the class of every output, or a mixture such as `3:0.7,8:0.3`; None
            translates each image into every class, or where there are more than 20, into one class in turn.
        checkpoint: `best`, `last` or a step; `auto` for the best checkpoint, or the last of a run without evaluations.

    Returns:
        The images: `.pairs`, `.inputs`, `.outputs`, and `.targets`, `.labels` and `.requested` where they are known; an
        input that is translated into several classes is in `.inputs` once for each. `.save(folder)` or
        `.save("file.npz")` writes them. A notebook shows the pairs.

    Raises:
        UserError: the run generates from noise, there is no such split or class, or a picture has another size.
    """
    from pocketgan.runs.requests import for_each, requested_once
    from pocketgan.runs.sampling import in_rows, into_every_class, redraw_images
    from pocketgan.runs.weights import load_generator

    model = load(run) if isinstance(run, str | Path) else run
    if not model.config.has_generator:
        raise RunError("recorded, no generator", field="run", folder=model.folder)
    if not model.config.reads_images:
        raise RunError("reads no images", field="run", folder=model.folder)
    if not 1 <= count <= MOST_IMAGES:
        raise RunError("count at once", field="count", count=count, most=MOST_IMAGES)
    if photo and images is None:
        raise DataError("photo of images", field="photo")
    told = requested_once(model, label)
    inputs, known = read_inputs(model, split, count, images, photo=photo)
    network, each = load_generator(model, checkpoint), 1
    requested = for_each(told, len(inputs))
    if model.config.changes_class and told is None:
        inputs, requested, each = into_every_class(inputs, len(model.facts.class_names))
        if len(inputs) > MOST_IMAGES:
            raise RunError("count at once", field="count", count=len(inputs), most=MOST_IMAGES)
        known |= {"labels": known["labels"].repeat(each)} if "labels" in known else {}
    outputs = redraw_images(network, model.config, inputs, requested)
    if requested is not None:
        known |= {"requested": requested.numpy(), "class_names": model.facts.class_names}
    return Translation(
        in_rows(inputs, outputs, each), Images(inputs.numpy()), Images(outputs.numpy()), each=each, **known
    )


def read_inputs(
    model: Model, split: str, count: int, images: Sequence[str | Path] | str | Path | None, *, photo: bool
) -> tuple[Any, dict[str, Any]]:
    """Reads the images to translate; the arguments are those of `translate`.

    Returns:
        A uint8 tensor (N, C, S, S); and what is known about the images, by the names of `Translation`.

    Raises:
        DataError: they can't be read, or there is no such split.
    """
    import torch

    from pocketgan.images.pair_sets import pairs_in
    from pocketgan.images.sets import check_split, load_images
    from pocketgan.metrics.translation import translation_of

    part, known = check_split(split), dict[str, Any]()
    if images is not None and photo:
        photos = [read_photo(path, model) for path in picture_files(images)]
        return torch.stack([pixels for pixels, _ in photos]), {"notes": tuple(note for _, note in photos)}
    if images is not None:
        return torch.stack([read_input(path, model) for path in picture_files(images)]), known
    if model.data is None:
        parts = {"folder": model.folder, "source": model.facts.source}
        raise DataError("images to translate gone", field="images", **parts)
    chosen = load_images(model.data, part).part(slice(count))
    if model.config.changes_class:
        chosen = chosen.numbered_as(model.facts.class_names)
    pairs = pairs_in(model.data, chosen)
    if translation_of(model.data, chosen):
        known["targets"] = Images(pairs.targets.numpy())
    if chosen.labels is not None:
        known |= {"labels": chosen.labels.numpy(), "class_names": chosen.class_names}
    return pairs.inputs, known


def picture_files(paths: Sequence[str | Path] | str | Path) -> list[Path]:
    """Returns picture files, and those in folders among the paths and below them, by name; hidden ones are passed over.

    Raises:
        DataError: a file isn't there, or a folder has no pictures.
        RunError: nothing is given.
    """
    from pocketgan.images.intake.contents import Notes
    from pocketgan.images.intake.folders import scan

    files: list[Path] = []
    for path in map(Path, [paths] if isinstance(paths, str | Path) else paths):
        if not path.is_dir():
            if not path.exists():
                raise DataError("no such data", field="images", data=path)
            files.append(path)
            continue
        inside = list(scan(path, Notes()).all_files())
        if not inside:
            raise DataError("no images", field="images", path=path)
        files += inside
    if not files:
        raise RunError("no file given", field="images")
    return files


def read_photo(path: Path, model: Model) -> tuple[Any, Problem]:
    """Reads a photo of a handwritten digit in MNIST's format, and says what was done to it: a tensor (C, S, S), a note.

    Raises:
        DataError: the picture can't be decoded, or is empty.
    """
    import torch

    from pocketgan.images.handwriting import in_grey, prepared, reduced
    from pocketgan.images.intake.pictures import read_picture

    facts, pixels = model.facts, read_picture(path, name="images")
    small = reduced(pixels)
    try:
        digit = prepared(in_grey(small), facts.size)
    except DataError as error:
        raise DataError("empty photo", field="images", path=path) from error
    side = f"{facts.size}×{facts.size}"
    if not digit.width:
        note = problem("photo as it is", path=path, side=side)
    else:
        scale = max(pixels.shape[:2]) / max(small.shape[:2])
        found = "×".join(str(round(scale * length)) for length in (digit.width, digit.height))
        sizes = {"size": f"{pixels.shape[1]}×{pixels.shape[0]}", "found": found, "side": side}
        note = problem("photo inverted" if digit.inverted else "photo prepared", path=path, **sizes)
    return torch.from_numpy(digit.pixels.copy())[None].repeat(facts.channels, 1, 1), note


def read_input(path: Path, model: Model) -> Any:
    """Reads one picture as the run's images were read: a uint8 tensor (C, S, S).

    The background behind transparency, the range of values and the orientation are those of the run. Where its pictures
    had more than 8 bits, that is the range that they shared.

    Raises:
        DataError: the picture can't be decoded, or has another size or other channels.
    """
    import numpy as np
    import torch

    from pocketgan.images.intake.decoding import to_gray
    from pocketgan.images.intake.pictures import Wish, decode, is_gray
    from pocketgan.images.intake.values import choose_range, parse_range, to_bytes

    data, facts = model.config.data, model.facts
    picture = decode(path, Wish(background=data.background), "images")
    pixels, wanted = picture.pixels, parse_range(data.value_range)
    if picture.span is not None:
        low, high, whole = picture.span
        integer = whole and high > 1
        kind = np.dtype(np.uint16 if integer else np.float32)
        wanted = wanted or scaled_from(facts, integer) or choose_range(kind, low, high, str(path))
    if wanted is not None:
        pixels = to_bytes(pixels[None], *wanted)[0]
    if data.orientation == "transposed":
        pixels = pixels.swapaxes(0, 1)
    if pixels.shape[:2] != (facts.size, facts.size):
        parts = {"found": f"{pixels.shape[1]}×{pixels.shape[0]}", "size": facts.size}
        raise DataError("size for model", field="images", path=path, folder=model.folder, **parts)
    if facts.channels == 3:
        pixels = pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)
        return torch.from_numpy(pixels.transpose(2, 0, 1).copy())
    if pixels.ndim == 3:
        if not (is_gray(pixels) or picture.tinted or data.color == "gray"):
            raise DataError("color for model", field="images", path=path, folder=model.folder)
        pixels = to_gray(pixels)
    return torch.from_numpy(pixels.copy())[None]


def scaled_from(facts: DataFacts, integer: bool) -> tuple[float, float] | None:
    """Returns the values of black and white that a run's images shared; None if they are of another kind.

    Args:
        facts: the run's facts about its data.
        integer: whether the range is wanted for whole numbers above 1, or for fractions.
    """
    for note in facts.prepared:
        if isinstance(note, dict) and note.get("key") == "scaled values" and (float(note["high"]) > 1) == integer:
            return float(note["low"]), float(note["high"])
    return None

"""A folder of one's own pairs of pictures, from disk to arrays: two folders by file name, or pictures side by side."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import get_args

from PIL import Image, ImageOps, UnidentifiedImageError

from pocketgan.base.errors import DataError
from pocketgan.config.translating import NONE
from pocketgan.images.intake.contents import SPLITS, Collection, ImageFiles, Listed, Notes, Part, wrong
from pocketgan.images.intake.decoding import Source, Wishes, decode_all
from pocketgan.images.intake.folders import FOLDERS, JUNK, list_pictures
from pocketgan.images.intake.pictures import size_of
from pocketgan.images.intake.read import Shown, numbered, silent

INPUT, TARGET = "input", "target"
"""The names of the two folders."""


@dataclass(frozen=True)
class Pair:
    """A pair that is to be read.

    Attributes:
        name: its name in messages: the target's path without its ending.
        input, target: the pictures.
        label: the class, by the folder of the target, or None.
    """

    name: str
    input: Source
    target: Source
    label: str | None = None


def read_pairs(folder: Path, wishes: Wishes, shown: Shown = silent) -> Collection:
    """Reads all splits of a folder of pairs.

    Either it holds folders `input` and `target` with pictures of the same names, perhaps in sub-folders that are
    classes; or pictures that are twice as wide as high, with the input on the left and the target on the right. Folders
    `train` and `test` (or `val`) around these are splits.

    Args:
        folder: the folder.
        wishes: the settings for pictures.
        shown: shows the progress of reading many pictures.

    Raises:
        DataError: a partner is missing, the sizes of a pair differ, or a picture can't be read.
    """
    folder = folder.expanduser()
    if not folder.is_dir():
        raise wrong("pairs no folder", "pairs", path=folder)
    if wishes.labels not in ("auto", NONE):
        raise wrong("table for pairs", "labels", file=wishes.labels)
    labels = NONE if wishes.labels == NONE else FOLDERS
    notes, listed = Notes(), dict[Part, list[Pair]]()
    for part, place in places_of(folder, notes).items():
        for inner, pairs in pairs_in_folder(place, folder, labels, notes).items():
            listed[part if part != "train" else inner] = pairs
    order = [(part, pair) for part, pairs in listed.items() for pair in pairs]
    if wishes.size is None or wishes.fit == "crop":
        check_sizes([pair for _, pair in order], folder, wishes.skip_damaged)
    sources = [pair.input for _, pair in order] + [pair.target for _, pair in order]
    with shown(len(sources)) as report:
        decoded = decode_all(sources, wishes, notes, report)
    rows = {place: row for row, place in enumerate(decoded.places)}
    splits: dict[Part, ImageFiles] = {}
    for part in listed:
        whole = [
            place
            for place, (other, _) in enumerate(order)
            if other == part and place in rows and place + len(order) in rows
        ]
        labels, names = numbered([order[place][1].label for place in whole], notes)
        inputs = decoded.images[[rows[place] for place in whole]]
        targets = decoded.images[[rows[place + len(order)] for place in whole]]
        splits[part] = ImageFiles(targets, labels, names, [order[place][1].name for place in whole], inputs)
    return Collection("pairs", splits, notes, dict(decoded.sizes))


def places_of(folder: Path, notes: Notes) -> dict[Part, Path]:
    """Returns the folders of the splits; the folder itself as `train` if it has none.

    Raises:
        DataError: a split has several folders.
    """
    inside = [path for path in visible(folder) if path.is_dir() and path.name.lower() in SPLITS]
    if "train" not in {SPLITS[path.name.lower()] for path in inside}:
        return {"train": folder}
    places: dict[Part, Path] = {}
    for path in inside:
        if SPLITS[path.name.lower()] in places:
            raise wrong("split twice", "pairs", folder=folder, names=", ".join(one.name for one in inside))
        places[SPLITS[path.name.lower()]] = path
    pass_over(folder, places.values(), notes)
    return places


def visible(folder: Path) -> list[Path]:
    """Returns what a folder holds, by name, without hidden files and those that systems leave behind."""
    return [path for path in sorted(folder.iterdir()) if path.name[0] != "." and path.name.lower() not in JUNK]


def pass_over(folder: Path, used: Iterable[Path], notes: Notes) -> None:
    """Counts what lies in a folder beside the folders that are read."""
    for path in visible(folder):
        if path not in used:
            notes.skip("beside pairs", path.name)


def pairs_in_folder(place: Path, folder: Path, labels: str, notes: Notes) -> dict[Part, list[Pair]]:
    """Returns the pairs of one folder, which may hold splits inside `input` and `target`.

    Raises:
        DataError: a partner is missing, or there are no pictures.
    """
    folders = {path.name.lower(): path for path in visible(place) if path.is_dir()}
    both = {name: folders[name] for name in (INPUT, TARGET) if name in folders}
    if not both:
        return {"train": side_by_side(place, folder, labels, notes)}
    if len(both) == 1:
        there, missing = (INPUT, TARGET) if INPUT in both else (TARGET, INPUT)
        raise wrong("half only", "pairs", folder=place, there=there, missing=missing)
    pass_over(place, both.values(), notes)
    inputs = list_pictures(both[INPUT], labels, notes)
    targets = list_pictures(both[TARGET], labels, notes)
    result: dict[Part, list[Pair]] = {}
    for part in get_args(Part):
        if part in inputs or part in targets:
            result[part] = by_name(inputs.get(part, []), targets.get(part, []), place)
    return result


def by_name(inputs: list[Listed], targets: list[Listed], folder: Path) -> list[Pair]:
    """Returns inputs and targets as pairs, by their paths without endings.

    Raises:
        DataError: a partner is missing, or two pictures have the same name.
    """
    sides = [named(pictures, folder) for pictures in (inputs, targets)]
    for name in sides[0]:
        if name not in sides[1]:
            raise wrong("no target", "pairs", folder=folder, picture=sides[0][name].name)
    for name in sides[1]:
        if name not in sides[0]:
            raise wrong("no input", "pairs", folder=folder, picture=sides[1][name].name)
    return [
        Pair(name, source_of(sides[0][name], INPUT), source_of(picture, TARGET), picture.label)
        for name, picture in sides[1].items()
    ]


def named(pictures: list[Listed], folder: Path) -> dict[str, Listed]:
    """Returns pictures by their paths without endings.

    Raises:
        DataError: two have the same.
    """
    result: dict[str, Listed] = {}
    for picture in pictures:
        name = Path(picture.name).with_suffix("").as_posix()
        if name in result:
            raise wrong("pair name twice", "pairs", folder=folder, picture=name)
        result[name] = picture
    return result


def source_of(picture: Listed, side: str) -> Source:
    """Returns a picture of one side, named by the side's folder in messages."""
    return Source(f"{side}/{picture.name}", picture.path)


def side_by_side(place: Path, folder: Path, labels: str, notes: Notes) -> list[Pair]:
    """Returns the pairs in pictures that hold both, the input on the left.

    Raises:
        DataError: a picture isn't twice as wide as it is high.
    """
    pairs = []
    for picture in list_pictures(place, labels, notes).get("train", []):
        (width, height), _ = size_of(picture.path)
        if width != 2 * height:
            raise wrong("not two halves", "pairs", path=picture.path, size=f"{width}×{height}")
        left, right = (Source(picture.name, half(picture.path, side)) for side in (0, 1))
        pairs.append(Pair(Path(picture.name).with_suffix("").as_posix(), left, right, picture.label))
    if not pairs:
        raise wrong("no images", "pairs", path=folder)
    return pairs


def half(path: Path, side: int) -> Callable[[], bytes]:
    """Returns a function that returns the left half (0) or the right half (1) of a picture, upright, as a file."""

    def content() -> bytes:
        """Returns the half, encoded."""
        try:
            with Image.open(path) as picture:
                upright = ImageOps.exif_transpose(picture)
                width, height = upright.size
                part = upright.crop((side * width // 2, 0, (side + 1) * width // 2, height))
                part = part.convert("RGB") if part.mode in ("CMYK", "YCbCr", "LAB", "HSV") else part
                buffer = BytesIO()
                part.save(buffer, "TIFF" if part.mode == "F" else "PNG")
        except (UnidentifiedImageError, OSError):
            raise wrong("no picture", "pairs", path=path) from None
        return buffer.getvalue()

    return content


def check_sizes(pairs: list[Pair], folder: Path, skip_damaged: bool) -> None:
    """Checks that input and target of each pair have the same size, so that their pixels correspond.

    Raises:
        DataError: they haven't, or one can't be decoded unless it may be passed over.
    """
    for pair in pairs:
        if isinstance(pair.input.content, Path) and isinstance(pair.target.content, Path):
            try:
                first, second = size_of(pair.input.content)[0], size_of(pair.target.content)[0]
            except DataError:
                if skip_damaged:
                    continue
                raise
            if first != second:
                sizes = {"input": f"{first[0]}×{first[1]}", "target": f"{second[0]}×{second[1]}"}
                raise wrong("pair sizes", "pairs", folder=folder, picture=pair.name, **sizes)

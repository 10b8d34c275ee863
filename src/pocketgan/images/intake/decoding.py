"""All pictures of a folder to one array: in several threads, at the size and in the color that fit all of them."""

import hashlib
import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import ImageColor

from pocketgan.base.errors import DataError
from pocketgan.base.messages import problem
from pocketgan.images.intake.contents import Notes, few, wrong
from pocketgan.images.intake.pictures import DARK, Picture, Wish, decode, is_gray, size_of
from pocketgan.images.intake.sizes import choose_side, in_words
from pocketgan.images.intake.values import choose_range, count_outside, parse_range, to_bytes

Item = TypeVar("Item")
Result = TypeVar("Result")
Report = Callable[[float], None]
THREADS = 8
"""Maximum number of threads that decode; Pillow lets others run while it does."""
AHEAD = 64
"""Pictures that each thread may be ahead of the one whose turn it is."""
GRAY = {"1", "L", "I", "F", "I;16", "I;16B", "I;16L", "I;16N"}
"""Pillow's modes of gray pictures without transparency."""


@dataclass(frozen=True)
class Source:
    """One picture that is to be read: a file, or the content of one.

    Attributes:
        name: its name in messages and reports.
        content: the file, or a function that returns its bytes.
    """

    name: str
    content: Path | Callable[[], bytes]


@dataclass(frozen=True)
class Wishes:
    """The settings for pictures and arrays; see `DataConfig`, whose fields have the same names."""

    size: int | None = None
    fit: str = "crop"
    color: str = "auto"
    background: str = "white"
    value_range: str = "auto"
    channels_at: str = "auto"
    orientation: str = "auto"
    labels: str = "auto"
    skip_damaged: bool = False


@dataclass(frozen=True)
class Decoded:
    """The pictures that could be read.

    Attributes:
        images: uint8, shape (N, C, S, S), in the order of the sources.
        places: the indices of the sources that were read.
        sizes: the number of pictures of each size in their files.
        traces: of each source, how its file was as it was read; see `Trace`.
    """

    images: np.ndarray
    places: list[int]
    sizes: Counter[tuple[int, int]]
    traces: list["Trace | None"] = field(default_factory=list)


@dataclass(frozen=True)
class Trace:
    """A file as it was read: its size and its times in nanoseconds, and the hash of its content."""

    stamp: list[int]
    digest: str


def stamp(path: Path) -> list[int]:
    """Returns a file's size and the times of its last changes, in nanoseconds."""
    status = os.stat(path)
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def digest(content: bytes) -> str:
    """Returns the BLAKE2b hash of a file's content, 128 bits as hexadecimal digits."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def in_threads(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yields a function's results in order, computed in several threads, a limited number ahead."""
    count = min(THREADS, os.cpu_count() or 1)
    remaining = iter(items)
    with ThreadPoolExecutor(count) as pool:
        waiting = deque(pool.submit(function, item) for item in islice(remaining, count * AHEAD))
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(pool.submit(function, item) for item in islice(remaining, 1))


def decode_all(
    sources: Sequence[Source],
    wishes: Wishes,
    notes: Notes,
    report: Report,
    allocate: Callable[[tuple[int, ...]], np.ndarray] | None = None,
) -> Decoded:
    """Decodes pictures to images of one size and color.

    Args:
        sources: the pictures.
        wishes: the settings.
        notes: what was done and passed over is added.
        report: is told the share of the work that is done.
        allocate: makes the array for the images, of a shape; by default in memory.

    Raises:
        DataError: some can't be read, or their values can be read in two ways.
    """
    sizes, modes, damaged = measure(sources, report)
    side = wishes.size or choose_side(sizes) if sizes else None
    if side is None and sizes:
        side = next(iter(sizes))[0]
    channels = 1 if wishes.color == "gray" or (wishes.color == "auto" and modes <= GRAY) else 3
    good = [place for place in range(len(sources)) if place not in damaged]
    shape = (len(good), channels, side or 1, side or 1)
    images = np.empty(shape, np.uint8) if allocate is None else allocate(shape)
    colors = len(set(ImageColor.getrgb(wishes.background)[:3]))
    colored = channels == 3 and wishes.fit == "pad" and colors > 1
    wish, stack = Wish(side, wishes.fit, wishes.background, colored), Stack(images, notes)
    traces: list[Trace | None] = [None] * len(sources)

    def one(place: int) -> tuple[Trace | None, Picture | DataError]:
        return read_one(sources[place], wish)

    for number, (place, (trace, picture)) in enumerate(zip(good, in_threads(one, good), strict=True)):
        if number % 100 == 0:
            report(0.1 + 0.9 * number / max(1, len(good)))
        traces[place] = trace
        if isinstance(picture, DataError):
            damaged[place] = picture
        else:
            stack.add(place, picture)
    refuse_damaged(damaged, sources, wishes, notes)
    for place in damaged:  # So that the cache can tell whether they have changed.
        traces[place] = traces[place] or trace_of(sources[place])
    images = stack.settle(wishes)
    if wishes.orientation == "transposed":
        images = np.ascontiguousarray(images.swapaxes(2, 3))
        notes.say("transposed")
    how = problem(f"fit {wishes.fit}")
    notes.settle(
        {
            "composed": {"background": wishes.background},
            "fitted": {"sizes": in_words(sizes), "size": f"{side}×{side}", "how": how},
        }
    )
    return Decoded(images, stack.places, sizes, traces)


def trace_of(source: Source) -> Trace | None:
    """Returns how a file is; None if it can't be read, or isn't a file."""
    try:
        return (
            Trace(stamp(source.content), digest(source.content.read_bytes()))
            if isinstance(source.content, Path)
            else None
        )
    except OSError:
        return None


def read_one(source: Source, wish: Wish) -> tuple[Trace | None, Picture | DataError]:
    """Reads and decodes one picture; returns how its file was, and the picture or why there is none."""
    try:
        if not isinstance(source.content, Path):
            return None, decode(source.content(), wish, label=source.name)
        before, content = stamp(source.content), source.content.read_bytes()
    except OSError as error:
        return None, wrong("unreadable", path=source.name, why=error.strerror)
    except DataError as error:
        return None, error
    trace = Trace(before, digest(content))
    try:
        return trace, decode(content, wish, label=source.name)
    except DataError as error:
        return trace, error


class Stack:
    """Pictures as they are decoded, in one array, and what is known about all of them.

    Args:
        images: the array that they are written to, uint8, shape (N, C, S, S).
        notes: what was done to each is counted.

    Attributes:
        places: the indices of the sources that were read.
    """

    def __init__(self, images: np.ndarray, notes: Notes) -> None:
        self.images, self.notes = images, notes
        self.places: list[int] = []
        self._deep: dict[int, np.ndarray] = {}
        self._spans: list[tuple[float, float, bool]] = []
        self._colored = self._brightest = self._brightest_deep_color = 0
        self._darkest = 255

    def add(self, place: int, picture: Picture) -> None:
        """Adds the picture of a source."""
        self.notes.counts.update(picture.done)
        number, pixels = len(self.places), picture.pixels
        self.places.append(place)
        if picture.span is not None:
            self._deep[number] = pixels
            self._spans.append(picture.span)
            return
        highest = int(pixels.max(initial=0))
        self._brightest, self._darkest = max(self._brightest, highest), min(self._darkest, int(pixels.min(initial=255)))
        if picture.deep_color:
            self.notes.counts["deep color"] += 1
            self._brightest_deep_color = max(self._brightest_deep_color, highest)
        pixels, colored = in_channels(pixels, self.images.shape[1])
        self._colored += colored and not picture.tinted
        self.images[number] = pixels

    def settle(self, wishes: Wishes) -> np.ndarray:
        """Returns all pictures, in the range of values and with the channels that they turned out to have.

        Raises:
            DataError: their values can be read in two ways.
        """
        count = len(self.places)
        images = self.images if count == len(self.images) else self.images[:count]
        if self.notes.counts["deep color"] and self._brightest_deep_color <= DARK:
            raise wrong("deep color is dark", high=self._brightest_deep_color)
        self._scale_deep(images, wishes)
        if len(self._deep) < count:
            self._check_bytes(images, wishes)
        if wishes.color == "gray" and self._colored:
            self.notes.say("made gray", count=self._colored)
        if images.shape[1] == 3 and wishes.color == "auto":
            if not self._colored:
                self.notes.say("gray in color", count=count)
                return in_gray(images)
            if self._colored < count:
                self.notes.say("gray among color", count=count - self._colored)
        return images

    def _scale_deep(self, images: np.ndarray, wishes: Wishes) -> None:
        """Writes the pictures with more than 8 bits per pixel into the images, all scaled by the range that they share.

        Raises:
            DataError: their values can be read in two ways.
        """
        if not self._deep:
            return
        low, high = min(span[0] for span in self._spans), max(span[1] for span in self._spans)
        kind = np.dtype(np.uint16 if high > 1 and all(span[2] for span in self._spans) else np.float32)
        black, white = parse_range(wishes.value_range) or choose_range(kind, low, high, problem("deep pictures"))
        margin, outside = ImageColor.getcolor(wishes.background, "L"), 0
        for number, pixels in self._deep.items():
            inside = np.isfinite(pixels)
            outside += count_outside(pixels[inside][None], black, white)
            images[number] = to_bytes(np.where(inside, pixels, black)[None], black, white)
            images[number][:, ~inside] = margin
        if (black, white) != (0, 255):
            self.notes.say("scaled values", low=f"{black:g}", high=f"{white:g}", count=len(self._deep))
        if outside:
            self.notes.say("clipped values", low=f"{black:g}", high=f"{white:g}", count=outside)

    def _check_bytes(self, images: np.ndarray, wishes: Wishes) -> None:
        """Scales pictures of bytes as the settings say; refuses those that are nearly black without a word."""
        asked = parse_range(wishes.value_range)
        if asked is None:
            choose_range(np.dtype(np.uint8), self._darkest, self._brightest, problem("the pictures"))
        elif asked != (0, 255) and (not self._deep or self._brightest <= asked[1] <= 255):
            outside = 0
            for number in range(len(images)):
                if number not in self._deep:
                    outside += count_outside(images[number][None], *asked)
                    images[number] = to_bytes(images[number], *asked)
            count = len(images) - len(self._deep)
            ends = {"low": f"{asked[0]:g}", "high": f"{asked[1]:g}"}
            self.notes.say("scaled values", **ends, count=count)
            if outside:
                self.notes.say("clipped values", **ends, count=outside)


def measure(
    sources: Sequence[Source], report: Report
) -> tuple[Counter[tuple[int, int]], set[str], dict[int, DataError]]:
    """Reads the headers of all pictures: their sizes, their modes, and those that aren't pictures, by their place."""
    sizes: Counter[tuple[int, int]] = Counter()
    modes: set[str] = set()
    damaged: dict[int, DataError] = {}

    def header(source: Source) -> tuple[tuple[int, int], str] | DataError:
        try:
            return size_of(source.content if isinstance(source.content, Path) else source.content())
        except DataError as error:
            return error

    for place, found in enumerate(in_threads(header, sources)):
        if place % 1000 == 0:
            report(0.1 * place / max(1, len(sources)))
        if isinstance(found, DataError):
            damaged[place] = found
        else:
            sizes[found[0]] += 1
            modes.add(found[1])
    return sizes, modes, damaged


def refuse_damaged(damaged: dict[int, DataError], sources: Sequence[Source], wishes: Wishes, notes: Notes) -> None:
    """Counts the pictures that can't be read if they may be passed over, and names them all at once otherwise.

    Raises:
        DataError: some can't be read, and none may be passed over.
    """
    if not damaged:
        return
    names = [sources[place].name for place in sorted(damaged)]
    if wishes.skip_damaged and len(damaged) < len(sources):
        for name in names:
            notes.skip("damaged", name)
        return
    if len(damaged) == 1:
        place, error = next(iter(damaged.items()))
        content = sources[place].content
        key = "damaged picture" if error.key == "no picture" and len(sources) > 1 else error.key
        parts = {**error.parts, "path": content if isinstance(content, Path) else names[0]}
        raise DataError(key, field="data", **parts)
    raise wrong("damaged pictures", names=few(names, most=5), count=len(names))


def in_channels(pixels: np.ndarray, channels: int) -> tuple[np.ndarray, bool]:
    """Returns a picture (H, W) or (H, W, 3) as (C, H, W) with 1 or 3 channels, and whether it is in color."""
    if pixels.ndim == 2:
        return pixels[None], False
    gray = is_gray(pixels)
    if channels == 3 or gray:
        return pixels.transpose(2, 0, 1)[:channels], not gray
    return to_gray(pixels)[None], True


def in_gray(images: np.ndarray) -> np.ndarray:
    """Returns colored images (N, 3, H, W) in gray, (N, 1, H, W), computed in pieces."""
    result = np.empty((len(images), 1, *images.shape[2:]), np.uint8)
    for start in range(0, len(images), 1024):
        result[start : start + 1024, 0] = to_gray(images[start : start + 1024].transpose(0, 2, 3, 1))
    return result


def to_gray(pixels: np.ndarray) -> np.ndarray:
    """Returns the luma of colors (…, 3), uint8: 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), in units of 1/65536."""
    weights = np.array([19595, 38470, 7471], np.uint32)
    return ((pixels.astype(np.uint32) @ weights + 0x8000) >> 16).astype(np.uint8)

"""Images as pictures: grids, files, and a representation in notebooks. NumPy and Pillow alone."""

import io
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from pocketgan.base.errors import RunError
from pocketgan.base.files import write_atomically
from pocketgan.config.sections import RunConfig
from pocketgan.images import lettering
from pocketgan.images.montage import (
    BARE,
    PADDING,
    SCALE,
    THEMES,
    Labels,
    Layout,
    Theme,
    chosen_scale,
    headings,
    lay_out,
)

ENDINGS = (".png", ".jpg", ".jpeg", ".npz")


def grid(
    images: np.ndarray,
    columns: int | None = None,
    scale: int = SCALE,
    *,
    gap: int = PADDING,
    theme: Theme = "dark",
    labels: Labels = BARE,
) -> Image.Image:
    """Lays images out row by row, enlarged without blur. Every picture of several images is laid out here.

    Args:
        images: uint8, shape (N, C, H, W), C 1 or 3.
        columns: images a row; by default as square as can be.
        scale: pixels a pixel.
        gap: pixels of the lines around the images.
        theme: of lines and labels; the images' own pixels are never changed.
        labels: what is written around them.
    """
    layout, greys = lay_out(images.shape, columns, scale, gap, labels), THEMES[theme]
    canvas = np.full((layout.height, layout.width, images.shape[1]), greys.page, np.uint8)
    for index, image in enumerate(images):
        left, top = layout.corner(index)
        right, bottom = left + layout.wide, top + layout.high
        canvas[top - gap : bottom + gap, left - gap : right + gap] = greys.line
        canvas[top:bottom, left:right] = image.transpose(1, 2, 0).repeat(scale, axis=0).repeat(scale, axis=1)
    picture = to_picture(canvas)
    write_labels(picture, layout, labels, greys.ink, gap)
    return picture


def sample_columns(config: RunConfig, classes: int) -> int | None:
    """Returns the images a row of a run's sample pictures, pairs of input and output counted as two; None for a square.

    Args:
        config: the run's.
        classes: classes that its networks are told; 0 for none.
    """
    count = config.pictures.sample_count
    if config.reads_images:
        return min(16, 2 * count)
    if config.pictures.layout == "strip":
        return count
    return min(classes, count) if 4 <= classes <= 20 else None


def write_labels(picture: Image.Image, layout: Layout, labels: Labels, ink: int, gap: int) -> None:
    """Writes the labels of a grid into its picture."""
    size = layout.letters
    for index, name in enumerate(labels.above):
        x, y = layout.corner(index)
        _, height = lettering.room((name,), size)
        lettering.write(picture, x + layout.wide / 2, y - gap - height, name, size, ink, anchor="m")
    for row, name in enumerate(labels.beside):
        x, y = layout.corner(row * layout.across)
        _, height = lettering.room((name,), size)
        beside = layout.left - gap - size // 2
        lettering.write(picture, beside, y + (layout.high - height) / 2, name, size, ink, anchor="r")
    if labels.caption:
        size = layout.caption_letters
        lettering.write(picture, size // 2, layout.caption_top, labels.caption, size, ink)


def cut(picture: np.ndarray, count: int, height: int, width: int) -> tuple[np.ndarray, int] | None:
    """Takes a grid that `grid` laid out, with its usual scale and nothing around it, apart again.

    Args:
        picture: uint8, shape (H, W, C).
        count: the images that are in it.
        height, width: of an image.

    Returns:
        The images, uint8, shape (count, C, height, width), and how many a row; None where the picture is no such grid.
    """
    cell_h, cell_w = height * SCALE + PADDING, width * SCALE + PADDING
    rows, across = (picture.shape[0] - PADDING) // cell_h, (picture.shape[1] - PADDING) // cell_w
    if not (0 < across <= count and rows == math.ceil(count / across)):
        return None
    if picture.shape[:2] != (rows * cell_h + PADDING, across * cell_w + PADDING):
        return None
    cells = picture[PADDING:, PADDING:].reshape(rows, cell_h, across, cell_w, -1)
    small = cells[:, : height * SCALE : SCALE, :, : width * SCALE : SCALE].transpose(0, 2, 4, 1, 3)
    images = np.ascontiguousarray(small.reshape(rows * across, -1, height, width)[:count])
    same = np.array_equal(np.asarray(grid(images, across)).reshape(picture.shape), picture)
    return (images, across) if same else None


def to_picture(pixels: np.ndarray) -> Image.Image:
    """Makes a picture of uint8 pixels, shape (H, W, C), C 1 or 3."""
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)


def save_picture(picture: Image.Image, path: Path) -> None:
    """Writes a picture, in the format that the name's ending says, atomically."""
    form = {".jpg": "JPEG", ".jpeg": "JPEG"}.get(path.suffix.lower(), "PNG")
    write_atomically(path, picture_bytes(picture, form), durable=False)


def picture_bytes(picture: Image.Image, form: str = "PNG") -> bytes:
    """Returns a picture as a file's content."""
    buffer = io.BytesIO()
    picture.save(buffer, format=form)
    return buffer.getvalue()


def make_folder(out: str | Path, folder: Path) -> None:
    """Makes the folder that `out` is, or lies in.

    Raises:
        RunError: it can't be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError("'{out}' can't be made: {strerror}", field="out", out=out, strerror=error.strerror) from None


def class_numbers(class_names: Sequence[str]) -> list[int] | None:
    """Returns the numbers that classes are called by, 0 or more; None where one has another name."""
    return [int(name) for name in class_names] if all(name.isdecimal() for name in class_names) else None


def labels_as_arrays(labels: np.ndarray | None, class_names: Sequence[str]) -> dict[str, np.ndarray]:
    """Returns what an archive holds of the images' classes: `labels`, and `class_names` where they aren't numbers."""
    if labels is None:
        return {}
    return {"labels": labels} | ({"class_names": np.array(class_names)} if class_names else {})


def file_words(names: Sequence[str]) -> dict[str, str]:
    """Returns, by the names of classes, words that may stand in a file's name on any system, all of them different.

    Letters and digits of any language stay; of others, and of what is longer than 40 letters, `_` takes the place.
    """
    words: dict[str, str] = {}
    for place, name in enumerate(names):
        word = re.sub(r"[^\w.+-]+", "_", name)[:40].strip("._") or "_"
        taken = {other.casefold() for other in words.values()}
        words[name] = f"{word}_{place}" if word.casefold() in taken else word
    return words


@dataclass(frozen=True)
class Images:
    """Images that were generated; shows itself as a picture in a notebook.

    `numpy.asarray(images)` is all of them, shape (N, C, H, W); `images[0]` is one, (C, H, W), and so is each in a loop;
    `images[:8]`, or an index of several, gives `Images` again.

    Attributes:
        images: uint8 [0, 255], shape (N, C, H, W).
        labels: int64, the class asked for, shape (N,), or None: the number that it is called by, or where classes have
            other names, its place in `class_names`.
        columns: images a row in the grid.
        names: the classes' names, one an image, or None.
        gap: pixels of the lines around the images.
        class_names: the names of all classes, where they aren't numbers.
    """

    images: np.ndarray
    labels: np.ndarray | None = None
    columns: int | None = None
    names: tuple[str, ...] | None = None
    gap: int = PADDING
    class_names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: "int | slice | Sequence[int] | np.ndarray") -> "np.ndarray | Images":
        if isinstance(index, int | np.integer):
            return self.images[index]
        chosen = np.arange(len(self))[index]
        return replace(
            self,
            images=self.images[chosen],
            labels=None if self.labels is None else self.labels[chosen],
            names=None if self.names is None else tuple(self.names[place] for place in chosen),
        )

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter(self.images)

    def __array__(self, dtype: "np.dtype | None" = None, copy: bool | None = None) -> np.ndarray:
        if copy is False and dtype is not None and dtype != self.images.dtype:
            raise ValueError(f"images are {self.images.dtype}: as {dtype} they must be copied")
        return np.array(self.images, dtype=dtype) if copy else self.images.astype(dtype or np.uint8, copy=False)

    def __repr__(self) -> str:
        count, channels, height, width = self.images.shape
        classes = "" if self.names is None else f", classes {', '.join(dict.fromkeys(self.names))}"
        return f"Images({count} of {channels}×{height}×{width}{classes})"

    def named(self, class_names: tuple[str, ...]) -> "Images":
        """Returns the same images with their classes' names; where those are numbers, the labels become the same."""
        if self.labels is None:
            return self
        names, numbers = tuple(class_names[label] for label in self.labels), class_numbers(class_names)
        if numbers is None:
            return replace(self, names=names, class_names=class_names)
        return replace(self, labels=np.array(numbers)[self.labels], names=names)

    def picture(self, scale: int | None = None, *, theme: Theme = "dark", labels: bool = False) -> Image.Image:
        """Returns all images in one grid.

        Args:
            scale: pixels a pixel; by default 2, or 1 where that is too large.
            theme: of the lines and labels.
            labels: whether the classes' names are written.

        Raises:
            RunError: the picture would be too large, or the images have no classes.
        """
        around = self.class_labels() if labels else BARE
        scale = chosen_scale(scale, self.images.shape, self.columns, self.gap, around)
        return grid(self.images, self.columns, scale, gap=self.gap, theme=theme, labels=around)

    def class_labels(self) -> Labels:
        """Returns the classes' names as labels of the grid.

        Raises:
            RunError: the images have none.
        """
        if self.names is None:
            raise RunError(
                "these images were drawn without classes, so there are no names; leave --labels out", field="labels"
            )
        return Labels(above=headings(self.names, lay_out(self.images.shape, self.columns).across))

    def words_for_files(self) -> list[str]:
        """Returns what each image's class is called in the name of a file; nothing without classes."""
        if self.labels is None:
            return []
        if self.names is None:
            return [str(label) for label in self.labels]
        words = file_words(self.class_names or tuple(dict.fromkeys(self.names)))
        return [words[name] for name in self.names]

    def _repr_png_(self) -> bytes:
        return picture_bytes(self.picture())

    def save(self, out: str | Path, *, scale: int | None = None, theme: Theme = "dark", labels: bool = False) -> Path:
        """Writes a grid (`grid.png`, `.jpg`), an archive (`images.npz`) or a folder of single pictures (`DIR/`).

        Args:
            out: where; the ending says what.
            scale: pixels a pixel; by default 2 in a grid and 1 in single pictures.
            theme: of a grid's lines and labels.
            labels: whether a grid says the classes' names; the others always have them.

        Raises:
            RunError: the name has another ending, or the picture would be too large.
            StorageError: it can't be written.
        """
        path = Path(out)
        kind = path.suffix.lower()
        if str(out).endswith(("/", "\\")) or (kind not in ENDINGS and path.is_dir()):
            kind = ""
        if kind and kind not in ENDINGS:
            raise RunError(
                "'{out}' ends in '{kind}'; '.jpg', '.png', '.npz' or a folder would do", field="out", out=out, kind=kind
            )
        if kind == ".npz" and scale is not None:
            raise RunError(
                "'{out}' holds the images as they are; leave --scale out, or write a '.png'", field="scale", out=out
            )
        picture = self.picture(scale, theme=theme, labels=labels) if kind in ENDINGS[:3] else None
        if not kind:
            scale = chosen_scale(scale, (1, *self.images.shape[1:]), 1, 0, usual=1)
        make_folder(out, path.parent if kind else path)
        if picture is not None:
            save_picture(picture, path)
        elif kind == ".npz":
            buffer = io.BytesIO()
            arrays = {"images": self.images} | labels_as_arrays(self.labels, self.class_names)
            np.savez_compressed(buffer, allow_pickle=False, **arrays)
            write_atomically(path, buffer.getvalue())
        else:
            digits, words = max(4, len(str(len(self.images) - 1))), self.words_for_files()
            for index, image in enumerate(self.images):
                label = "" if self.labels is None else f"-label-{words[index]}"
                single = grid(image[None], 1, scale or 1, gap=0)
                save_picture(single, path / f"{index:0{digits}d}{label}.png")
        return path

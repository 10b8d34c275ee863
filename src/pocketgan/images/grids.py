"""Images as pictures: grids, files, and the display in notebooks. Only NumPy and Pillow are needed."""

import io
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from pocketgan.base.arguments import one_of
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
    """Arranges images row by row, enlarged without blur. Every picture of several images is drawn by this function.

    Args:
        images: uint8, shape (N, C, H, W), C 1 or 3.
        columns: images per row; by default as close to a square as possible.
        scale: the scale factor.
        gap: the width of the lines around the images, in pixels.
        theme: the theme of lines and labels; the images' own pixels never change.
        labels: the labels around the images.

    Raises:
        RunError: there is no such theme.
    """
    one_of("theme", theme, tuple(THEMES))
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
    """Returns the images per row of a run's sample pictures, where a pair counts as two; None for a square.

    Args:
        config: the run's configuration.
        classes: the number of classes of a conditional run; 0 for an unconditional one.
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
    """Splits a grid back into its images, if `grid` drew it with its default scale and without labels.

    Args:
        picture: uint8, shape (H, W, C).
        count: the number of images in the grid.
        height, width: the size of an image.

    Returns:
        The images, uint8, shape (count, C, height, width), and the images per row; None if the picture isn't such a
        grid.
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
    """Creates a picture from uint8 pixels, shape (H, W, C), C 1 or 3."""
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)


def save_picture(picture: Image.Image, path: Path) -> None:
    """Writes a picture atomically, in the format of the file name's ending."""
    form = {".jpg": "JPEG", ".jpeg": "JPEG"}.get(path.suffix.lower(), "PNG")
    write_atomically(path, picture_bytes(picture, form), durable=False)


def picture_bytes(picture: Image.Image, form: str = "PNG") -> bytes:
    """Returns a picture as the content of a file."""
    buffer = io.BytesIO()
    picture.save(buffer, format=form)
    return buffer.getvalue()


def make_folder(out: str | Path, folder: Path) -> None:
    """Creates `folder`, which is `out` or contains it.

    Raises:
        RunError: the folder can't be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError("no picture written", field="out", out=out, why=error.strerror) from None


NUMBER = re.compile(r"\d{4,}")
"""The number in the name of a single picture."""
SINGLE = re.compile(r"(-label-.+)?\.png")
"""What remains of the name of a generated picture without its number."""


def check_others(folder: Path, names: Iterable[str]) -> None:
    """Checks that no pictures of an earlier call would lie among new ones; those of the same names are replaced.

    Pictures of other classes, whose names differ by more than their number, may lie beside them if they are from calls
    of their own, whose numbers begin at 0.

    Args:
        folder: the folder.
        names: the files that are to be written.

    Raises:
        RunError: there are such pictures.
    """
    new = set(names)
    forms = {NUMBER.sub("", name, count=1) for name in new}
    there: dict[str, list[tuple[int, str]]] = {}
    for one in folder.iterdir():
        if one.name not in new and (number := NUMBER.search(one.name)):
            there.setdefault(NUMBER.sub("", one.name, count=1), []).append((int(number[0]), one.name))
    generated, with_classes = any(map(SINGLE.fullmatch, forms)), ".png" not in forms

    def is_mixed(form: str, first: int) -> bool:
        of_another_kind = (form != ".png") != with_classes
        return form in forms or (generated and bool(SINGLE.fullmatch(form)) and (of_another_kind or first > 0))

    others = [name for form, found in there.items() if is_mixed(form, min(found)[0]) for _, name in found]
    if others:
        raise RunError("other pictures", field="out", folder=folder, count=len(others), name=min(others))


def class_numbers(class_names: Sequence[str]) -> list[int] | None:
    """Returns the class names as numbers from 0 up; None if a name isn't a number."""
    return [int(name) for name in class_names] if all(name.isdecimal() for name in class_names) else None


def labels_as_arrays(labels: np.ndarray | None, class_names: Sequence[str]) -> dict[str, np.ndarray]:
    """Returns an archive's arrays for the images' classes: `labels`, and `class_names` if these aren't numbers."""
    if labels is None:
        return {}
    return {"labels": labels} | ({"class_names": np.array(class_names)} if class_names else {})


def file_words(names: Sequence[str]) -> dict[str, str]:
    """Maps each class name to a unique word that any system allows in a file name.

    Letters and digits of any language, `.`, `+` and `-` remain. `_` replaces other characters, and words are cut to 40
    characters.
    """
    words: dict[str, str] = {}
    for place, name in enumerate(names):
        word = re.sub(r"[^\w.+-]+", "_", name)[:40].strip("._") or "_"
        taken = {other.casefold() for other in words.values()}
        words[name] = f"{word}_{place}" if word.casefold() in taken else word
    return words


@dataclass(frozen=True)
class Images:
    """Generated images, which a notebook displays as a picture.

    `numpy.asarray(images)` has all of them, shape (N, C, H, W). `images[0]` is one image, (C, H, W), as is each in a
    loop. `images[:8]`, or an index with several images, gives `Images` again.

    Attributes:
        images: uint8 [0, 255], shape (N, C, H, W).
        labels: the requested classes, int64, shape (N,), or None. A class is given by its number, or by its index in
            `class_names` if the names aren't numbers.
        columns: images per row in the grid.
        names: the class name of each image, or None.
        latents: the latents that the images were generated from, float32, shape (N, latent_dim), or None.
        gap: the width of the lines around the images, in pixels.
        class_names: the names of all classes, if they aren't numbers.
    """

    images: np.ndarray
    labels: np.ndarray | None = None
    columns: int | None = None
    names: tuple[str, ...] | None = None
    gap: int = PADDING
    class_names: tuple[str, ...] = ()
    latents: np.ndarray | None = None

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
            latents=None if self.latents is None else self.latents[chosen],
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
        """Returns the same images with their class names; if the names are numbers, the labels become these numbers."""
        if self.labels is None:
            return self
        names, numbers = tuple(class_names[label] for label in self.labels), class_numbers(class_names)
        if numbers is None:
            return replace(self, names=names, class_names=class_names)
        return replace(self, labels=np.array(numbers)[self.labels], names=names)

    def picture(self, scale: int | None = None, *, theme: Theme = "dark", labels: bool = False) -> Image.Image:
        """Returns all images in one grid.

        Args:
            scale: the scale factor; by default 2, or 1 if the picture would be too large.
            theme: the theme of the lines and labels.
            labels: whether to write the class names.

        Raises:
            RunError: the picture would be too large, or the images have no classes.
        """
        around = self.class_labels() if labels else BARE
        scale = chosen_scale(scale, self.images.shape, self.columns, self.gap, around)
        return grid(self.images, self.columns, scale, gap=self.gap, theme=theme, labels=around)

    def class_labels(self) -> Labels:
        """Returns the class names as labels of the grid.

        Raises:
            RunError: the images have no classes.
        """
        if self.names is None:
            raise RunError("no class names", field="labels")
        return Labels(above=headings(self.names, lay_out(self.images.shape, self.columns).across))

    def words_for_files(self) -> list[str]:
        """Returns the word for each image's class in a file name; an empty list without classes."""
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
            out: the file or folder; its ending selects the format.
            scale: the scale factor; by default 2 for a grid and 1 for single pictures.
            theme: the theme of a grid's lines and labels.
            labels: whether to write the class names into a grid; archives and file names always have them.

        Raises:
            RunError: the name has another ending, the picture would be too large, or the folder has pictures of an
                earlier call that would lie among the new ones.
            StorageError: a file can't be written.
        """
        path = Path(out)
        kind = path.suffix.lower()
        if str(out).endswith(("/", "\\")) or (kind not in ENDINGS and path.is_dir()):
            kind = ""
        if kind and kind not in ENDINGS:
            raise RunError("ending of images", field="out", out=out)
        if kind and path.is_dir():
            raise RunError("out is a folder", field="out", out=out)
        if kind == ".npz" and scale is not None:
            raise RunError("scale of arrays", field="scale", out=out)
        if kind not in ENDINGS[:3] and theme != "dark":
            raise RunError("grids only", field="theme", out=out)
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
            labeled = [""] * len(self) if self.labels is None else [f"-label-{word}" for word in words]
            names = [f"{index:0{digits}d}{label}.png" for index, label in enumerate(labeled)]
            check_others(path, names)
            for name, image in zip(names, self.images, strict=True):
                save_picture(grid(image[None], 1, scale or 1, gap=0), path / name)
        return path

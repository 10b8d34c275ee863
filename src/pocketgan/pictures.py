"""Images as pictures: grids, files, and a representation in notebooks. NumPy and Pillow alone."""

import io
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from pocketgan.errors import RunError
from pocketgan.files import write_atomically

PADDING = 2
SCALE = 2
ENDINGS = (".png", ".jpg", ".jpeg", ".npz")
FRAME = 32
"""The grey of the lines between the images of a grid."""


def grid(images: np.ndarray, columns: int | None = None, scale: int = SCALE) -> Image.Image:
    """Lays images out row by row, enlarged without blur.

    Args:
        images: uint8, shape (N, C, H, W), C 1 or 3.
        columns: images a row; by default as square as can be.
        scale: pixels a pixel.
    """
    count, channels, height, width = images.shape
    across = min(count, columns or math.ceil(math.sqrt(count)))
    rows = math.ceil(count / across)
    cell_h, cell_w = height * scale + PADDING, width * scale + PADDING
    canvas = np.full((rows * cell_h + PADDING, across * cell_w + PADDING, channels), FRAME, np.uint8)
    enlarged = images.repeat(scale, axis=2).repeat(scale, axis=3).transpose(0, 2, 3, 1)
    for index, image in enumerate(enlarged):
        top = PADDING + index // across * cell_h
        left = PADDING + index % across * cell_w
        canvas[top : top + height * scale, left : left + width * scale] = image
    return to_picture(canvas)


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


@dataclass(frozen=True)
class Images:
    """Images that were generated; shows itself as a picture in a notebook.

    Attributes:
        images: uint8 [0, 255], shape (N, C, H, W).
        labels: int64, the class asked for, shape (N,), or None.
        columns: images a row in the grid.
    """

    images: np.ndarray
    labels: np.ndarray | None = None
    columns: int | None = None

    def __len__(self) -> int:
        return len(self.images)

    def named(self, class_names: tuple[str, ...]) -> "Images":
        """Returns the same images with the classes' own numbers as labels, where their names are numbers."""
        if self.labels is None or not all(name.isdecimal() for name in class_names):
            return self
        return Images(self.images, np.array([int(name) for name in class_names])[self.labels], self.columns)

    def picture(self) -> Image.Image:
        """Returns all images in one grid."""
        return grid(self.images, self.columns)

    def _repr_png_(self) -> bytes:
        return picture_bytes(self.picture())

    def save(self, out: str | Path) -> Path:
        """Writes a grid (`grid.png`, `.jpg`), an archive (`images.npz`) or a folder of single pictures (`DIR/`).

        Raises:
            RunError: the name has another ending.
            StorageError: it can't be written.
        """
        path = Path(out)
        kind = path.suffix.lower()
        if str(out).endswith(("/", "\\")) or (kind not in ENDINGS and path.is_dir()):
            kind = ""
        if kind and kind not in ENDINGS:
            raise RunError(f"out: '{out}' ends in '{kind}'; '.png', '.npz' or a folder would do")
        try:
            (path.parent if kind else path).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"out: '{out}' can't be made: {error.strerror}") from None
        if kind == ".npz":
            buffer = io.BytesIO()
            if self.labels is None:
                np.savez_compressed(buffer, images=self.images)
            else:
                np.savez_compressed(buffer, images=self.images, labels=self.labels)
            write_atomically(path, buffer.getvalue())
        elif kind:
            save_picture(self.picture(), path)
        else:
            digits = max(4, len(str(len(self.images) - 1)))
            for index, image in enumerate(self.images):
                label = "" if self.labels is None else f"-label-{self.labels[index]}"
                save_picture(to_picture(image.transpose(1, 2, 0)), path / f"{index:0{digits}d}{label}.png")
        return path

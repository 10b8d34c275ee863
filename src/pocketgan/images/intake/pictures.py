"""One picture file to pixels: upright, without transparency, in a size that was asked for."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor, ImageOps, UnidentifiedImageError

from pocketgan.images.intake.contents import wrong

ENDINGS = (
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".gif", ".tif", ".tiff", ".pgm", ".ppm", ".pbm"
)  # fmt: skip
"""Endings of pictures that are read."""
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "DIB", "GIF", "TIFF", "PPM")
"""Pillow's names of the formats that are read. A file is read as what its content says, whatever its name."""
UNREAD = (".heic", ".heif", ".avif", ".svg", ".psd", ".raw", ".cr2", ".nef", ".dng", ".jp2", ".jxl", ".ico", ".xcf")
"""Endings of pictures that aren't read."""
MOST_PIXELS = 100_000_000
"""Maximum number of pixels of a picture; a larger one is refused before it is decoded."""
DRAFT = 2
"""A JPEG file is decoded at a reduced size that is at least this many times the size asked for."""
ORIENTATION = 0x0112
"""EXIF's tag of the camera's orientation."""
DEEP_COLOR = {2, 4, 6}
"""PNG's color types with several channels, of which Pillow keeps the upper 8 of 16 bits."""
BITS = 258
"""TIFF's tag of the bits of each channel."""
LOSSY = ("JPEG", "MPO")
TINT = 12
"""Largest difference between the channels of a gray picture in such a format."""
DARK = 16
"""Pictures with 16 bits per color that are nowhere brighter than this, of 255, hold numbers below 16 bits."""
FITS = {"crop": "cropped to a square and scaled", "pad": "padded to a square and scaled", "stretch": "stretched"}


@dataclass
class Picture:
    """A decoded picture.

    Attributes:
        pixels: shape (H, W) or (H, W, 3); uint8, or float32 where the file has more than 8 bits per pixel.
        size: width and height in the file, upright.
        done: keys of messages about what was done to it.
        deep_color: whether the file has 16 bits per color, of which 8 were read.
        lossy: whether its format rounds colors, so that gray pictures can be slightly colored.
        span: the lowest and the highest value in a file with more than 8 bits per pixel, before it was fitted, and
            whether all values are whole numbers. In the margin of a padded picture, its pixels are NaN.
    """

    pixels: np.ndarray
    size: tuple[int, int]
    done: set[str] = field(default_factory=set)
    deep_color: bool = False
    lossy: bool = False
    span: tuple[float, float, bool] | None = None

    @property
    def tinted(self) -> bool:
        """Whether it is a gray picture that its format may have colored slightly."""
        return self.lossy and self.pixels.ndim == 3 and int(np.ptp(self.pixels, axis=2).max(initial=0)) <= TINT


@dataclass(frozen=True)
class Wish:
    """How pictures are wanted.

    Attributes:
        size: the side in pixels; None leaves pictures as they are.
        colored: whether gray pictures get a margin in color.
        fit: `crop`, `pad` or `stretch`.
        background: color behind transparency and around padded pictures: `white`, `black`, a name or `#rrggbb`.
    """

    size: int | None = None
    fit: str = "crop"
    background: str = "white"
    colored: bool = False


def read_picture(path: Path, name: str = "data", wish: Wish | None = None) -> np.ndarray:
    """Reads one picture: uint8, shape (H, W) for gray or (H, W, 3) for color.

    Args:
        path: the file.
        name: the setting that requested the picture, for messages.
        wish: the size and the background; by default the file's size, on white.

    Raises:
        DataError: the file can't be decoded, or is too large; the message names the file.
    """
    picture = decode(path, wish or Wish(), name)
    pixels = picture.pixels
    if pixels.dtype != np.uint8:
        pixels = np.nan_to_num(pixels)
        top = depth_of(float(pixels.max(initial=0)))
        pixels = (pixels * (255 / top)).round().clip(0, 255).astype(np.uint8)
    return pixels[..., 0] if pixels.ndim == 3 and is_gray(pixels) else pixels


def decode(source: Path | bytes, wish: Wish, name: str = "data", label: str | None = None) -> Picture:
    """Decodes a picture file.

    Args:
        source: the file, or its content.
        wish: how the picture is wanted.
        name: the setting that requested the picture, for messages.
        label: the name for messages; by default the path.

    Raises:
        DataError: it can't be decoded, or is too large.
    """
    path = label or str(source if isinstance(source, Path) else "")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(source if isinstance(source, Path) else BytesIO(source), formats=FORMATS) as picture:
                width, height = picture.size
                if width * height > MOST_PIXELS:
                    size = {"width": str(width), "height": str(height), "most": MOST_PIXELS // 1_000_000}
                    raise wrong("picture too large", name, path=path, **size)
                return _pixels_of(picture, wish, path, _head_of(source))
    except PermissionError as error:
        raise wrong("unreadable", name, path=path, why=error.strerror) from None
    except UnidentifiedImageError:
        raise wrong("no picture", name, path=path) from None
    except (OSError, ValueError, SyntaxError, EOFError, OverflowError, Image.DecompressionBombError) as error:
        if hasattr(error, "key"):
            raise
        raise wrong("no picture", name, path=path) from None


def size_of(source: Path | bytes) -> tuple[tuple[int, int], str]:
    """Returns a picture's size, upright, and Pillow's mode, from its header.

    Raises:
        DataError: it isn't a picture.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(source if isinstance(source, Path) else BytesIO(source), formats=FORMATS) as picture:
                width, height = picture.size
                turned = picture.format != "TIFF" and _orientation(picture) in (5, 6, 7, 8)  # Pillow turns TIFF files.
                return (height, width) if turned else (width, height), picture.mode
    except (OSError, ValueError, SyntaxError, EOFError, OverflowError, Image.DecompressionBombError):
        raise wrong("no picture", path=str(source) if isinstance(source, Path) else "") from None


def _orientation(picture: Image.Image) -> int:
    """Returns how a camera was held, from 1 (upright) to 8, of a picture that isn't decoded yet."""
    if picture.format in ("JPEG", "MPO", "TIFF") or "exif" in picture.info:  # Without it, PNG files would be decoded.
        return picture.getexif().get(ORIENTATION, 1)
    return 1


def _head_of(source: Path | bytes) -> bytes:
    """Returns the first bytes of a file."""
    if not isinstance(source, Path):
        return source[:64]
    with source.open("rb") as file:
        return file.read(64)


def _is_deep_color(picture: Image.Image, head: bytes) -> bool:
    """Whether a picture has 16 bits per color: of PNG files, bytes 24 and 25 are the bit depth and the color type."""
    if picture.format == "TIFF":
        bits = getattr(picture, "tag_v2", {}).get(BITS, (8,))
        return len(bits) > 1 and max(bits) > 8 and picture.mode.startswith("RGB")
    return picture.format == "PNG" and len(head) > 25 and head[24] == 16 and head[25] in DEEP_COLOR


def _pixels_of(picture: Image.Image, wish: Wish, path: str, head: bytes) -> Picture:
    done: set[str] = set()
    if getattr(picture, "n_frames", 1) > 1 and picture.format != "MPO":
        done.add("first frame")
    if _orientation(picture) in range(2, 9):
        done.add("turned")
    deep_color = _is_deep_color(picture, head)
    lossy = picture.format in LOSSY or (picture.format == "WEBP" and b"VP8L" not in head)
    if wish.size and picture.format in ("JPEG", "MPO"):
        picture.draft(None, (DRAFT * wish.size, DRAFT * wish.size))
    picture.load()
    upright = picture
    if picture.getexif().get(ORIENTATION, 1) not in (0, 1):  # TIFF files are upright already.
        upright = ImageOps.exif_transpose(picture)
        done.add("turned")
    size = upright.size
    if upright.mode.startswith(("I", "F")):
        values = np.asarray(upright).astype(np.float32)
        if not np.isfinite(values).all():
            raise wrong("images not finite", path=path)
        span = float(values.min()), float(values.max()), bool((values == np.round(values)).all())
        return Picture(np.asarray(fitted(Image.fromarray(values), wish, done)), size, done, span=span)
    if upright.mode in ("RGBA", "LA", "La", "RGBa", "PA") or "transparency" in upright.info:
        upright = _composed(upright.convert("RGBA"), wish.background, done)
    elif upright.mode in ("1", "L"):
        upright = upright.convert("RGB" if wish.colored else "L")
    elif upright.mode != "RGB":
        upright = upright.convert("RGB")
    return Picture(np.asarray(fitted(upright, wish, done)), size, done, deep_color, lossy)


def _composed(picture: Image.Image, background: str, done: set[str]) -> Image.Image:
    """Puts a picture with transparency on a background (`over` of Porter & Duff 1984)."""
    if np.asarray(picture.getchannel("A")).min() == 255:
        return picture.convert("RGB")
    done.add("composed")
    behind = Image.new("RGBA", picture.size, (*ImageColor.getrgb(background)[:3], 255))
    return Image.alpha_composite(behind, picture).convert("RGB")


def fitted(picture: Image.Image, wish: Wish, done: set[str]) -> Image.Image:
    """Returns a picture in the wanted size, by Pillow's bicubic filter with antialiasing; the same one if it has it."""
    side = wish.size
    if side is None or picture.size == (side, side):
        return picture
    done.add("fitted")
    width, height = picture.size
    if wish.fit == "crop" and width != height:
        short = min(width, height)
        left, top = (width - short) // 2, (height - short) // 2
        picture = picture.crop((left, top, left + short, top + short))
    elif wish.fit == "pad" and width != height:
        scale = side / max(width, height)
        inner = max(1, round(width * scale)), max(1, round(height * scale))
        small = picture.resize(inner, Image.Resampling.BICUBIC)
        whole = Image.new(picture.mode, (side, side), color_in(picture.mode, wish.background))
        whole.paste(small, ((side - inner[0]) // 2, (side - inner[1]) // 2))
        return whole
    return picture.resize((side, side), Image.Resampling.BICUBIC)


def color_in(mode: str, background: str) -> int | float | tuple[int, ...]:
    """Returns a color as Pillow's value for a mode: `L`, `RGB`, or `F`, where it is NaN until the range is known."""
    return float("nan") if mode == "F" else ImageColor.getcolor(background, mode)


def is_gray(pixels: np.ndarray) -> bool:
    """Returns whether the three channels (…, 3) of a picture are equal everywhere."""
    return bool((pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 0] == pixels[..., 2]).all())


def depth_of(highest: float) -> int:
    """Returns the largest value of the bit depth (8, 10, 12, 14 or 16) that values up to `highest` need."""
    return next((top for top in (255, 1023, 4095, 16383, 65535) if highest <= top), max(1, round(highest)))


def sniffed(start: bytes) -> bool:
    """Returns whether a file's first bytes are those of a picture that is read."""
    kinds: Sequence[bytes] = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM", b"II*\0", b"MM\0*")
    return start.startswith(tuple(kinds)) or (start[:4] == b"RIFF" and start[8:12] == b"WEBP")

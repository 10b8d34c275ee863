"""Uploaded pictures, which may be malicious: their decoded size is known before they are decoded."""

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from pocketgan.base.errors import WebError
from pocketgan.web.create_words import decimal, say

FORMATS = ("PNG", "JPEG", "GIF")
MOST_BYTES = 20_000_000
MOST_PIXELS, MOST_SIDE = 12_500_000, 16_000
"""Largest number of pixels and largest side of a picture.

A phone's photograph has 12 million pixels. Decoded, that many pixels take 50 MB, and as much again while they are
reduced.
"""
KEPT = 512
"""Largest side of a picture after reduction, in pixels."""
PAPER, BLACK = 255, 0


def read_upload(path: Path) -> np.ndarray:
    """Reads an uploaded picture file; see `read_picture`.

    Raises:
        WebError: the file is rejected; the message is in the current language.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise WebError(say("upload bytes", most=MOST_BYTES // 1_000_000))
        content = path.read_bytes()
    except OSError:
        raise WebError(say("upload gone")) from None
    return read_picture(content)


def read_picture(content: bytes) -> np.ndarray:
    """Decodes a PNG, JPEG or GIF picture (the first frame of an animation) at no more than the needed size.

    Args:
        content: the file's bytes; only the header is read before the picture's size is checked.

    Returns:
        uint8, shape (H, W) for gray, (H, W, 3) for color, with at most 512 pixels per side. Transparency becomes white,
        or black under a bright drawing.

    Raises:
        WebError: the file isn't such a picture, is too large, or is cut short; the message is in the current language.
    """
    if len(content) > MOST_BYTES:
        raise WebError(say("upload bytes", most=MOST_BYTES // 1_000_000))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
                check_size(picture)
                picture.draft("RGB", (KEPT, KEPT))
                picture.load()
                check_size(picture)
                return pixels_of(picture)
    except WebError:
        raise
    except Image.DecompressionBombError:
        raise WebError(say("upload bomb")) from None
    except Exception:  # Decoders can raise anything for a malicious file.
        raise WebError(say("upload damaged")) from None


def check_size(picture: Image.Image) -> None:
    """Checks the decoded size of a picture.

    Raises:
        WebError: it has too many pixels.
    """
    width, height = picture.size
    if width * height > MOST_PIXELS or max(width, height) > MOST_SIDE:
        raise WebError(say("upload size", width=width, height=height, most=decimal(MOST_PIXELS / 1_000_000)))


def pixels_of(picture: Image.Image) -> np.ndarray:
    """Returns a decoded picture's pixels, with at most 512 per side and transparency filled."""
    if picture.mode.startswith("I"):
        small = reduced(picture.convert("F") if picture.mode == "I" else picture)
        values = np.asarray(small, np.float32)
        return (values / (257 if values.max(initial=0) > 255 else 1)).clip(0, 255).round().astype(np.uint8)
    if picture.mode == "P" or "transparency" in picture.info:
        small = reduced(thinned(picture).convert("RGBA"))
    else:
        small = reduced(picture.convert("L") if picture.mode == "1" else picture)
    if small.mode in ("RGBA", "LA", "PA"):
        return filled(np.asarray(small.convert("RGBA")))
    return grey_if_grey(np.asarray(small.convert("L" if small.mode == "L" else "RGB")))


def reduced(picture: Image.Image) -> Image.Image:
    """Returns a picture with at most 512 pixels on its longer side; rare 16-bit modes are reduced without averaging."""
    longer = max(picture.size)
    if longer <= KEPT:
        return picture
    width, height = (max(1, round(side * KEPT / longer)) for side in picture.size)
    odd = picture.mode.startswith("I")
    return picture.resize((width, height), Image.Resampling.NEAREST if odd else Image.Resampling.BOX)


def thinned(picture: Image.Image) -> Image.Image:
    """Returns a picture with at most four times the final number of pixels per side, sampled without averaging.

    Palette indices can't be averaged, and converting all of them to colors takes four times the memory.
    """
    factor = max(1, max(picture.size) // (4 * KEPT))
    width, height = (max(1, side // factor) for side in picture.size)
    return picture if factor == 1 else picture.resize((width, height), Image.Resampling.NEAREST)


def filled(pixels: np.ndarray) -> np.ndarray:
    """Puts a picture with transparency (H, W, 4) on white, or on black if its content is bright."""
    colours, cover = pixels[..., :3].astype(np.float32), pixels[..., 3:].astype(np.float32) / 255
    drawn = cover.sum()
    bright = drawn > 0 and (colours.mean(axis=2, keepdims=True) * cover).sum() / drawn > PAPER / 2
    behind = BLACK if bright and (cover < 1).any() else PAPER
    return grey_if_grey((colours * cover + behind * (1 - cover)).round().astype(np.uint8))


def grey_if_grey(pixels: np.ndarray) -> np.ndarray:
    """Returns shape (H, W) if the three channels of (H, W, 3) are equal everywhere."""
    if pixels.ndim == 3 and (pixels == pixels[..., :1]).all():
        return pixels[..., 0].copy()
    return pixels

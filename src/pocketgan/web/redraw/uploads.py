"""Pictures from a browser, which may be hostile: what they would cost is known before they are decoded."""

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
"""Of a picture: a telephone's photograph has 12 million. Decoded, so many take 50 MB, and as many to be reduced."""
KEPT = 512
"""Pixels of the longer side that larger pictures are reduced to."""
PAPER, BLACK = 255, 0


def read_upload(path: Path) -> np.ndarray:
    """Reads a picture file that somebody sent; see `read_picture`.

    Raises:
        WebError: it is refused; a sentence in the language that is spoken.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise WebError(say("upload bytes", most=MOST_BYTES // 1_000_000))
        content = path.read_bytes()
    except OSError:
        raise WebError(say("upload gone")) from None
    return read_picture(content)


def read_picture(content: bytes) -> np.ndarray:
    """Decodes a PNG, JPEG or GIF picture, of a film the first frame, no larger than needed.

    Args:
        content: the file's bytes; only their header is looked at before the picture's size is known to do.

    Returns:
        uint8, shape (H, W) where it is grey, (H, W, 3) where it has colours, 512 pixels a side at most. What is
        transparent becomes white, or black under a bright drawing.

    Raises:
        WebError: it is no such picture, too large, or cut short; a sentence in the language that is spoken.
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
    except Exception:  # Decoders raise whatever they like at what somebody made to break them.
        raise WebError(say("upload damaged")) from None


def check_size(picture: Image.Image) -> None:
    """Checks what a picture would take.

    Raises:
        WebError: it has too many pixels.
    """
    width, height = picture.size
    if width * height > MOST_PIXELS or max(width, height) > MOST_SIDE:
        raise WebError(say("upload size", width=width, height=height, most=decimal(MOST_PIXELS / 1_000_000)))


def pixels_of(picture: Image.Image) -> np.ndarray:
    """Returns a decoded picture's pixels, reduced to 512 a side, what is transparent filled."""
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
    """Returns a picture whose longer side has 512 pixels at most; of an odd 16-bit mode, without averaging."""
    longer = max(picture.size)
    if longer <= KEPT:
        return picture
    width, height = (max(1, round(side * KEPT / longer)) for side in picture.size)
    odd = picture.mode.startswith("I")
    return picture.resize((width, height), Image.Resampling.NEAREST if odd else Image.Resampling.BOX)


def thinned(picture: Image.Image) -> Image.Image:
    """Returns a picture with at most four times as many pixels a side as are kept, taken out of all without averaging.

    A palette's numbers can't be averaged, and all of them as colours take four times the memory.
    """
    factor = max(1, max(picture.size) // (4 * KEPT))
    width, height = (max(1, side // factor) for side in picture.size)
    return picture if factor == 1 else picture.resize((width, height), Image.Resampling.NEAREST)


def filled(pixels: np.ndarray) -> np.ndarray:
    """Puts a picture with transparency (H, W, 4) on white, or on black where what is drawn is bright."""
    colours, cover = pixels[..., :3].astype(np.float32), pixels[..., 3:].astype(np.float32) / 255
    drawn = cover.sum()
    bright = drawn > 0 and (colours.mean(axis=2, keepdims=True) * cover).sum() / drawn > PAPER / 2
    behind = BLACK if bright and (cover < 1).any() else PAPER
    return grey_if_grey((colours * cover + behind * (1 - cover)).round().astype(np.uint8))


def grey_if_grey(pixels: np.ndarray) -> np.ndarray:
    """Returns (H, W) where all three colours (H, W, 3) are the same everywhere."""
    if pixels.ndim == 3 and (pixels == pixels[..., :1]).all():
        return pixels[..., 0].copy()
    return pixels

"""Pictures from a browser: what is read of them, and that hostile ones are refused in a sentence and cost little."""

import io
import struct
import subprocess
import sys
import textwrap
import zlib

import numpy as np
import pytest
from PIL import Image

from pocketgan.base.errors import WebError
from pocketgan.base.language import speaking
from pocketgan.web.redraw.uploads import KEPT, MOST_BYTES, MOST_PIXELS, read_picture, read_upload

MOST_MEMORY = 200_000_000
"""Bytes that a hostile picture may cost."""


def encoded(picture, form="PNG", **options):
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width, height, depth=8, colour=0, data=b"", extra=b""):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def zeros(count):
    """Returns so many zero bytes, compressed, without ever holding them."""
    packer = zlib.compressobj(9)
    pieces = [packer.compress(bytes(1_000_000)) for _ in range(count // 1_000_000)]
    return b"".join(pieces) + packer.compress(bytes(count % 1_000_000)) + packer.flush()


def gif(width, height, frames, frame_size=None):
    """Returns a GIF whose frames are all of one colour; each has a size of its own in its header."""
    content = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    one = b"\x2c" + struct.pack("<HHHHB", 0, 0, *(frame_size or (width, height)), 0) + b"\x02\x02\x4c\x01\x00"
    return content + one * frames + b"\x3b"


def long_film(side, frames):
    """Returns a GIF of many large frames, all of one colour."""
    one = encoded(Image.new("P", (side, side)), "GIF")
    frame = one[one.index(b"\x2c") : -1]
    return one[:-1] + frame * frames + b"\x3b"


HOSTILE = {
    "a header of 50,000 a side": lambda: png(50_000, 50_000),
    "50,000 a side with its data": lambda: png(50_000, 50_000, 1, 0, zeros(50_000 * 6_251)),
    "one row of a million": lambda: png(1_000_000, 1, 8, 0, zeros(1_000_001)),
    "cut short": lambda: encoded(Image.effect_noise((400, 400), 90))[:20_000],
    "cut short JPEG": lambda: encoded(Image.effect_noise((900, 900), 90), "JPEG")[:9_000],
    "a compressed profile": lambda: png(
        9, 9, data=zeros(90), extra=chunk(b"iCCP", b"x\0\0" + zeros(400_000_000))
    ),
    "compressed letters": lambda: png(
        9, 9, data=b"", extra=b"".join(chunk(b"zTXt", b"k\0\0" + zeros(900_000)) for _ in range(400))
    ),
    "a GIF larger than its screen": lambda: gif(10, 10, 1, (60_000, 60_000)),
    "a GIF of 65,000 a side": lambda: gif(65_000, 65_000, 1),
    "too many bytes": lambda: png(9, 9, data=bytes(MOST_BYTES)),
    "no picture": lambda: b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
    "nothing": lambda: b"",
    "a TIFF": lambda: encoded(Image.new("L", (9, 9)), "TIFF"),
    "a WebP": lambda: encoded(Image.new("L", (9, 9)), "WEBP"),
}  # fmt: skip

MEASURE = """
import re, sys
from pathlib import Path
from pocketgan.base.errors import WebError
from pocketgan.web.redraw.uploads import read_upload

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024

before = peak()
try:
    said = read_upload(Path(sys.argv[1])).shape
except WebError as error:
    said = str(error)
print(said)
print(peak() - before)
"""
"""This peak is counted anew from the program's start; `ru_maxrss` would be the parent's."""


def cost(path):
    """Returns what became of a picture, and the bytes that it cost, in a process of its own."""
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(MEASURE), str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    said, bytes_taken = done.stdout.splitlines()
    return said, int(bytes_taken)


linux = pytest.mark.skipif(sys.platform != "linux", reason="a process's peak of memory is read from /proc")


@pytest.mark.slow
@linux
def test_what_is_decoded_is_seen_to_cost(tmp_path):
    path = tmp_path / "picture"
    path.write_bytes(encoded(Image.new("RGBA", (3500, 3500), (9, 9, 9, 99)), compress_level=1))
    assert cost(path)[1] > 40_000_000


@pytest.mark.slow
@linux
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_picture_is_refused_in_a_sentence_and_costs_little(name, tmp_path):
    path = tmp_path / "picture"
    path.write_bytes(HOSTILE[name]())
    said, taken = cost(path)
    assert said.startswith("This ") and said.endswith("."), said
    assert taken < MOST_MEMORY / 4, "what is refused isn't decoded"


@pytest.mark.slow
@linux
@pytest.mark.parametrize(
    "make",
    [
        lambda: encoded(Image.new("RGBA", (3500, 3500), (9, 9, 9, 99)), compress_level=1),
        lambda: encoded(Image.new("CMYK", (3500, 3500)), "JPEG", progressive=True, quality=95),
        lambda: encoded(Image.new("RGB", (3500, 3500)), "JPEG", progressive=True, subsampling=0),
        lambda: encoded(Image.new("P", (3500, 3500)), "GIF"),
        lambda: encoded(Image.new("I;16", (3500, 3500), 40_000), compress_level=1),
        lambda: long_film(3000, 1_500),
        lambda: encoded(Image.new("P", (3500, 3500)), transparency=0, compress_level=1),
    ],
    ids=["RGBA", "progressive CMYK", "progressive RGB", "GIF", "16 bits", "GIF of 1,500 frames", "palette"],
)
def test_the_largest_pictures_that_are_taken_cost_little(make, tmp_path):
    path = tmp_path / "picture"
    path.write_bytes(make())
    said, taken = cost(path)
    assert said.startswith("("), said
    assert taken < MOST_MEMORY * 0.65


def test_what_is_refused_is_named():
    for content, wanted in (
        (png(9_000, 9_000), "too large: 9,000×9,000 pixels; at most 12.5 million"),
        (png(50_000, 50_000), "too large to open"),
        (bytes(MOST_BYTES + 1), "too large; at most 20 MB"),
        (b"x", "isn't a PNG, JPEG or GIF picture, or it is damaged"),
    ):
        with pytest.raises(WebError, match=wanted):
            read_picture(content)
    with speaking("uk"), pytest.raises(WebError, match="завелике"):
        read_picture(png(50_000, 50_000))


def test_a_file_that_is_gone_is_a_sentence(tmp_path):
    with pytest.raises(WebError, match="doesn't exist any more"):
        read_upload(tmp_path / "gone.png")
    (tmp_path / "large").write_bytes(bytes(MOST_BYTES + 1))
    with pytest.raises(WebError, match="20 MB"):
        read_upload(tmp_path / "large")


# What is read of good ones.

RAMP = np.linspace(0, 255, 28 * 28).round().astype(np.uint8).reshape(28, 28)


@pytest.mark.parametrize("form", ["PNG", "GIF"])
def test_grey_pictures_come_as_they_are(form):
    assert np.array_equal(read_picture(encoded(Image.fromarray(RAMP), form)), RAMP)


def test_colours_stay_and_grey_in_three_channels_becomes_grey():
    colours = np.stack([RAMP, RAMP.T, RAMP], axis=2)
    assert np.array_equal(read_picture(encoded(Image.fromarray(colours))), colours)
    assert np.array_equal(read_picture(encoded(Image.fromarray(np.stack([RAMP] * 3, axis=2)))), RAMP)


def test_16_bits_become_8():
    deep = Image.fromarray(RAMP.astype(np.uint16) * 257)
    assert np.abs(read_picture(encoded(deep)).astype(int) - RAMP).max() <= 1


def test_black_and_white():
    found = read_picture(encoded(Image.fromarray(RAMP > 99)))
    assert np.array_equal(found, np.where(RAMP > 99, 255, 0))


@pytest.mark.parametrize(("ink", "behind"), [(0, 255), (255, 0), (30, 255), (220, 0)])
def test_what_is_transparent_becomes_unlike_what_is_drawn(ink, behind):
    pixels = np.zeros((9, 9, 4), np.uint8)
    pixels[3:6, 3:6] = (ink, ink, ink, 255)
    found = read_picture(encoded(Image.fromarray(pixels)))
    assert found[0, 0] == behind and found[4, 4] == ink
    palette = Image.fromarray(pixels[..., 3]).convert("P")
    assert read_picture(encoded(palette, transparency=0))[0, 0] in (0, 255)


def test_of_a_film_the_first_frame_is_taken():
    frames = [Image.fromarray(np.full((9, 9), grey, np.uint8)) for grey in (10, 200, 90)]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert (read_picture(content) == 10).all()


def test_large_pictures_are_reduced_by_averaging():
    fine = np.indices((1024, 1024)).sum(axis=0) % 2 * 255
    found = read_picture(encoded(Image.fromarray(fine.astype(np.uint8))))
    assert found.shape == (KEPT, KEPT) and np.abs(found.astype(int) - 127.5).max() <= 1
    assert read_picture(encoded(Image.new("L", (3000, 300)), "JPEG")).shape == (51, KEPT)


def test_a_telephones_photograph_is_taken():
    assert MOST_PIXELS > 4032 * 3024
    assert max(read_picture(encoded(Image.new("RGB", (4032, 3024), (200, 0, 0)), "JPEG")).shape) == KEPT

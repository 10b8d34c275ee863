"""Animation files: GIF and WebP by Pillow, MP4 by ffmpeg if it is on the PATH."""

import io
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from numbers import Real
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image

from pocketgan.base.errors import RunError
from pocketgan.base.files import write_atomically
from pocketgan.base.messages import problem

FILMS = (".gif", ".webp", ".mp4")
STILLS = (".png", ".jpg", ".jpeg")
LEAST_FPS, MOST_FPS = 0.1, 50.0
"""Limits of the frame rate: a GIF counts hundredths of a second, and browsers slow down frames below two of these."""
MOST_PIXELS = 250_000_000
"""Maximum number of pixels in all frames together, which Pillow keeps in memory before writing."""
LONGEST_SIDE = {".gif": 65_000, ".webp": 16_383, ".mp4": 8_192}
"""Maximum side in pixels that each format can store; for H.264, the maximum that players can show."""


def check_ending(out: str | Path) -> str:
    """Returns the ending of an animation's or a picture's name, in lowercase, before anything is generated.

    Raises:
        RunError: the ending is another one, or is .mp4 and ffmpeg is missing.
    """
    kind = Path(out).suffix.lower()
    if kind not in FILMS + STILLS:
        raise RunError("ending of animation", field="out", out=out)
    if kind == ".mp4":
        find_ffmpeg(out)
    return kind


def check_fps(fps: float) -> float:
    """Returns the frame rate if every format can show it.

    Raises:
        RunError: it is too low or too high.
    """
    if not isinstance(fps, Real) or not LEAST_FPS <= fps <= MOST_FPS:
        raise RunError("frame rate", field="fps", fps=fps, least=LEAST_FPS, most=MOST_FPS)
    return fps


def find_ffmpeg(out: str | Path) -> str:
    """Returns the path of the ffmpeg program.

    Raises:
        RunError: ffmpeg isn't on the PATH.
    """
    program = shutil.which("ffmpeg")
    if program is None:
        other = problem("or").join(f"'{Path(out).with_suffix(kind).name}'" for kind in (".gif", ".webp"))
        raise RunError("no ffmpeg", field="out", out=out, other=other)
    return program


def write_film(path: Path, frames: Iterable[Image.Image], pauses: list[float]) -> None:
    """Writes an animation atomically, in the format of the file name's ending.

    Args:
        path: the file, with one of the endings in `FILMS`; its folder must exist.
        frames: pictures of the same size and mode, L or RGB.
        pauses: the duration of each frame, in seconds.

    Raises:
        RunError: ffmpeg is missing, or failed.
        StorageError: the file can't be written.
    """
    kind = path.suffix.lower()
    content = mp4(path, iter(frames), pauses) if kind == ".mp4" else animation(kind, iter(frames), pauses)
    write_atomically(path, content, durable=False)


def animation(kind: str, frames: Iterator[Image.Image], pauses: list[float]) -> bytes:
    """Returns a looping GIF or WebP animation, lossless except for the 256 colors of a GIF."""
    lossless = {"lossless": True, "quality": 80, "method": 4} if kind == ".webp" else {}
    if kind == ".gif":
        frames = (in_256_colours(frame) for frame in frames)
    first = next(frames)
    milliseconds = [max(20, 10 * round(100 * pause)) for pause in pauses]
    buffer = io.BytesIO()
    first.save(buffer, kind[1:].upper(), save_all=True, append_images=frames, duration=milliseconds, loop=0, **lossless)
    return buffer.getvalue()


def in_256_colours(frame: Image.Image) -> Image.Image:
    """Returns a frame in a form that a GIF can store: gray frames unchanged, colors reduced without dithering."""
    return frame if frame.mode == "L" else frame.quantize(256, dither=Image.Dither.NONE)


def mp4(path: Path, frames: Iterator[Image.Image], pauses: list[float]) -> bytes:
    """Returns an MP4 video, H.264 in yuv420p, which every player supports; ffmpeg reads the frames from a pipe.

    All frames are shown equally long, except the last, which is repeated. Odd sides are made even by repeating the last
    row or column of pixels.

    Raises:
        RunError: ffmpeg is missing, or failed; the message contains its last line.
    """
    program, first = find_ffmpeg(path), next(frames)
    width, height = first.width + first.width % 2, first.height + first.height % 2
    rate, layout = f"{1 / pauses[0]:.6g}", "gray" if first.mode == "L" else "rgb24"
    repeats = max(1, round(pauses[-1] / pauses[0]))
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as message:
        made = Path(folder) / "film.mp4"
        command = [
            *(program, "-hide_banner", "-loglevel", "error", "-y"),
            *("-f", "rawvideo", "-pix_fmt", layout, "-s", f"{width}x{height}", "-r", rate, "-i", "pipe:0"),
            *("-c:v", "libx264", "-preset", "medium", "-crf", "12", "-pix_fmt", "yuv420p"),
            *("-movflags", "+faststart", str(made)),
        ]  # fmt: skip
        try:
            code = feed(command, chain([first], frames), repeats, message)
        except OSError as error:
            raise RunError("no ffmpeg started", field="out", path=path, why=error.strerror) from None
        if code == 0 and made.is_file():
            return made.read_bytes()
        message.seek(0)
        lines = message.read().decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), problem("exit code", code=code))
        raise RunError("ffmpeg failed", field="out", path=path, why=last)


def feed(command: list[str], frames: Iterable[Image.Image], repeats: int, said: IO[bytes]) -> int:
    """Runs a program that reads frames from its standard input; returns its exit code.

    Args:
        command: the program and its arguments.
        frames: pictures of the same size.
        repeats: how many times the last frame is written.
        said: the file that receives the program's standard error.

    Raises:
        OSError: the program can't be started.
    """
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said)
    assert process.stdin is not None
    try:
        pixels = b""
        for frame in frames:
            pixels = even(frame).tobytes()
            process.stdin.write(pixels)
        for _ in range(repeats - 1):
            process.stdin.write(pixels)
        process.stdin.close()
    except OSError:
        pass  # The program ended early; its exit code and last line tell the reason.
    except BaseException:
        process.kill()
        raise
    finally:
        with suppress(OSError):
            process.stdin.close()
        code = process.wait()
    return code


def even(frame: Image.Image) -> np.ndarray:
    """Returns a frame's pixels, uint8, with even sides: the last row or column of an odd side is repeated."""
    pixels = np.asarray(frame)
    sides = [(0, side % 2) for side in pixels.shape[:2]]
    return np.pad(pixels, [*sides, *[(0, 0)] * (pixels.ndim - 2)], mode="edge")

"""Films as files: GIF and WebP by Pillow, MP4 by ffmpeg where that is on the PATH."""

import io
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image

from pocketgan.base.errors import RunError
from pocketgan.base.files import write_atomically

FILMS = (".gif", ".webp", ".mp4")
STILLS = (".png", ".jpg", ".jpeg")
LEAST_FPS, MOST_FPS = 0.1, 50.0
"""A GIF counts hundredths of a second, and browsers slow down what is faster than two of them."""
MOST_PIXELS = 250_000_000
"""Of all frames together, which Pillow holds in memory before it writes."""
LONGEST_SIDE = {".gif": 65_000, ".webp": 16_383, ".mp4": 8_192}
"""What each format can hold; of H.264, what players can play."""


def check_ending(out: str | Path) -> str:
    """Returns the ending of a film's or a still picture's name, in small letters, before anything is drawn.

    Raises:
        RunError: it has another ending, or is an .mp4 and ffmpeg isn't there.
    """
    kind = Path(out).suffix.lower()
    if kind not in FILMS + STILLS:
        raise RunError(
            "'{out}' ends in '{kind}'; '.png', '.gif', '.webp' or '.mp4' would do", field="out", out=out, kind=kind
        )
    if kind == ".mp4":
        find_ffmpeg(out)
    return kind


def check_fps(fps: float) -> float:
    """Returns a number of frames a second that every format can show.

    Raises:
        RunError: it is too small or too large.
    """
    if not LEAST_FPS <= fps <= MOST_FPS:
        raise RunError(
            "{fps:g} won't do; {least_fps:g} to {most_fps:g} frames a second would",
            field="fps",
            fps=fps,
            least_fps=LEAST_FPS,
            most_fps=MOST_FPS,
        )
    return fps


def find_ffmpeg(out: str | Path) -> str:
    """Returns the ffmpeg program.

    Raises:
        RunError: none is on the PATH.
    """
    program = shutil.which("ffmpeg")
    if program is None:
        other = " or ".join(f"'{Path(out).with_suffix(kind).name}'" for kind in (".gif", ".webp"))
        raise RunError(
            "'{out}' takes ffmpeg, and none is on the PATH; {other} would do, or install ffmpeg",
            field="out",
            out=out,
            other=other,
        )
    return program


def write_film(path: Path, frames: Iterable[Image.Image], pauses: list[float]) -> None:
    """Writes a film in the format that its name's ending says, atomically.

    Args:
        path: ends in one of `FILMS`; its folder must exist.
        frames: pictures of one size and mode, L or RGB.
        pauses: how long each is shown, in seconds.

    Raises:
        RunError: ffmpeg isn't there, or failed.
        StorageError: the disk refused it.
    """
    kind = path.suffix.lower()
    content = mp4(path, iter(frames), pauses) if kind == ".mp4" else animation(kind, iter(frames), pauses)
    write_atomically(path, content, durable=False)


def animation(kind: str, frames: Iterator[Image.Image], pauses: list[float]) -> bytes:
    """Returns a GIF or a WebP film, which begins again at its end; without loss but for a GIF's 256 colours."""
    lossless = {"lossless": True, "quality": 80, "method": 4} if kind == ".webp" else {}
    if kind == ".gif":
        frames = (in_256_colours(frame) for frame in frames)
    first = next(frames)
    milliseconds = [max(20, 10 * round(100 * pause)) for pause in pauses]
    buffer = io.BytesIO()
    first.save(buffer, kind[1:].upper(), save_all=True, append_images=frames, duration=milliseconds, loop=0, **lossless)
    return buffer.getvalue()


def in_256_colours(frame: Image.Image) -> Image.Image:
    """Returns a frame as a GIF can hold it: grey as it is, colours without dots scattered to mix others."""
    return frame if frame.mode == "L" else frame.quantize(256, dither=Image.Dither.NONE)


def mp4(path: Path, frames: Iterator[Image.Image], pauses: list[float]) -> bytes:
    """Returns an MP4 film, H.264 in yuv420p, which every player takes: ffmpeg reads the frames from a pipe.

    All frames but the last are shown equally long, the last one by being repeated. Sides are made even by repeating the
    last row or column of pixels.

    Raises:
        RunError: ffmpeg isn't there, or failed; the message holds its last line.
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
            raise RunError(
                "'{path}' can't be made: ffmpeg doesn't start: {strerror}",
                field="out",
                path=path,
                strerror=error.strerror,
            ) from None
        if code == 0 and made.is_file():
            return made.read_bytes()
        message.seek(0)
        lines = message.read().decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), f"it ended with code {code}")
        raise RunError(
            "'{path}' can't be made by ffmpeg: {last}; a '.gif' or a '.webp' would do",
            field="out",
            path=path,
            last=last,
        )


def feed(command: list[str], frames: Iterable[Image.Image], repeats: int, said: IO[bytes]) -> int:
    """Runs a program that reads frames from its standard input; returns its exit code.

    Args:
        command: the program and its arguments.
        frames: pictures of one size.
        repeats: how often the last one is written.
        said: takes what it writes on standard error.

    Raises:
        OSError: it can't be started.
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
        pass  # It has ended early; its exit code and its last line say why.
    except BaseException:
        process.kill()
        raise
    finally:
        with suppress(OSError):
            process.stdin.close()
        code = process.wait()
    return code


def even(frame: Image.Image) -> np.ndarray:
    """Returns a frame's pixels, uint8, both sides even: an odd one's last row or column is repeated."""
    pixels = np.asarray(frame)
    sides = [(0, side % 2) for side in pixels.shape[:2]]
    return np.pad(pixels, [*sides, *[(0, 0)] * (pixels.ndim - 2)], mode="edge")

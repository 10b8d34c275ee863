"""Films and sheets: what is in the files, pixel by pixel; ffmpeg by a stand-in, and for real where it is."""

import io
import json
import os
import shutil
import subprocess
import sys
from base64 import b64decode
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pocketgan.base.errors import RunError
from pocketgan.images.grids import grid
from pocketgan.images.montage import Labels
from pocketgan.pictures import animation_files as film_files
from pocketgan.pictures.animation import LARGEST_SCALE, LONGEST, Film, columns_for, fitting_scale
from pocketgan.pictures.animation_files import check_ending, even, write_film
from refusals import refused

RANDOM = np.random.default_rng(0)


def film(length=5, count=4, channels=1, side=6, **fields):
    images = RANDOM.integers(0, 256, (length, count, channels, side, side), dtype=np.uint8)
    usual = {
        "columns": 2,
        "captions": tuple(f"step {10**n}" for n in range(length)),
        "names": ("3", "8") * (count // 2),
        "fps": 10.0,
        "hold": 1.0,
        "moments": (0, 2, 4),
        "headings": ("a", "b", "c"),
        "rows": (0, 1, 3),
    }
    return Film(images, **(usual | fields))


def frames_of(path):
    """Returns the frames of a file as pixels, and how long each is shown, in milliseconds."""
    frames, pauses = [], []
    with Image.open(path) as picture:
        for place in range(getattr(picture, "n_frames", 1)):
            picture.seek(place)
            picture.load()
            frames.append(np.asarray(picture.convert("RGB")))
            pauses.append(picture.info.get("duration"))
    return frames, pauses


def rgb(frame):
    return np.asarray(frame.convert("RGB"))


@pytest.mark.parametrize("ending", [".gif", ".webp"])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_film_holds_every_frame_without_loss(tmp_path, ending, theme):
    made = film()
    frames, pauses = frames_of(made.save(tmp_path / "deep" / f"film{ending}", scale=3, theme=theme))
    expected = [rgb(frame) for frame in made.frames(3, theme=theme)]
    assert len(frames) == len(made) == 5
    assert all((found == wanted).all() for found, wanted in zip(frames, expected, strict=True))
    assert pauses == [100, 100, 100, 100, 1100]
    labels = Labels(above=("3", "8"), caption="step 100", others=made.captions)
    assert made.labels(2) == labels
    assert (expected[2] == rgb(grid(made.images[2], 2, 3, theme=theme, labels=labels))).all()


def test_a_film_begins_again_at_its_end(tmp_path):
    for ending in (".gif", ".webp"):
        with Image.open(film().save(tmp_path / f"film{ending}")) as picture:
            assert picture.info["loop"] == 0


def test_colours_are_exact_in_webp_and_near_in_gif(tmp_path):
    made = film(channels=3)
    expected = [rgb(frame).astype(int) for frame in made.frames(2)]
    exact, _ = frames_of(made.save(tmp_path / "film.webp", scale=2))
    assert all((found == wanted).all() for found, wanted in zip(exact, expected, strict=True))
    near, _ = frames_of(made.save(tmp_path / "film.gif", scale=2))
    assert max(np.abs(found - wanted).mean() for found, wanted in zip(near, expected, strict=True)) < 8
    blocks = near[0][2:14, 2:14]
    assert (blocks == blocks[::2, ::2].repeat(2, axis=0).repeat(2, axis=1)).all(), "no scattered dots"


def test_frames_that_are_alike_stay_as_long_as_all_of_them(tmp_path):
    still = film(captions=())
    still.images[:] = still.images[:1]
    _, pauses = frames_of(still.save(tmp_path / "film.gif"))
    assert sum(pauses) == 1500


def test_a_sheet_has_a_row_an_image_and_a_column_a_moment(tmp_path):
    made = film()
    picture = made.picture(3, theme="light")
    images = np.stack([made.images[moment, row] for row in (0, 1, 3) for moment in (0, 2, 4)])
    labels = Labels(above=("a", "b", "c"), beside=("3", "8", "8"))
    assert picture == grid(images, 3, 3, theme="light", labels=labels)
    frames, _ = frames_of(made.save(tmp_path / "sheet.png", scale=3, theme="light"))
    assert (frames[0] == rgb(picture)).all()
    with Image.open(made.save(tmp_path / "sheet.JPG")) as saved:
        assert saved.format == "JPEG"


def test_a_notebook_shows_film_and_sheet():
    made = film()
    text = made._repr_html_()
    code = text.partition("base64,")[2].partition('"')[0]
    with Image.open(io.BytesIO(b64decode(code))) as picture:
        assert picture.format == "GIF" and picture.n_frames == 5
    with Image.open(io.BytesIO(made._repr_png_())) as picture:
        assert picture.size == made.picture().size


def test_names_without_captions_and_captions_without_names():
    assert film(captions=()).labels(1) == Labels(above=("3", "8"))
    assert film(names=()).labels(0) == Labels(caption="step 1", others=film().captions)
    assert film(names=(), captions=(), headings=()).picture(2).size == (3 * 14 + 2, 3 * 14 + 2)


# Sizes.


@pytest.mark.parametrize(
    ("count", "columns"), [(1, 1), (2, 2), (3, 3), (4, 2), (7, 3), (10, 5), (16, 4), (26, 6), (47, 7)]
)
def test_frames_are_about_square_without_empty_places(count, columns):
    assert columns_for(count) == columns


@pytest.mark.parametrize(
    ("shape", "columns"), [((1, 1, 28, 28), 1), ((100, 1, 28, 28), 10), ((10, 1, 28, 28), 10), ((64, 3, 64, 64), 8)]
)
def test_the_usual_scale_fits_on_a_screen(shape, columns):
    scale = fitting_scale(shape, columns)
    longest = max(grid(np.zeros(shape, np.uint8), columns, scale).size)
    larger = max(grid(np.zeros(shape, np.uint8), columns, scale + 1).size)
    assert longest <= LONGEST or scale == 1
    assert larger > LONGEST or scale == LARGEST_SCALE


def test_a_film_that_is_too_large_is_refused_before_it_is_drawn(tmp_path, monkeypatch):
    made = film()
    monkeypatch.setattr("pocketgan.pictures.animation.grid", None)
    with pytest.raises(RunError) as caught:
        made.save(tmp_path / "film.gif", scale=3000)
    assert (caught.value.key, caught.value.parts["most"]) == ("scale too large", 50_000_000)
    with pytest.raises(RunError) as caught:
        film(count=1, names=(), columns=1, rows=(0,), side=1, moments=(0, 1)).save(tmp_path / "film.webp", scale=17_000)
    assert (caught.value.key, caught.value.parts["side"]) == ("scale too large", 16_383)
    assert not list(tmp_path.iterdir())


def test_one_moment_is_no_film(tmp_path):
    made = film(length=1, headings=("a",))
    with refused("single frame", "out"):
        Film(**{**made.__dict__, "moments": (0,)}).save(tmp_path / "film.gif")
    assert Film(**{**made.__dict__, "moments": (0,)}).save(tmp_path / "sheet.png").is_file()


@pytest.mark.parametrize("name", ["film.avi", "film", "film.npz", "film.gifs"])
def test_another_ending_is_refused(name, tmp_path):
    with refused("ending of animation", "out") as caught:
        film().save(tmp_path / name)
    assert caught.value.field == "out" and caught.value.parts["out"] == tmp_path / name
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("here")
    for name in ("film.gif", "sheet.png"):
        with refused("no picture written", "out") as caught:
            film().save(tmp_path / "file" / name)
        assert len(str(caught.value).splitlines()) == 1


# MP4.


STAND_IN = """\
#!{python}
import json, sys
if {early}:
    sys.stderr.write("\\nUnknown encoder 'libx264'\\n\\n")
    sys.exit(8)
content = sys.stdin.buffer.read()
with open({record!r}, "w") as file:
    json.dump({{"arguments": sys.argv[1:], "bytes": len(content)}}, file)
with open({pixels!r}, "wb") as file:
    file.write(content)
with open(sys.argv[-1], "wb") as file:
    file.write(b"a film")
"""


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Makes a program called ffmpeg the only one on the PATH; returns the folder where it records what it was given."""

    def make(early=False, interpreter=sys.executable):
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        record, pixels = str(folder / "record.json"), str(folder / "pixels")
        text = STAND_IN.format(python=interpreter, early=early, record=record, pixels=pixels)
        (folder / "ffmpeg").write_text(text)
        (folder / "ffmpeg").chmod(0o755)
        monkeypatch.setenv("PATH", str(folder))
        return folder

    return make


needs_scripts = pytest.mark.skipif(os.name != "posix", reason="the stand-in is a script with a #! line")


@needs_scripts
@pytest.mark.parametrize(("channels", "layout"), [(1, "gray"), (3, "rgb24")])
def test_ffmpeg_is_given_every_pixel(tmp_path, stand_in, channels, layout):
    folder, made = stand_in(), film(channels=channels, side=7, captions=(), names=())
    out = made.save(tmp_path / "film.mp4", scale=3)
    assert out.read_bytes() == b"a film"
    record = json.loads((folder / "record.json").read_text())
    assert record["arguments"][:-1] == [
        *("-hide_banner", "-loglevel", "error", "-y"),
        *("-f", "rawvideo", "-pix_fmt", layout, "-s", "48x48", "-r", "10", "-i", "pipe:0"),
        *("-c:v", "libx264", "-preset", "medium", "-crf", "12", "-pix_fmt", "yuv420p", "-movflags", "+faststart"),
    ]
    frames = list(made.frames(3, kind=".mp4"))
    assert frames[0].size == (48, 48)
    expected = b"".join(frame.tobytes() for frame in frames) + 10 * frames[-1].tobytes()
    assert (folder / "pixels").read_bytes() == expected, "the last frame is held for a second more"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin", "film.mp4"], "nothing else stays"


def test_odd_sides_become_even():
    frame = Image.fromarray(np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]], np.uint8))
    assert even(frame).tolist() == [[1, 2, 3, 3], [4, 5, 6, 6], [7, 8, 9, 9], [7, 8, 9, 9]]
    colours = Image.fromarray(np.zeros((2, 5, 3), np.uint8))
    assert even(colours).shape == (2, 6, 3)


def test_without_ffmpeg_the_message_says_what_would_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    for call in (check_ending, film().save):
        with refused("no ffmpeg", "out"):
            call(tmp_path / "film.mp4")
    assert not list(tmp_path.iterdir())


@needs_scripts
def test_an_ffmpeg_that_fails_is_one_line_with_its_last(tmp_path, stand_in):
    stand_in(early=True)
    large = film(side=60, count=64, rows=(0,), names=())
    with pytest.raises(RunError) as caught:
        large.save(tmp_path / "film.mp4", scale=4)
    assert (caught.value.key, caught.value.field) == ("ffmpeg failed", "out")
    assert caught.value.parts == {"path": tmp_path / "film.mp4", "why": "Unknown encoder 'libx264'"}
    assert not (tmp_path / "film.mp4").exists()


@needs_scripts
def test_an_ffmpeg_that_does_not_start_is_one_line(tmp_path, stand_in):
    stand_in(interpreter="/nothing/python")
    with refused("no ffmpeg started", "out"):
        film().save(tmp_path / "film.mp4")


@needs_scripts
def test_a_film_that_is_broken_off_leaves_no_process(tmp_path, stand_in, monkeypatch):
    stand_in()
    started = []
    begin = subprocess.Popen

    def watched(*arguments, **keywords):
        started.append(begin(*arguments, **keywords))
        return started[-1]

    monkeypatch.setattr(film_files.subprocess, "Popen", watched)

    def frames():
        yield from film().frames(2)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_film(tmp_path / "film.mp4", frames(), [0.1] * 6)
    assert started[0].poll() is not None
    assert not (tmp_path / "film.mp4").exists()


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_ffmpeg_makes_a_film_that_can_be_read_back(tmp_path):
    made = film(side=28, names=())
    out = made.save(tmp_path / "film.mp4", scale=3)
    program = shutil.which("ffmpeg")
    first = next(iter(made.frames(3, kind=".mp4")))
    wide, high = first.width + first.width % 2, first.height + first.height % 2
    command = [program, "-loglevel", "error", "-i", str(out), "-f", "rawvideo", "-pix_fmt", "gray", "pipe:1"]
    pixels = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.uint8)
    frames = pixels.reshape(-1, high, wide).astype(int)
    assert len(frames) == 5 + 10
    for found, wanted in zip(frames, made.frames(3, kind=".mp4"), strict=False):
        assert np.abs(found - even(wanted)).mean() < 6
    assert all((a == b).mean() > 0.9 for a, b in pairwise(frames[5:])), "the last one is held"


def test_a_film_is_written_atomically(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(
        film_files, "write_atomically", lambda path, content, durable: written.append((path, len(content)))
    )
    film().save(tmp_path / "film.gif")
    assert written[0][0] == Path(tmp_path / "film.gif") and written[0][1] > 100

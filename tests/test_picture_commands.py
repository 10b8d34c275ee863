"""The commands of pictures: what they write, what they print, and that every mistake is one line."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pocketgan
from pocketgan.cli.main import main

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def runs(small_runs, tmp_path, monkeypatch):
    """A copy of the small runs in `runs`, below the current folder."""
    shutil.copytree(small_runs, tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    return Path("runs")


def told(words, capsys):
    """Runs a command that goes well; returns the lines that it prints."""
    assert main(words.split()) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out.splitlines()


def frames_in(path):
    with Image.open(path) as picture:
        return getattr(picture, "n_frames", 1), picture.size


def test_interpolate(runs, capsys):
    assert told("interpolate runs/noise", capsys) == ["runs/noise/interpolation.png"]
    assert frames_in("runs/noise/interpolation.png")[0] == 1
    words = "interpolate runs/told --from 3 --through 5 7 --to 9 --frames 4 --fps 10 --theme light --out deep/walk.gif"
    assert told(words, capsys) == ["deep/walk.gif"]
    assert frames_in("deep/walk.gif")[0] == 4 * 3
    told("interpolate runs/told --label 8 --frames 3 --scale 4 --out walk.webp", capsys)
    expected = pocketgan.interpolate("runs/told", label="8", frames=3)
    assert frames_in("walk.webp") == (4, next(expected.frames(4)).size)
    first, again = Path("walk.webp").read_bytes(), Path("again.webp")
    told(f"interpolate runs/told --label 8 --frames 3 --scale 4 --out {again}", capsys)
    assert first == again.read_bytes()


def test_write(runs, capsys):
    note, path = told("write 8338 runs/told --seed 2 --labels --out number.png", capsys)
    assert note == "'8338' in images of 'runs/told', with seed 2."
    assert path == "number.png"
    expected = pocketgan.write(8338, "runs/told", seed=2).images.picture(5, labels=True)
    with Image.open("number.png") as picture:
        assert (np.asarray(picture) == np.asarray(expected)).all()
    assert told("write 38", capsys)[1].endswith("/written.png"), "the newest run that can"
    told("write 38 --out single/", capsys)
    assert sorted(path.name for path in Path("single").iterdir()) == ["0000-label-3.png", "0001-label-8.png"]


def test_timelapse(runs, capsys):
    assert told("timelapse runs/noise", capsys) == ["runs/noise/timelapse.gif"]
    assert frames_in("runs/noise/timelapse.gif")[0] == 4
    told("timelapse runs/told --frames 2 --scale 3 --theme light --out sheet.png", capsys)
    with Image.open("sheet.png") as picture:
        assert np.asarray(picture)[0, 0] == 255
    told("timelapse runs/redraw --out film.webp --fps 4", capsys)
    assert frames_in("film.webp")[0] == 4


@pytest.mark.slow
def test_plot(runs, capsys):
    names = ["loss_plot", "accuracy_plot", "speed_plot"]
    assert told("plot runs/noise", capsys) == [f"runs/noise/plots/{name}.pdf" for name in names]
    assert told("plot runs/noise runs/told --format svg --x-axis kimg", capsys) == [
        f"plots/{name}.svg" for name in names
    ]
    text = Path("plots/loss_plot.svg").read_text()
    assert "noise, discriminator" in text and "told, generator" in text
    told("plot runs/noise --format png --width 8 --theme dark --out elsewhere", capsys)
    with Image.open("elsewhere/loss_plot.png") as picture:
        assert picture.width == int(8 / 2.54 * 200)
        assert picture.convert("RGB").getpixel((0, 0)) == (0x14, 0x17, 0x1A)


def test_generate_writes_names_at_any_size(runs, capsys):
    told("generate runs/told --count 8 --labels --scale 5 --theme light --out grid.png", capsys)
    expected = pocketgan.open_run("runs/told").generate(8).picture(5, theme="light", labels=True)
    with Image.open("grid.png") as picture:
        assert (np.asarray(picture) == np.asarray(expected)).all()
    told("generate runs/noise --count 2 --scale 3 --out single/", capsys)
    assert frames_in("single/0001.png") == (1, (84, 84))


MISTAKES = [
    ("interpolate runs/nothing", "run: 'runs/nothing' doesn't exist"),
    ("interpolate runs/noise --form 3", "--form isn't a flag; did you mean '--from'?"),
    ("interpolate runs/noise --from x", "--from must be a whole number (got 'x')"),
    ("interpolate runs/noise --from 1", "--to must be another seed than the first (got 1 for both)"),
    ("interpolate runs/noise --frames 1", "--frames must be from 2 to 1,000 (got 1)"),
    ("interpolate runs/noise --label 3", "--label: 'runs/noise' is unconditional"),
    ("interpolate runs/told --label 5", "--label: there is no class '5'; known: 3, 8"),
    ("interpolate runs/noise --checkpoint 7", "--checkpoint: there is no checkpoint '7' in 'runs/noise'"),
    ("interpolate runs/redraw", "run: 'runs/redraw' translates images"),
    ("interpolate runs/noise --out x.avi", "--out must end in '.png', '.gif', '.webp' or '.mp4' (got 'x.avi')"),
    (
        "interpolate runs/noise --out x.mp4",
        "--out: 'x.mp4' needs ffmpeg, and none is on the PATH; install ffmpeg, or write 'x.gif' or 'x.webp'",
    ),
    ("interpolate runs/noise --scale 0", "--scale must be a whole number from 1 up (got 0)"),
    (
        "interpolate runs/noise --scale 100000",
        "--scale must be at most 99 (got 100,000: a picture of 28,000,054×2,800,082 pixels",
    ),
    ("interpolate runs/noise --scale 2.5", "--scale must be a whole number (got '2.5')"),
    ("interpolate runs/noise --fps 0 --out x.gif", "--fps must be from 0.1 to 50 frames per second (got 0)"),
    ("interpolate runs/noise --theme blue", "--theme must be one of dark, light (got 'blue')"),
    ("write", "TEXT is missing"),
    (
        "write runs/told",
        "text: 'runs/told' is the folder of a run; write the text first: pocketgan write 2026 runs/told",
    ),
    (
        "write runs/told 38",
        "text: 'runs/told' is the folder of a run; write the text first: pocketgan write 38 runs/told",
    ),
    ("write 35 runs/told", "text: 'runs/told' has no class '5' to write '35' with; it has 38"),
    ("write 8 runs/redraw", "run: 'runs/redraw' translates images"),
    ("write 8x", "has no class 'x'"),
    ("write 8 runs/noise --candidates 0", "--candidates must be from 1 to 100,000 (got 0)"),
    ("write 8 runs/told --out x.gif", "--out must end in '.jpg', '.png' or '.npz', or be a folder (got 'x.gif')"),
    ("write 8 runs/told --scale 2 --out x.npz", "--scale: 'x.npz' holds images in their own size"),
    ("timelapse runs/noise --frames 0", "--frames must be from 2 to 1,000 (got 0)"),
    ("timelapse runs/noise --out x", "--out must end in '.png', '.gif', '.webp' or '.mp4' (got 'x')"),
    ("timelapse runs/noise --scale 90000", "(got 90,000: a picture of"),
    ("plot runs/nothing", "run: 'runs/nothing' doesn't exist"),
    ("plot runs/noise --format eps", "--format must be one of pdf, svg, png (got 'eps')"),
    ("plot runs/noise --fromat png", "--fromat isn't a flag; did you mean '--format'?"),
    ("plot runs/noise --width 2", "--width must be from 6 to 40 cm (got 2)"),
    ("plot runs/noise --x-axis days", "--x-axis must be one of steps, epochs, kimg, minutes (got 'days')"),
    ("generate runs/noise --labels", "--labels: these images were generated without classes"),
    ("generate runs/told --scale 100000", "(got 100,000: a picture of 22,400,018×22,400,018 pixels"),
    (
        "generate runs/told --count 1000000 --out x.png",
        "--count must be smaller: even at scale 1 the picture has 30,002×30,002 pixels",
    ),
]


@pytest.mark.parametrize(("words", "expected"), MISTAKES, ids=[words for words, _ in MISTAKES])
def test_a_mistake_is_one_line_and_exit_code_2(words, expected, runs, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    if "1000000" in words:
        images = np.zeros((1_000_000, 1, 28, 28), np.uint8)
        monkeypatch.setattr("pocketgan.runs.run.Run.generate", lambda *_, **__: pocketgan.images.grids.Images(images))
    before = sorted(path for path in tmp_path.rglob("*") if path.name != ".lock")
    assert main(words.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ") and err.count("\n") == 1
    assert expected in err
    assert sorted(path for path in tmp_path.rglob("*") if path.name != ".lock") == before, "nothing is made"


def test_a_digit_that_never_comes_is_one_line(runs, capsys):
    """Four steps teach no digits: whatever the classifier takes the noise for, it isn't all ten."""
    assert main(["write", "0123456789", "runs/noise", "--candidates", "50"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert "none of 50 images of 'runs/noise' (seed 0) as '" in err


def test_no_run_yet(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["write", "2026"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: run: no run in 'runs' has finished") and err.count("\n") == 1
    assert "'pocketgan train'" in err


@pytest.mark.slow
@pytest.mark.parametrize("command", ["timelapse", "plot"])
def test_what_only_reads_folders_does_so_without_torch(command, runs):
    run = f"main(['{command}', 'runs/noise'])"
    code = f"import sys; from pocketgan.cli.main import main; {run}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "False", done.stderr

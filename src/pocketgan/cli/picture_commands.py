"""The commands of pictures: call, and print."""

from pathlib import Path
from typing import Annotated, Literal

import tyro

from pocketgan.base.errors import RunError
from pocketgan.base.progress import working
from pocketgan.config.shell import command
from pocketgan.images.montage import Theme
from pocketgan.pictures.animation_files import check_ending
from pocketgan.runs.listing import chosen
from pocketgan.runs.run import Run

RunFolder = Annotated[tyro.conf.Positional[Path | None], tyro.conf.arg(metavar="[RUN]")]


def interpolate(
    run: RunFolder = None,
    from_: Annotated[int, tyro.conf.arg(name="from")] = 0,
    to: int = 1,
    through: tuple[int, ...] = (),
    frames: int | None = None,
    label: str | None = None,
    checkpoint: str = "auto",
    fps: float = 20.0,
    scale: int | None = None,
    theme: Theme = "dark",
    out: Path | None = None,
) -> int:
    """A walk between the latents of two seeds or more, as a film or as one picture.

    Args:
        run: the run or the exported model, by its folder or its name in runs or models; by default the newest run.
        from_: the seed where the walk begins; its image is the first that generate gives for that seed.
        to: the seed where it ends; a film goes back to where it began, so that it can be shown in a loop.
        through: seeds on the way, one after the other.
        frames: images from a seed to the next, both included; by default 28 in a film and 10 in a picture.
        label: the class (conditional runs); by default a row a class.
        checkpoint: best, last, or a step; auto is the best, or the last of a run that wasn't evaluated.
        fps: frames a second of a film.
        scale: pixels a pixel, for any size without blur; by default as many as fit on a screen.
        theme: of the lines and letters.
        out: walk.png, .gif, .webp, or .mp4 where ffmpeg is; by default interpolation.png in the run's folder.
    """
    folder, seeds = chosen(run, reads_images=False), (from_, *through, to)
    out = out or folder / "interpolation.png"
    check_ending(out)
    with working(f"{folder}: drawing …"):
        from pocketgan import api

        film = api.interpolate(folder, seeds, frames=frames, label=label, checkpoint=checkpoint, fps=fps)
        path = film.save(out, scale=scale, theme=theme)
    print(path)
    return 0


def write(
    text: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="TEXT")],
    run: Annotated[tyro.conf.Positional[Path | None], tyro.conf.arg(metavar="[RUN]")] = None,
    seed: int = 0,
    candidates: int = 1_000,
    checkpoint: str = "auto",
    scale: int | None = None,
    labels: bool = False,
    theme: Theme = "dark",
    out: Path | None = None,
) -> int:
    """Writes a number in generated digits: pocketgan write 2026.

    Args:
        text: the number, or any text whose characters are names of the run's classes.
        run: the run or the exported model, by its folder or its name in runs or models; by default the best of the
            finished runs in runs that can write the text.
        seed: of the noise; the same digit and seed give the same image.
        candidates: images that an unconditional run draws, for each digit to be found among them.
        checkpoint: best, last, or a step; auto is the best, or the last of a run that wasn't evaluated.
        scale: pixels a pixel, for any size without blur; by default as many as fit on a screen.
        labels: write each digit's class above it.
        theme: of the letters.
        out: number.png, images.npz, or a folder of single pictures; by default written.png in the run's folder.
    """
    if (Path(text) / "config.json").is_file():
        right = command("write", run or 2026, text)
        raise RunError(
            "'{text}' is a run's folder; the text comes first: {right}", field="text", text=text, right=right
        )
    with working(f"{text}: writing …"):
        from pocketgan import api

        written = api.write(text, run, seed=seed, candidates=candidates, checkpoint=checkpoint)
        path = written.save(out or written.folder / "written.png", scale=scale, theme=theme, labels=labels)
    print(f"{written.note}.")
    print(path)
    return 0


def timelapse(
    run: RunFolder = None,
    frames: int | None = None,
    fps: float | None = None,
    scale: int | None = None,
    theme: Theme = "dark",
    out: Path | None = None,
) -> int:
    """The samples of a run over its training, with step and time, as a film or as one picture.

    Args:
        run: the run, by its folder or its name in runs; by default the newest one.
        frames: moments, up to the pictures that there are; by default 80 in a film, and 8 columns in a picture.
        fps: frames a second of a film; by default as many as make 8 seconds.
        scale: pixels a pixel, for any size without blur; by default as many as fit on a screen.
        theme: of the lines and letters.
        out: film.gif, .webp, .mp4 where ffmpeg is, or .png; by default timelapse.gif in the run's folder.
    """
    folder = chosen(run)
    out = out or folder / "timelapse.gif"
    check_ending(out)
    with working(f"{folder}: drawing …"):
        from pocketgan import api

        path = api.timelapse(folder, frames=frames, fps=fps).save(out, scale=scale, theme=theme)
    print(path)
    return 0


def plot(
    runs: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="[RUN ...]")] = (),
    format: Literal["pdf", "svg", "png"] = "pdf",
    x_axis: Literal["steps", "epochs", "kimg", "minutes"] = "steps",
    width: float = 14.0,
    theme: Theme = "light",
    out: Path | None = None,
) -> int:
    """The plots of a run, or of several over each other, for print: losses, accuracies, quality, classes, speed.

    Args:
        runs: the run, or several to compare, by their folders or their names in runs; by default the newest one.
        format: pdf and svg are drawn in lines and letters, and sharp at any size; png has 200 dots an inch.
        x_axis: what runs to the right: steps, epochs, thousands of images, or minutes of training.
        width: centimetres; 14 for the whole width of a page, 8 for a column. Letters stay as large as in the text.
        theme: light for print, dark for slides.
        out: the folder for the plots; by default plots in the run's folder, or here where there are several runs.
    """
    shown = [Run.open(run) for run in runs or (chosen(None),)]
    folder = out or (shown[0].folder / "plots" if len(shown) == 1 else Path("plots"))
    with working("drawing …"):
        from pocketgan import api

        paths = api.plot(*shown, x_axis=x_axis, width=width, theme=theme).save(folder, format)
    for path in paths:
        print(path)
    return 0

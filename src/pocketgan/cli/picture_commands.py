"""The commands of pictures: call, and print."""

from pathlib import Path
from typing import Annotated, Literal

import tyro

from pocketgan.base.errors import RunError
from pocketgan.base.progress import work, working
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
    """Interpolate between the latents of two seeds or more, as an animation or one picture.

    Args:
        run: the run or the exported model, by its folder or its name in runs or models; by default the newest run.
        from_: the first seed; its image is the first one that generate shows for that seed.
        to: the last seed; an animation returns to the first one, so that it can loop.
        through: seeds in between, in this order.
        frames: images from one seed to the next, both included; by default 28 in an animation, 10 in a picture.
        label: the class, or a mixture such as 3:0.7,8:0.3 (conditional runs); by default one row per class.
        checkpoint: best, last, or a step; auto is the best, or the last of a run that wasn't evaluated.
        fps: frames per second of an animation.
        scale: enlarge each pixel this many times, without blur; by default to the size of a screen.
        theme: colors of lines and letters.
        out: a .png, .gif, .webp or (with ffmpeg) .mp4 file; by default interpolation.png in the run's folder.
    """
    folder, seeds = chosen(run, reads_images=False), (from_, *through, to)
    out = out or folder / "interpolation.png"
    check_ending(out)
    if len(set(seeds)) == 1:
        raise RunError("one seed twice", field="to", seed=to)
    with working(work("drawing", folder=folder)):
        from pocketgan import api

        animation = api.interpolate(folder, seeds, frames=frames, label=label, checkpoint=checkpoint, fps=fps)
        path = animation.save(out, scale=scale, theme=theme)
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
    """Write a number in generated digits: pocketgan write 2026.

    Args:
        text: the number, or any text whose characters are names of the run's classes.
        run: the run or the exported model, by its folder or its name in runs or models; by default the best of the
            finished runs in runs that can write the text.
        seed: seed of the noise; the same digit and seed give the same image.
        candidates: how many images an unconditional run generates, to find each digit among them.
        checkpoint: best, last, or a step; auto is the best, or the last of a run that wasn't evaluated.
        scale: enlarge each pixel this many times, without blur; by default to the size of a screen.
        labels: write each digit's class above it.
        theme: colors of the letters.
        out: number.png or .jpg, images.npz, or a folder of single pictures; by default written.png in the run's folder.
    """
    if (Path(text) / "config.json").is_file():
        right = command("write", run or 2026, text)
        raise RunError("folder for a text", field="text", text=text, right=right)
    with working(work("writing", text=text)):
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
    """Show the samples of a run over its training, with step and time, as an animation or one picture.

    Args:
        run: the run, by its folder or its name in runs; by default the newest one.
        frames: how many samples to show; by default up to 80 in an animation, 8 in a picture.
        fps: frames per second of an animation; by default it lasts 8 seconds.
        scale: enlarge each pixel this many times, without blur; by default to the size of a screen.
        theme: colors of lines and letters.
        out: a .gif, .webp, .png or (with ffmpeg) .mp4 file; by default timelapse.gif in the run's folder.
    """
    folder = chosen(run)
    out = out or folder / "timelapse.gif"
    check_ending(out)
    with working(work("drawing", folder=folder)):
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
    """Plot losses, accuracies, quality, classes and speed of one run, or of several in one plot, for print.

    Args:
        runs: the run, or several to compare, by their folders or their names in runs; by default the newest one.
        format: pdf and svg are sharp at any size; png has 200 dots per inch.
        x_axis: the horizontal axis: steps, epochs, thousands of images, or minutes of training.
        width: width in centimeters: 14 for a page, 8 for a column. Letters keep their size.
        theme: light for print, dark for slides.
        out: the folder for the plots; by default plots in the run's folder, or ./plots for several runs.
    """
    shown = [Run.open(run) for run in runs or (chosen(None),)]
    folder = out or (shown[0].folder / "plots" if len(shown) == 1 else Path("plots"))
    with working(work("drawing plots")):
        from pocketgan import api

        paths = api.plot(*shown, x_axis=x_axis, width=width, theme=theme).save(folder, format)
    for path in paths:
        print(path)
    return 0

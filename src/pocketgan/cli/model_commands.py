"""The commands of exported models: call, and print."""

import re
from pathlib import Path
from typing import Annotated, Literal

import tyro

from pocketgan.config.shell import command
from pocketgan.runs.listing import chosen


def export(
    run: Annotated[tyro.conf.Positional[Path | None], tyro.conf.arg(metavar="[RUN]")] = None,
    out: Path | None = None,
    format: Literal["safetensors", "onnx", "all"] = "all",
    checkpoint: str = "auto",
    quiet: bool = False,
) -> int:
    """Export a run's generator to a self-contained folder with a model card.

    Args:
        run: the run, by its folder or its name in runs; by default the newest one.
        out: folder of the model, empty or new; by default models/<the run's name>.
        format: safetensors for Pocketgan, onnx for other programs (needs the extra onnx), or all for both.
        checkpoint: best, last, or a step; auto is the best, or the last of a run that wasn't evaluated.
        quiet: show no progress.
    """
    folder = chosen(run)
    from pocketgan import api
    from pocketgan.cli.tables import say

    model = api.export(folder, out, format=format, checkpoint=checkpoint, progress=not quiet)
    print(say("model", folder=model.folder, files=", ".join(sorted(path.name for path in model.folder.iterdir()))))
    if format == "onnx":
        return 0
    if model.config.reads_images:
        picture = () if model.data is not None else ("--images", "picture.png")
        print(say("next", command=command("translate", model.folder, *picture, "--out", "translated")))
    else:
        print(say("next", command=command("generate", model.folder, "--count", 64, "--out", "images.png")))
    repository = "user/" + re.sub(r"[^A-Za-z0-9._-]+", "-", model.folder.resolve().name).strip("-.")
    print(f"          {command('push', model.folder, repository)}")
    return 0


def push(
    folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="DIR")],
    repository: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="user/name")],
    private: bool = False,
) -> int:
    """Upload an exported model to the Hugging Face Hub (needs the extra hub, and 'hf auth login').

    Args:
        folder: folder of the model.
        repository: repository; a new one is created if it doesn't exist.
        private: make a new repository private.
    """
    from pocketgan import api

    print(api.push(folder, repository, private=private))
    return 0

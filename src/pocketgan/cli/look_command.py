"""The command that looks at data: call, and print."""

from pathlib import Path
from typing import Annotated, Literal

import tyro

from pocketgan.base.printing import print_json


def look(
    data: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="DATA")],
    recipe: str = "pocket",
    classes: str = "all",
    size: str = "auto",
    fit: Literal["crop", "pad", "stretch"] = "crop",
    color: Literal["auto", "gray", "rgb"] = "auto",
    background: str = "white",
    value_range: str = "auto",
    channels_at: Literal["auto", "first", "last", "none"] = "auto",
    orientation: Literal["auto", "upright", "transposed"] = "auto",
    labels: str = "auto",
    skip_damaged: bool = False,
    json: bool = False,
    quiet: bool = False,
    out: Path | None = None,
) -> int:
    """Show what data holds, what is done with it, and what deserves attention.

    Args:
        data: a folder of pictures, a file or folder of arrays, hf:NAME, or mnist.
        recipe: the recipe whose validation set and speed are shown.
        classes: only these classes, such as 8 or 0,1,7.
        size: side of the images in pixels; by default that of square images, or 16, 28, 32 or 64.
        fit: how pictures of another shape become square.
        color: gray, rgb, or gray if all pictures are.
        background: color behind transparent pictures and around padded ones.
        value_range: values of black and white, such as 0:1, where they can't be recognized.
        channels_at: where arrays have their channels, where that can't be recognized.
        orientation: whether IDX files hold transposed images; by default those of EMNIST do.
        labels: a CSV, TSV, JSON or JSON lines file of labels; none for no labels.
        skip_damaged: pass over pictures that can't be read.
        json: print one JSON object, and write files only with --out.
        quiet: show no progress.
        out: folder for data.png, a contact sheet, and images.npz, what the networks will see; by default look.
    """
    from pocketgan import api

    settings = {
        "classes": classes, "size": size, "fit": fit, "color": color, "background": background,
        "value_range": value_range, "channels_at": channels_at, "orientation": orientation, "labels": labels,
        "skip_damaged": skip_damaged,
    }  # fmt: skip
    found = api.look(data, recipe=recipe, progress=not quiet, **settings)
    folder = None if json and out is None else found.save(out or Path("look"))
    if json:
        print_json(found.to_json())
        return 0
    print(found)
    print(f"  {folder}: data.png, images.npz")
    return 0

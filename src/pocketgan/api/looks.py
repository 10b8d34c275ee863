"""A look at data before training."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocketgan.base.progress import Progress

if TYPE_CHECKING:
    from pocketgan.experiment.looking import Look


def look(data: Any, *, recipe: str = "pocket", progress: bool = True, **settings: Any) -> "Look":
    """Looks at data as a run would read it: what it holds, what is done with it, and what deserves attention.

    Args:
        data: `mnist`, a folder, a file, `hf:NAME`, or arrays, as `train` takes them.
        recipe: the recipe whose settings and speed are used.
        progress: whether to show progress on standard error.
        settings: fields of the configuration, such as `size=32` or `background="black"`.

    Returns:
        What was found. `print(look)` shows it, `.save("folder")` writes a contact sheet and the images as the networks
        will see them, `.to_json()` returns all figures.

    Raises:
        UserError: the data can't be read, or a setting is wrong.
    """
    from pocketgan.experiment.looking import look as look_at
    from pocketgan.images.arrays import keep_arrays

    place = str(data) if isinstance(data, str | Path) else str(keep_arrays(data))
    return look_at(place, recipe, Progress(quiet=not progress), **settings)

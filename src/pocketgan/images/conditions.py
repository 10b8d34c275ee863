"""Numbers that describe images: read from a table, and brought to a common scale."""

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from pocketgan.images.intake.contents import wrong
from pocketgan.images.intake.names import matches, plain
from pocketgan.images.intake.tables import read_number_file


def read_conditions(
    path: str, files: list[str], count: int, folder: str = ""
) -> tuple[Float[Tensor, "n k"], tuple[str, ...]]:
    """Returns the numbers of each image from a table, and their names.

    Args:
        path: a CSV or TSV file.
        files: the names of the images; empty if they have none.
        count: the number of images.
        folder: the name of the folder that the names are relative to.

    Raises:
        DataError: the table has no numbers, not for every image, or different ones for one.
    """
    place = Path(path).expanduser()
    names, rows, keys = read_number_file(place)
    if keys is not None and files:
        known: dict[str, int] = {}
        for row, key in enumerate(map(plain, keys)):
            if (rows[known.setdefault(key, row)] != rows[row]).any():
                raise wrong("numbers twice", "condition", path=place, picture=key)
        found = matches(files, list(known), folder, place, "condition")
        lacking = [file for file, row in zip(files, found, strict=True) if row is None]
        if lacking:
            raise wrong("no numbers of picture", "condition", path=place, picture=lacking[0], count=len(lacking))
        order = list(known.values())
        rows = rows[[order[row] for row in found if row is not None]]
    if len(rows) != count:
        raise wrong("rows of numbers", "condition", path=place, rows=len(rows), images=count)
    return torch.from_numpy(rows), names


def standardized(values: Float[Tensor, "n k"]) -> tuple[Float[Tensor, "n k"], tuple[float, ...], tuple[float, ...]]:
    """Returns numbers with mean 0 and standard deviation 1 in each column, the means and the deviations.

    Columns of 0 and 1 stay as they are. Constant ones become 0.
    """
    plain = ((values == 0) | (values == 1)).all(dim=0)
    means, scales = torch.where(plain, 0.0, values.mean(dim=0)), values.std(dim=0)
    constant = ~(scales > 0)
    means = torch.where(constant & ~plain, values[0], means)
    scales = torch.where(plain | constant, 1.0, scales)
    return (values - means) / scales, tuple(means.tolist()), tuple(scales.tolist())

"""Numbers that describe images: read from a table, and brought to a common scale."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from pocketgan.images.intake.contents import wrong
from pocketgan.images.intake.tables import read_number_file


def read_conditions(path: str, files: list[str], count: int) -> tuple[Float[Tensor, "n k"], tuple[str, ...]]:
    """Returns the numbers of each image from a table, and their names.

    Args:
        path: a CSV or TSV file.
        files: the names of the images; empty if they have none.
        count: the number of images.

    Raises:
        DataError: the table has no numbers, or not for every image.
    """
    place = Path(path).expanduser()
    names, rows, keys = read_number_file(place)
    if keys is not None and files:
        known = {Path(key).name: row for key, row in zip(keys, rows, strict=True)} | dict(zip(keys, rows, strict=True))
        stems = {Path(key).stem: row for key, row in known.items()}
        found = [known.get(file, known.get(Path(file).name, stems.get(Path(file).stem))) for file in files]
        lacking = [file for file, row in zip(files, found, strict=True) if row is None]
        if lacking:
            raise wrong("no numbers of picture", "condition", path=place, picture=lacking[0], count=len(lacking))
        rows = np.stack([row for row in found if row is not None])
    if len(rows) != count:
        raise wrong("rows of numbers", "condition", path=place, rows=len(rows), images=count)
    return torch.from_numpy(rows), names


def standardized(values: Float[Tensor, "n k"]) -> tuple[Float[Tensor, "n k"], tuple[float, ...], tuple[float, ...]]:
    """Returns numbers with mean 0 and standard deviation 1 in each column, the means and the deviations.

    Columns of 0 and 1, and constant ones, stay as they are.
    """
    means, scales = values.mean(dim=0), values.std(dim=0)
    plain = ((values == 0) | (values == 1)).all(dim=0) | ~(scales > 0)
    means, scales = torch.where(plain, 0.0, means), torch.where(plain, 1.0, scales)
    return (values - means) / scales, tuple(means.tolist()), tuple(scales.tolist())

"""The rows of a run as a pandas DataFrame."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pocketgan.base.errors import RunError

if TYPE_CHECKING:
    import pandas


def frame_of_rows(rows: Iterable[dict[str, Any]]) -> "pandas.DataFrame":
    """Returns rows as a table with a column for each key.

    Raises:
        RunError: pandas isn't installed.
    """
    try:
        import pandas
    except ImportError:
        raise RunError("no pandas", field="run") from None
    return pandas.DataFrame(list(rows))


def frame_of(rows: Iterable[dict[str, Any]]) -> "pandas.DataFrame":
    """Returns rows with a `step` as a table with one row for each step, by ascending step; later values stay.

    Raises:
        RunError: pandas isn't installed.
    """
    by_step: dict[int, dict[str, Any]] = {}
    for row in rows:
        by_step[int(row["step"])] = by_step.get(int(row["step"]), {}) | row
    return frame_of_rows(by_step[step] for step in sorted(by_step))

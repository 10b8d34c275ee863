"""Order of runs and models in lists, and initial choice of a tab: the user's own before a study's, the best first."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from pocketgan.base.errors import RunError
from pocketgan.runs.records import read_object, read_rows
from pocketgan.web.rows import is_number, stamp
from pocketgan.web.site import Site

MEASURED = Path("evaluation") / "evaluation.json"
FOLLOWED = "metrics.jsonl"


def is_of_study(site: Site, name: str) -> bool:
    """Returns whether a run belongs to a study inside the site's folder."""
    return any(study != "." and name.startswith(f"{study}/") for study in site.studies())


def written(site: Site, name: str) -> float:
    """Returns when a run or an exported model was last written, in seconds since 1970; 0 if unknown."""
    return max(stamp(site.folder / name / file)[2] / 1e9 for file in ("status.json", "config.json"))


def in_order(site: Site, names: Sequence[str]) -> list[str]:
    """Returns names in display order: the user's own first, newest before oldest; then those of studies."""
    own = [name for name in names if not is_of_study(site, name)]
    others = [name for name in names if is_of_study(site, name)]
    return [*sorted(own, key=lambda name: -written(site, name)), *others]


def best(site: Site, names: Sequence[str]) -> str | None:
    """Returns the name initially selected in a tab; None if there is none.

    This is the user's own run or model whose Fréchet distance is the smallest multiple of its real-data baseline, or
    the newest one if none was measured. A run of a study is selected only if there is nothing else.
    """
    own = [name for name in names if not is_of_study(site, name)] or list(names)
    times = {name: times_baseline(site.folder / name) for name in own}
    measured = [name for name in own if times[name] is not None]
    if measured:
        return min(measured, key=lambda name: (times[name] or 0.0, -written(site, name)))
    return max(own, key=lambda name: written(site, name), default=None)


def times_baseline(folder: Path) -> float | None:
    """Returns a run's Fréchet distance as a multiple of its real-data baseline; None if it wasn't measured.

    The result of `pocketgan evaluate` has priority over the best evaluation during training.
    """
    return _times_baseline(folder, stamp(folder / MEASURED), stamp(folder / FOLLOWED))


@lru_cache(maxsize=10_000)
def _times_baseline(folder: Path, *_: object) -> float | None:
    try:
        figure = read_object(folder / MEASURED)["metrics"]["frechet_distance"]
        return ratio(figure["value"], figure["floor"])
    except (RunError, KeyError, TypeError):
        pass
    try:
        rows = read_rows(folder / FOLLOWED, needed=("frechet_distance", "frechet_floor"))
    except OSError:
        return None
    ratios = [ratio(row["frechet_distance"], row["frechet_floor"]) for row in rows]
    return min((one for one in ratios if one is not None), default=None)


def ratio(distance: object, baseline: object) -> float | None:
    """Returns a distance as a multiple of its baseline; None if either number is missing or invalid."""
    if not is_number(distance) or not is_number(baseline) or baseline <= 0:
        return None
    return distance / baseline

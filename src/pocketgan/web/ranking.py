"""In which order runs and models stand, and which one a place opens on: one's own before a study's, the best first."""

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
    """Whether a run lies in a study's folder, and the study isn't all that the page shows."""
    return any(study != "." and name.startswith(f"{study}/") for study in site.studies())


def written(site: Site, name: str) -> float:
    """Returns when a run or an exported model last wrote, in seconds since 1970; 0 where that isn't known."""
    return max(stamp(site.folder / name / file)[2] / 1e9 for file in ("status.json", "config.json"))


def in_order(site: Site, names: Sequence[str]) -> list[str]:
    """Returns names as lists show them: one's own first, the newest before the others; then those of studies."""
    own = [name for name in names if not is_of_study(site, name)]
    others = [name for name in names if is_of_study(site, name)]
    return [*sorted(own, key=lambda name: -written(site, name)), *others]


def best(site: Site, names: Sequence[str]) -> str | None:
    """Returns the name that a place opens on; None where there is none.

    It is one's own whose measured Fréchet distance is the smallest part of its real-data baseline, or the newest where
    none was measured; a run of a study only where there is nothing else.
    """
    own = [name for name in names if not is_of_study(site, name)] or list(names)
    times = {name: times_baseline(site.folder / name) for name in own}
    measured = [name for name in own if times[name] is not None]
    if measured:
        return min(measured, key=lambda name: (times[name] or 0.0, -written(site, name)))
    return max(own, key=lambda name: written(site, name), default=None)


def times_baseline(folder: Path) -> float | None:
    """Returns how many times its real-data baseline a run's Fréchet distance is; None where it wasn't measured.

    What `pocketgan evaluate` measured counts, else the best evaluation of the training itself.
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
    """Returns a distance as a multiple of its baseline; None where that is none."""
    if not is_number(distance) or not is_number(baseline) or baseline <= 0:
        return None
    return distance / baseline

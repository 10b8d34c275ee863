"""Runs side by side: measured quality with standard errors, overlaid curves, and samples at the same moment."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any

import numpy as np

from pocketgan.base.charts.axes import number
from pocketgan.base.charts.content import Chart, Level
from pocketgan.base.errors import UserError
from pocketgan.base.language import clock
from pocketgan.runs.records import read_object
from pocketgan.runs.run import Run
from pocketgan.web.charts import chart_figure, line_of
from pocketgan.web.messages import line, mark
from pocketgan.web.ranking import MEASURED as MEASURED_FILE
from pocketgan.web.reading import Reading
from pocketgan.web.rows import Numbers, stamp
from pocketgan.web.site import Site
from pocketgan.web.train.curves import column
from pocketgan.web.train.starting import measuring

MOST = 7
"""Largest number of runs with distinguishable lines."""
MOST_KEPT = 16
"""Largest number of comparisons kept in memory."""
PARTS = ("wrong", "measuring", "table", "samples", "charts")
MOMENTS = 100
ALIKE = 0.25
"""Relative difference up to which real-data baselines are shown as a single line."""
OVER: dict[str, tuple[str, Callable[[Numbers, Run], Numbers]]] = {
    "steps": ("step", lambda values, run: values),
    "epochs": ("nimg", lambda values, run: values / run.facts.images),
    "kimg": ("nimg", lambda values, run: values / 1000),
    "minutes": ("seconds", lambda values, run: values / 60),
}
"""Horizontal axes: the measure that each is based on, and its conversion."""
MEASURED = ("frechet_distance", "precision", "recall", "coverage")
"""Metrics in the table, from those that `pocketgan evaluate` measures."""
HEADS = ("run", "fact recipe", "state", "best so far", "at the end", *(f"metric {name}" for name in MEASURED))
"""Headings of the table's columns."""
CURVES = (
    ("g_loss", "generator's loss", False),
    ("d_loss", "discriminator's loss", False),
    ("d_real_accuracy", "accuracy real", True),
    ("d_fake_accuracy", "accuracy generated", True),
)


@dataclass(frozen=True)
class Compared:
    """A run in a comparison.

    Attributes:
        name: the run's name.
        colour: 1 to 7.
        run: the run.
        reading: the run's content as read from the disk.
    """

    name: str
    colour: int
    run: Run
    reading: Reading

    @property
    def dashed(self) -> bool:
        """True if the run's lines are dashed, so that neighbors differ without color."""
        return self.colour % 2 == 0

    def clock(self, over: str) -> Numbers:
        """Returns the positions of the rows of losses on the horizontal axis."""
        assert self.reading.rows is not None
        measure, scaled = OVER[over]
        return scaled(self.reading.rows[measure], self.run)

    def evaluated(self, over: str) -> Numbers:
        """Returns the positions of the evaluations on the horizontal axis."""
        measure, scaled = OVER[over]
        return scaled(column(self.reading.evaluations, measure), self.run)

    def moments(self, over: str) -> list[float]:
        """Returns the positions of the samples on the horizontal axis."""
        assert self.reading.rows is not None
        steps = np.array([sample.step for sample in self.reading.samples], dtype=np.float64)
        if over == "steps" or not len(self.reading.rows) or not len(steps):
            return steps.tolist() if over == "steps" else [0.0] * len(steps)
        return np.interp(steps, self.reading.rows["step"], self.clock(over)).tolist()


class Comparisons:
    """Comparisons that browsers follow, each computed once per state of its runs."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._parts: dict[tuple[tuple[str, ...], str], tuple[str, dict[str, str]]] = {}
        self._lock = threading.Lock()

    def changed(self, names: list[str], over: str, have: str) -> dict[str, list[str]]:
        """Returns the parts that a browser doesn't have yet, each with its mark; see `live.Live.changed`."""
        version = "/".join(state_of(self.site, name) for name in names)
        with self._lock:
            known = self._parts.pop((tuple(names), over), None)
            if known is None or known[0] != version:
                known = (version, compared(self.site, names, over))
            self._parts[tuple(names), over] = known
            while len(self._parts) > MOST_KEPT:
                self._parts.pop(next(iter(self._parts)))
        parts = known[1] | {"measuring": measuring_html(self.site, names)}
        marks = {part: mark(text) for part, text in parts.items()}
        return {part: [marks[part], text] for part, text in parts.items() if marks[part] not in set(have.split(","))}


def state_of(site: Site, name: str) -> str:
    """Returns a value that changes with a run and with its evaluation."""
    try:
        return f"{site.read(name).version}.{stamp(site.resolve(name) / MEASURED_FILE)}"
    except UserError as error:
        return str(error)


def compared(site: Site, names: list[str], over: str) -> dict[str, str]:
    """Returns runs side by side as parts of HTML, in the current language.

    Args:
        site: the site.
        names: names of the runs.
        over: a key of `OVER`.
    """
    runs, wrong = [], []
    for place, name in enumerate(names):
        try:
            reading = site.read(name)
        except UserError as error:
            wrong.append(line(str(error), "bad"))
            continue
        if reading.run is None:
            wrong += [line(site.say("unreadable", why=why), "bad") for why in reading.problems]
        else:
            runs.append(Compared(name, place % MOST + 1, reading.run, reading))
    if not runs:
        return {"wrong": "".join(wrong), "table": "", "samples": "", "charts": ""}
    charts = "".join([quality(site, runs, over), *(curve(site, runs, over, *which) for which in CURVES)])
    return {
        "wrong": "".join(wrong),
        "table": table(site, runs),
        "samples": samples(site, runs, over),
        "charts": f'<h3>{escape(site.say("charts"))}</h3><div class="pg-charts">{charts}</div>',
    }


def compare_html(site: Site, names: object, over: object) -> str:
    """Returns runs side by side as HTML, with the marks of the parts for the page's script."""
    runs = list(dict.fromkeys(str(name) for name in names[:MOST])) if isinstance(names, list) else []
    if not runs:
        return f'<div class="pg-compare">{line(site.say("choose runs" if site.runs() else "no runs"))}</div>'
    over = over if isinstance(over, str) and over in OVER else "steps"
    parts = compared(site, runs, over) | {"measuring": measuring_html(site, runs)}
    inside = "".join(f'<div data-part="{part}" data-mark="{mark(parts[part])}">{parts[part]}</div>' for part in PARTS)
    return f'<div class="pg-compare" data-names="{escape(json.dumps(runs))}" data-over="{over}">{inside}</div>'


# Evaluations in progress.


def measuring_html(site: Site, names: list[str]) -> str:
    """Returns the progress of the runs' evaluations, and the reasons for failed ones."""
    took = usual_seconds(site)
    return "".join(one_measuring(site, name, took) for name in names)


def one_measuring(site: Site, name: str, took: float | None) -> str:
    """Returns the progress of a run's evaluation, or nothing if none was requested or it is complete."""
    job = measuring(name)
    if job in site.evaluations:
        return progress(name, site.say("measuring waits", name=name), "")
    started = site.starts.of(job)
    if started is None:
        return ""
    if not started.running():
        words = site.relative(started.last_words())
        return line(site.say("not measured", name=name, why=words), "bad") if words else ""
    seconds = (datetime.now(UTC) - started.at).total_seconds()
    text = site.say("measured for", name=name, time=clock(seconds))
    share = "" if took is None else f' value="{min(0.95, seconds / took):.2f}"'
    return progress(name, text, f'<progress max="1"{share} aria-label="{escape(text)}"></progress>')


def progress(name: str, text: str, bar: str) -> str:
    """Returns a line about an evaluation."""
    return f'<div class="pg-measuring" data-measuring="{escape(name)}">{bar}{line(text)}</div>'


def usual_seconds(site: Site) -> float | None:
    """Returns the duration of the longest completed evaluation started by this server; None before there is one."""
    durations = []
    for name in site.runs():
        started = site.starts.of(measuring(name))
        if started is not None and not started.running():
            durations.append(stamp(site.folder / name / MEASURED_FILE)[2] / 1e9 - started.at.timestamp())
    return max((seconds for seconds in durations if seconds > 0), default=None)


# Table.


def table(site: Site, runs: list[Compared]) -> str:
    """Returns the table of the runs' measured quality."""
    head = "".join(f'<th scope="col">{escape(site.say(key))}</th>' for key in HEADS)
    body = "".join(row(site, one) for one in runs)
    note = line(site.say("table note"))
    return (
        f'<div class="pg-scroll" tabindex="0" role="group" aria-label="{escape(site.say("measured"))}">'
        f'<table class="pg-table"><caption>{escape(site.say("measured"))}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>{note}"
    )


def row(site: Site, one: Compared) -> str:
    """Returns a run's row in the table."""
    status, rows, best = one.reading.status, one.reading.evaluations, one.reading.best
    cells = [one.run.config.recipe, site.say(f"state {status.state}") if status else "–"]
    result, floor = [number(best["frechet_distance"]) if best else "–"], ""
    if rows and rows[-1].get("frechet_floor") is not None:
        floor = f"<br><small>{escape(site.say('floor'))} {number(rows[-1]['frechet_floor'])}</small>"
    if best:
        floor += f"<br><small>{escape(site.say('at step', step=round(best['step'])))}</small>"
    result.append(number(rows[-1]["frechet_distance"]) if rows else "–")
    figures = evaluation(one.run)
    shown = [*map(escape, cells), result[0] + floor, result[1], *(figure(site, figures.get(name)) for name in MEASURED)]
    heads = [escape(site.say(key)) for key in HEADS[1:]]
    body = "".join(f'<td data-head="{head}">{cell}</td>' for head, cell in zip(heads, shown, strict=True))
    return f'<tr><th scope="row">{escape(one.name)}</th>{body}</tr>'


def evaluation(run: Run) -> dict[str, Any]:
    """Returns the results of `pocketgan evaluate` for a run, by metric; empty without an evaluation."""
    try:
        values = read_object(run.folder / MEASURED_FILE).get("metrics")
    except UserError:
        return {}
    return values if isinstance(values, dict) else {}


def figure(site: Site, found: Any) -> str:
    """Returns a score with its standard error and its real-data baseline."""
    if not isinstance(found, dict) or not isinstance(found.get("value"), int | float):
        return "–"
    spread, floor = found.get("spread"), found.get("floor")
    text = number(found["value"]) + (f" ± {number(spread)}" if isinstance(spread, int | float) else "")
    if isinstance(floor, int | float):
        text += f"<br><small>{escape(site.say('floor'))} {number(floor)}</small>"
    return text


# Curves.


def quality(site: Site, runs: list[Compared], over: str) -> str:
    """Returns the chart of measured quality, with the real-data baseline if it is about the same for all runs."""
    lines = [
        line_of(one.name, one.evaluated(over), column(one.reading.evaluations, "frechet_distance"), one.colour,
                dashed=one.dashed)
        for one in runs
        if one.reading.evaluations
    ]  # fmt: skip
    last = [one.reading.evaluations[-1] for one in runs if one.reading.evaluations]
    floors = [float(row["frechet_floor"]) for row in last if row.get("frechet_floor") is not None]
    alike = floors and max(floors) - min(floors) <= ALIKE * max(floors)
    levels = [Level(float(np.median(floors)), site.say("floor"))] if alike else []
    axes = site.say(f"axis {over}"), site.say("axis distance")
    return chart_figure(Chart(site.say("quality"), *axes, lines, levels, log=True)) if lines else ""


def curve(site: Site, runs: list[Compared], over: str, measure: str, title: str, share: bool) -> str:
    """Returns the chart of one measure of all runs."""
    lines = []
    for one in runs:
        rows = one.reading.rows
        if rows is not None and len(rows):
            lines.append(line_of(one.name, one.clock(over), rows[measure], one.colour, dashed=one.dashed))
    unit = site.say("axis right" if share else "axis loss")
    levels = [Level(0.5, site.say("chance"))] if share else []
    return (
        chart_figure(Chart(site.say(title), site.say(f"axis {over}"), unit, lines, levels, percent=share))
        if lines
        else ""
    )


# Samples.


def samples(site: Site, runs: list[Compared], over: str) -> str:
    """Returns the samples of all runs at one moment, and the slider that selects the moment."""
    places = [(one, one.moments(over)) for one in runs if one.reading.samples]
    if not places:
        return line(site.say("no samples"))
    ends = [float(one.clock(over)[-1]) for one in runs if one.reading.rows is not None and len(one.reading.rows)]
    end = max([*(moments[-1] for _, moments in places), *ends, 1e-9])
    labels = [site.say(f"moment {over}", at=number(end * k / MOMENTS)) for k in range(MOMENTS + 1)]
    boxes = "".join(sample_box(site, one, moments) for one, moments in places)
    return (
        f'<h3>{escape(site.say("same moment"))}</h3><label class="pg-slider"><span class="pg-compare-moment"></span>'
        f'<input class="pg-compare-slider" type="range" min="0" max="{MOMENTS}" value="{MOMENTS}" step="1" '
        f'aria-label="{escape(site.say("moment"))}" data-end="{end!r}" data-moments="{escape(json.dumps(labels))}">'
        f'</label><div class="pg-grid">{boxes}</div>'
    )


def sample_box(site: Site, one: Compared, moments: list[float]) -> str:
    """Returns the element for one run's samples."""
    result = [
        [sample.file, at, sample.changed, site.say("at step", step=sample.step)]
        for sample, at in zip(one.reading.samples, moments, strict=True)
    ]
    return (
        f'<section data-name="{escape(one.name)}" data-samples="{escape(json.dumps(result))}">'
        f'<h4><i class="c{one.colour}"></i>{escape(one.name)}</h4>'
        f'<img alt="{escape(site.say("alt of run", name=one.name))}" hidden>'
        f'<p class="pg-line pg-none" hidden>{escape(site.say("none yet"))}</p><p class="pg-line pg-at"></p></section>'
    )

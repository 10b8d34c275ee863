"""Charts of the run that is followed: losses, accuracies, measured quality, speed, and generated classes."""

from typing import Any

import numpy as np

from pocketgan.base.charts.axes import number
from pocketgan.base.charts.content import Chart, Level
from pocketgan.web.charts import Moments, chart_figure, histogram, line_of
from pocketgan.web.messages import line
from pocketgan.web.reading import Reading
from pocketgan.web.site import Site

MOST_CLASSES = 40
"""Largest number of classes in a histogram; for more, a sentence states how many are generated."""
MOST_MOMENTS = 200
"""Largest number of histograms sent to a browser: those of the latest evaluations."""


def plan_end(reading: Reading) -> float:
    """Returns the step at which charts end: the end of the plan while the run is running, else its current step."""
    assert reading.run is not None and reading.status is not None
    planned = reading.run.planned_steps if reading.status.state == "running" else None
    return float(reading.status.step if planned is None else planned)


def losses(site: Site, reading: Reading) -> str:
    """Returns the chart of both losses."""
    assert reading.run is not None and reading.rows is not None
    rows, config = reading.rows, reading.run.config
    which = "loss nats" if config.facts("objective").unit == "nats" else "loss plain"
    recorded = config.kind == "recorded"  # Its objective has no name.
    unit = site.say("axis loss") if recorded else site.say(which, objective=config.objective.objective)
    lines = [
        line_of(site.say("discriminator"), rows["step"], rows["d_loss"], 1),
        line_of(site.say("generator"), rows["step"], rows["g_loss"], 2, dashed=True),
    ]
    return chart_figure(Chart(site.say("losses"), site.say("axis steps"), unit, lines, end=plan_end(reading)))


def accuracies(site: Site, reading: Reading) -> str:
    """Returns the chart of the discriminator's accuracies."""
    assert reading.rows is not None
    rows = reading.rows
    lines = [
        line_of(site.say("on real"), rows["step"], rows["d_real_accuracy"], 1),
        line_of(site.say("on generated"), rows["step"], rows["d_fake_accuracy"], 2, dashed=True),
    ]
    levels, title = [Level(0.5, site.say("chance"))], site.say("accuracies")
    axis = site.say("axis right")
    return chart_figure(Chart(title, site.say("axis steps"), axis, lines, levels, percent=True, end=plan_end(reading)))


def column(rows: list[dict[str, Any]], name: str) -> np.ndarray:
    """Returns one measure of evaluations as an array, with NaN where it is missing."""
    values = [row.get(name) for row in rows]
    return np.array([value if isinstance(value, int | float) else np.nan for value in values], dtype=np.float64)


def quality(site: Site, reading: Reading) -> str:
    """Returns the chart of the measured quality with the real-data baseline, and a line about the best evaluation."""
    rows = reading.evaluations
    if not rows:
        return line(site.say("not evaluated yet"))
    steps = column(rows, "step")
    lines = [line_of(site.say("this run"), steps, column(rows, "frechet_distance"), 3)]
    floor = rows[-1].get("frechet_floor")
    levels = [] if floor is None else [Level(float(floor), site.say("floor"))]
    title, axes = site.say("quality"), (site.say("axis steps"), site.say("axis distance"))
    chart = chart_figure(Chart(title, *axes, lines, levels, log=True, end=plan_end(reading)))
    if reading.best is None:
        return chart
    best = site.say("best", step=round(reading.best["step"]), distance=number(reading.best["frechet_distance"]))
    return chart.removesuffix("</figure>") + f"{line(best)}</figure>"


def speed(site: Site, reading: Reading) -> str:
    """Returns the chart of images per second."""
    assert reading.rows is not None
    rows = reading.rows
    lines = [line_of(site.say("this run"), rows["step"], rows["images_per_second"], 4)]
    axes = (site.say("axis steps"), site.say("axis speed"))
    return chart_figure(Chart(site.say("speed"), *axes, lines, end=plan_end(reading)))


def classes(site: Site, reading: Reading) -> str:
    """Returns the histogram of generated classes in the last evaluation, with the data of earlier ones."""
    assert reading.run is not None
    rows = [row for row in reading.evaluations if isinstance(row.get("histogram"), list) and row["histogram"]]
    if not rows:
        return ""
    names = class_names(reading.run.facts.class_names, len(rows[-1]["histogram"]))
    rows = [row for row in rows if len(row["histogram"]) == len(names)]
    histograms = [shares_of(row["histogram"], names) for row in rows]
    known = [name for name in names if name]
    counts = [sum(share > 0 for share in shares[: len(known)]) for shares in histograms]
    sentence = site.say("classes drawn", drawn=counts[-1], count=len(known))
    if len(known) > MOST_CLASSES:
        return line(sentence)
    moments = Moments(
        [round(row["step"]) for row in rows],
        histograms,
        [site.say("classes drawn", drawn=count, count=len(known)) for count in counts],
        site.say("classes", step="#"),
    ).latest(MOST_MOMENTS)
    more = [site.say("other classes")] if len(known) < len(names) else []
    even = 1 / len(known) if len(known) > 1 else None
    return histogram(moments, [*known, *more], even, site.say("even"))


def class_names(trained: tuple[str, ...], count: int) -> tuple[str, ...]:
    """Returns the names of the classes in a histogram; empty names for classes outside the training data.

    A classifier of ten digits also judges a run on one digit. Only the classes of the training data can be missing.

    Args:
        trained: names of the classes in the training data.
        count: number of classes in the histogram.
    """
    if len(trained) == count:
        return trained
    numbers = tuple(str(index) for index in range(count))
    return tuple(name if name in trained else "" for name in numbers) if set(trained) & set(numbers) else numbers


def shares_of(histogram: list[Any], names: tuple[str, ...]) -> list[float]:
    """Returns the fractions of the classes with a name, and the total of all others if there are any."""
    shares = [float(share) if isinstance(share, int | float) else 0.0 for share in histogram]
    named = [share for share, name in zip(shares, names, strict=True) if name]
    others = [share for share, name in zip(shares, names, strict=True) if not name]
    return [*named, sum(others)] if others else named

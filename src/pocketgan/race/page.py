"""The page of a race: a chart that says what to use for how long, and the table. Doesn't import torch."""

import math
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

import numpy as np

from pocketgan.base.charts.content import Chart, Level, Line
from pocketgan.base.charts.drawing import draw
from pocketgan.base.charts.files import SCRIPT
from pocketgan.base.charts.looks import look_of
from pocketgan.base.charts.svg import key
from pocketgan.base.files import write_atomically, write_json
from pocketgan.base.html import html_document, paragraph
from pocketgan.base.language import localised, spoken
from pocketgan.race.places import entrant_name
from pocketgan.race.table import Row, Table
from pocketgan.race.words import say
from pocketgan.studies.seeds import fewest_seeds
from pocketgan.studies.sentences import failed_sentence, sentence_of, title_in

PAGE, ROWS = "race.html", "table.json"
Ratio = tuple[float, float | None, float | None]


def write_race(table: Table) -> Path:
    """Writes `race.html`, in the current language, and `table.json` into a race's folder; returns the page.

    Raises:
        StorageError: a file can't be written.
    """
    folder = table.race.folder
    write_json(folder / ROWS, table.values(), durable=False)
    write_atomically(folder / PAGE, document(table).encode(), durable=False)
    return folder / PAGE


def document(table: Table) -> str:
    """Returns the page."""
    config = table.race.config
    count = f"{config.count:,}"
    about = say("about", count=config.threads, images=count, split=config.against)
    head = [f"<h1>{escape(say('title', data=config.data))}</h1>", paragraph(f"{about} {say(config.clock)}")]
    head += [paragraph(answer(table, duration), "headline") for duration in table.rows if table.rows[duration]]
    rows = [row for some in table.rows.values() for row in some]
    head += [paragraph(sentence) for duration in table.rows for sentence in failures(table, duration)]
    body = [] if not rows else [charts(table, rows), results(table, rows), verdicts(table)]
    page = f"<header>{''.join(head)}</header>\n<main>\n{chr(10).join(body)}\n</main><script>{SCRIPT}</script>"
    return html_document(say("title", data=config.data), page, language=spoken(), scripts=True)


def answer(table: Table, duration: str) -> str:
    """Returns what to use for a duration, and whether it is shown to be better than the others."""
    best, verdict = table.best(duration), table.verdicts[duration]
    assert best is not None
    sentences = [say("use", duration=duration, name=best.entrant, ratio=short(best.ratio[0]))]
    sentences += second_opinion(table, duration)
    pairs = [pair for pair in verdict.comparisons if best.entrant in (pair.first, pair.second)]
    seeds = len(verdict.study.seeds())
    if verdict.undone:
        sentences.append(say("missing runs", count=verdict.undone))
    if verdict.comparisons and seeds < fewest_seeds(len(verdict.comparisons)):
        return " ".join([*sentences, say("too few seeds", count=seeds)])
    others = {pair.second if pair.first == best.entrant else pair.first: pair for pair in pairs}
    shown = [name for name, pair in others.items() if pair.verdict != "no difference shown"]
    for what, names in (("shown better", shown), ("not shown", [name for name in others if name not in shown])):
        if names:
            sentences.append(say(what, others=", ".join(names)))
    return " ".join(sentences)


def failures(table: Table, duration: str) -> list[str]:
    """Returns how many runs of each entrant failed, and why the first of them did."""
    summaries = table.verdicts[duration].variants
    return [f"{duration}: {failed_sentence(one)}" for one in summaries if one.failed]


def second_opinion(table: Table, duration: str) -> list[str]:
    """Returns whether the same entrant is the best in the second feature space, as at most one sentence."""
    best, other = table.best(duration), table.second_best(duration)
    if best is None or other is None or best.second_ratio is None or other.second_ratio is None:
        return []
    if best.entrant == other.entrant:
        return [say("second agrees", space=other.second_space)]
    ratios = {"ratio": short(other.second_ratio[0]), "own": short(best.second_ratio[0])}
    return [say("second differs", space=other.second_space, name=other.entrant, **ratios)]


# Charts.


def charts(table: Table, rows: Sequence[Row]) -> str:
    """Returns the chart of the first feature space, and that of the second one if there is one."""
    first = [row for row in rows if row.first]
    names = [entrant_name(one) for one in table.race.config.entrants]
    text = chart_of(table, first, names, "chart", lambda row: row.ratio)
    note = paragraph(say("chart note", space=first[0].space), "note")
    sections = [f"<section><h2>{escape(say('chart'))}</h2>{legend(names)}{text}{note}</section>"]
    if first[0].second_space:
        text = chart_of(table, first, names, "second chart", lambda row: row.second_ratio)
        note = paragraph(say("chart note", space=first[0].second_space), "note")
        sections.append(f"<section><h2>{escape(say('second chart'))}</h2>{text}{note}</section>")
    return "".join(sections)


def chart_of(
    table: Table, rows: Sequence[Row], names: Sequence[str], title: str, ratio: Callable[[Row], Ratio | None]
) -> str:
    """Returns a chart: a line for each entrant, over the training time."""
    lines = []
    for place, name in enumerate(names):
        points = [(row.seconds, value) for row in rows if row.entrant == name and (value := ratio(row)) is not None]
        if points:
            x, y = np.array([one for one, _ in points]), np.array([value[0] for _, value in points])
            low, high = (np.array([value[end] or value[0] for _, value in points]) for end in (1, 2))
            ends = (low, high) if any(value[1] is not None for _, value in points) else (None, None)
            lines.append(Line(name, x, y, look_of(place), *ends, dots=True))
    chart = Chart(
        say(title), say("chart x"), say("chart y"), lines, [Level(1.0)], log=True, log_x=True, height=360, name=title
    )  # fmt: skip
    return f"<figure>{draw(chart)}</figure>"


def legend(names: Sequence[str]) -> str:
    """Returns the names of the lines with their looks."""
    items = "".join(f"<span>{key(look_of(place))} {escape(name)}</span> " for place, name in enumerate(names))
    return f'<p class="legend">{items}</p>'


# Table and verdicts.


def headings(space: str, second: str) -> list[str]:
    """Returns the headings of the table."""
    texts = [say("entrant"), say("sampler"), say("runs"), f"FD ({space})", say("times baseline")]
    texts += [say("second distance", space=second)] if second else []
    more = ["class accuracy", "recall", "authenticity", "speed", "parameters", "memory", "images seen"]
    return [say("duration"), *texts, *(say(name) for name in more)]


def cells(row: Row) -> list[str]:
    """Returns a row of the table as texts."""
    runs = f"{row.runs}" + (f" + {row.failed} {say('failed')}" if row.failed else "")
    second = [] if row.second_ratio is None else [short(row.second_ratio[0])]
    return [
        row.duration,
        row.entrant,
        row.sampler if row.first else f"({row.sampler})",
        runs,
        short(row.distance),
        short(row.ratio[0]),
        *second,
        percent(row.class_accuracy),
        short(row.recall),
        short(row.authenticity),
        localised(f"{row.images_per_second:,.0f}"),
        localised(f"{row.parameters:,}"),
        localised(f"{row.peak_memory / 2**20:,.0f} MiB"),
        localised(f"{row.images:,.0f}"),
    ]


def results(table: Table, rows: Sequence[Row]) -> str:
    """Returns the table as HTML."""
    texts = headings(rows[0].space, rows[0].second_space)
    head = "".join(f'<th scope="col"{kind(place)}>{escape(text)}</th>' for place, text in enumerate(texts))
    best = {id(table.best(duration)) for duration in table.rows}
    body = []
    for row in rows:
        inside = "".join(f"<td{kind(place)}>{escape(text)}</td>" for place, text in enumerate(cells(row)))
        body.append(f"<tr{' class=best' if id(row) in best else ''}>{inside}</tr>")
    real = next((row.real_authenticity for row in rows if row.real_authenticity is not None), None)
    return (
        f"<section><h2>{escape(say('results'))}</h2><div class=scroll><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(body)}</tbody></table></div>"
        f"{paragraph(say('results note', real=short(real)), 'note')}</section>"
    )


def kind(place: int) -> str:
    """Returns the class of a cell: numbers begin with the fourth column."""
    return ' class="number"' if place > 2 else ""


def verdicts(table: Table) -> str:
    """Returns the verdicts of the studies, with links to their reports."""
    parts = [f"<section><h2>{escape(say('verdicts'))}</h2>"]
    parts.append(
        paragraph(say("verdict note", name=next(iter(table.verdicts.values())).study.config.compare_with), "note")
    )
    for duration, verdict in table.verdicts.items():
        config = verdict.study.config
        lines = [sentence_of(pair, title_in(config, config.metric)) for pair in verdict.comparisons]
        parts.append(f"<h3>{escape(duration)}</h3><ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>")
        report = verdict.study.folder / "report" / "report.html"
        if report.is_file():
            address = report.relative_to(table.race.folder).as_posix()
            parts.append(f'<p><a href="{escape(address)}">{escape(say("report", duration=duration))}</a></p>')
    return "".join([*parts, "</section>"])


def short(value: float | None) -> str:
    """Returns a number with three significant digits; a dash for None."""
    if value is None or not math.isfinite(value):
        return "–"
    return localised(f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}")


def percent(value: float | None) -> str:
    """Returns a share in percent; a dash for None."""
    return "–" if value is None else localised(f"{100 * value:.1f}%")

"""HTML elements of a study's report: tables, charts, pictures. This module escapes all texts."""

from collections.abc import Iterable, Sequence
from html import escape

from pocketgan.base.charts.content import Chart, Intervals
from pocketgan.base.charts.drawing import draw, draw_intervals
from pocketgan.base.charts.looks import look_of
from pocketgan.base.charts.svg import key
from pocketgan.base.html import heading, paragraph
from pocketgan.studies.report.words import say

MOST_ROWS = 400
"""Largest number of rows of a table in the page; the table's file has all rows."""
SHORT = 15
"""Largest number of rows of a table that stays on one page in print."""
FEW = 8
"""Largest number of variants whose legend stays in view, without buttons for all and none."""


def section(name: str, *parts: str) -> str:
    """Returns a section of the page with its heading; `name` is also its anchor."""
    return f'<section id="{name}" aria-labelledby="{name}-title"><h2 id="{name}-title">{escape(say(name))}</h2>\n' + (
        "\n".join(part for part in parts if part) + "</section>\n"
    )


def bullets(texts: Sequence[str]) -> str:
    """Returns a list, or nothing without texts."""
    looks = ' class="long"' if len(texts) > FEW else ""
    return f"<ul{looks}>" + "".join(f"<li>{escape(text)}</li>" for text in texts) + "</ul>" if texts else ""


def table(
    caption: str,
    columns: dict[str, str],
    rows: Sequence[Sequence[str]],
    *,
    kinds: Iterable[str] = (),
    note: str = "",
    file: str = "",
) -> str:
    """Returns a table that scrolls separately if the page is too narrow.

    Args:
        caption: the table's caption.
        columns: kind by heading: `number` is right-aligned, `text` may be long, `words` longer.
        rows: cells; the first cell of each row is its heading.
        kinds: kind of each row: `best`, `failed` or empty.
        note: a text below the table.
        file: the file with all rows.
    """
    looks = [f' class="{kind}"' if kind else "" for kind in columns.values()]
    top = "".join(f'<th scope="col"{look}>{escape(name)}</th>' for name, look in zip(columns, looks, strict=True))
    body = []
    for row, kind in zip(rows[:MOST_ROWS], [*kinds, *[""] * len(rows)], strict=False):
        cells = "".join(f"<td{look}>{escape(cell)}</td>" for cell, look in zip(row[1:], looks[1:], strict=True))
        mark = f' class="{kind}"' if kind else ""
        body.append(f'<tr{mark}><th scope="row">{escape(row[0])}</th>{cells}</tr>')
    remaining = "scroll short" if len(rows) <= SHORT else "scroll"
    if len(rows) > MOST_ROWS:
        note = f"{note} {say('more rows', shown=MOST_ROWS, count=len(rows), file=file)}".strip()
    return (
        f'<div class="{remaining}" role="region" tabindex="0" aria-label="{escape(caption)}"><table>'
        f"<caption><span>{escape(caption)}</span></caption><thead><tr>{top}</tr></thead>\n"
        f"<tbody>{chr(10).join(body)}</tbody></table></div>{paragraph(note, 'note')}"
    )


def figure(chart: Chart | Intervals, group: str = "", kind: str = "", *, titled: bool = False) -> str:
    """Returns a chart with its caption; `group` is the group of charts whose legend shows and hides its variants."""
    looks = (f' class="{kind}"' if kind else "") + (f' data-group="{group}"' if group else "")
    title = heading(chart.title) if titled else ""
    content = draw_intervals(chart) if isinstance(chart, Intervals) else draw(chart)
    caption = f"<figcaption>{escape(chart.caption)}</figcaption>"
    return f'<figure{looks} id="chart-{chart.name}">{title}{content}{caption}</figure>'


def legend(group: str, places: dict[str, int], *, bands: bool | None = None, dots: bool = False) -> str:
    """Returns a legend whose buttons show and hide variants in a group of charts.

    Args:
        group: the group of charts.
        places: indices of variants, by name.
        bands: whether bands are shown at first; None if there are none to show and hide.
        dots: whether variants are shown as dots rather than lines.
    """
    if not places:
        return ""
    kind = "symbol" if dots else "line"
    buttons = "".join(
        f'<button type="button" aria-pressed="true" data-place="{place}">{key(look_of(place), kind)}'
        f"<span>{escape(name)}</span></button>"
        for name, place in places.items()
    )
    few = " few" if len(places) <= FEW else ""
    both = "".join(
        f'<button type="button" data-all="{str(shown).lower()}">{escape(say("all" if shown else "none"))}</button>'
        for shown in (True, False)
        if len(places) > FEW
    )
    ticked = " checked" if bands else ""
    box = "" if bands is None else f'<label><input type="checkbox"{ticked}> {escape(say("bands"))}</label>'
    return (
        f'<div class="legend{few}" role="group" aria-label="{escape(say("legend"))}" data-group="{group}">'
        f"{buttons}{both}{box}</div>"
    )


def definitions(pairs: Iterable[tuple[str, str]]) -> str:
    """Returns a definition list."""
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in pairs) + "</dl>"


def slider(moments: Sequence[str], seeds: Sequence[int]) -> str:
    """Returns the slider over moments of training, and a selection of the seed if there are several."""
    options = "".join(f'<option value="{seed}">{escape(say("seed option", seed=str(seed)))}</option>' for seed in seeds)
    choice = f'<label for="seed">{escape(say("seed select"))}</label> <select id="seed">{options}</select>'
    return (
        f'<div class="controls"><label for="moment">{escape(say("moment slider"))}</label>'
        f'<input type="range" id="moment" min="0" max="{len(moments) - 1}" step="1" value="{len(moments) - 1}">'
        f'<output id="moment-said" for="moment">{escape(moments[-1])}</output>'
        f"<span>{choice if len(seeds) > 1 else ''}</span></div>"
    )

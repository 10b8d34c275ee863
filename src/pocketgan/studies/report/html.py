"""The pieces of a study's page: tables, charts, pictures. Every text is escaped here."""

from collections.abc import Iterable, Sequence
from html import escape

from pocketgan.base.html import heading, paragraph, picture_address
from pocketgan.studies.report.charts import Bars, Chart
from pocketgan.studies.report.plotly import legend_entry
from pocketgan.studies.report.words import say

MOST_ROWS = 400
"""Rows of a table in the page, at most; its file has all."""
SHORT = 15
"""A table with no more rows stays on one page in print."""
FEW = 8
"""A legend with more variants has buttons for all and none, and doesn't stay in view."""


def section(name: str, *parts: str) -> str:
    """Returns a section of the page with its heading; `name` is also its place's."""
    return f'<section id="{name}" aria-labelledby="{name}-title"><h2 id="{name}-title">{escape(say(name))}</h2>\n' + (
        "\n".join(part for part in parts if part) + "</section>\n"
    )


def bullets(texts: Sequence[str]) -> str:
    """Returns a list; nothing for no texts."""
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
    """Returns a table that scrolls by itself where the page is too narrow.

    Args:
        caption: what it shows.
        columns: heading to kind: `number` is flush right, `text` may be long, `words` longer.
        rows: cells; the first of each is the row's heading.
        kinds: each row's: `best`, `failed` or nothing.
        note: said below it.
        file: where all rows are.
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


def figure(chart: Chart | Bars, still: bytes, kind: str = "", *, titled: bool = True) -> str:
    """Returns a chart's place, with its drawn figure for print and for readers without scripts."""
    words = say("still", title=chart.title, caption=chart.caption)
    looks = f' class="{kind}"' if kind else ""
    title = heading(chart.title) if titled else ""
    return (
        f'<figure{looks}>{title}<div class="plot" id="plot-{chart.name}" role="img" aria-label="{escape(words)}"></div>'
        f'<img class="still" alt="{escape(words)}" src="{picture_address(still)}">'
        f"<figcaption>{escape(chart.caption)}</figcaption></figure>"
    )


def legend(group: str, places: dict[str, int], *, bands: bool = False, dots: bool = False) -> str:
    """Returns a legend whose buttons show and hide variants in a group of charts.

    Args:
        group: of charts.
        places: of variants, by name.
        bands: whether bands can be shown and hidden, too.
        dots: whether a variant is dots and no line.
    """
    if not places:
        return ""
    buttons = "".join(
        f'<button type="button" aria-pressed="true" data-place="{place}">{legend_entry(place, dots)}'
        f"<span>{escape(name)}</span></button>"
        for name, place in places.items()
    )
    few = " few" if len(places) <= FEW else ""
    both = "".join(
        f'<button type="button" data-all="{str(shown).lower()}">{escape(say("all" if shown else "none"))}</button>'
        for shown in (True, False)
        if len(places) > FEW
    )
    box = f'<label><input type="checkbox"> {escape(say("bands"))}</label>' if bands else ""
    return (
        f'<div class="legend{few}" role="group" aria-label="{escape(say("legend"))}" data-group="{group}">'
        f"{buttons}{both}{box}</div>"
    )


def definitions(pairs: Iterable[tuple[str, str]]) -> str:
    """Returns names with what they are."""
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in pairs) + "</dl>"


def slider(moments: Sequence[str], seeds: Sequence[int]) -> str:
    """Returns the slider over the moments of training, and the choice of a seed where there are several."""
    options = "".join(f'<option value="{seed}">{escape(say("seed option", seed=str(seed)))}</option>' for seed in seeds)
    choice = f'<label for="seed">{escape(say("seed select"))}</label> <select id="seed">{options}</select>'
    return (
        f'<div class="controls"><label for="moment">{escape(say("moment slider"))}</label>'
        f'<input type="range" id="moment" min="0" max="{len(moments) - 1}" step="1" value="{len(moments) - 1}">'
        f'<output id="moment-said" for="moment">{escape(moments[-1])}</output>'
        f"<span>{choice if len(seeds) > 1 else ''}</span></div>"
    )

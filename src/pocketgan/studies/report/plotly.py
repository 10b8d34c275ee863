"""Charts of a study as Plotly JSON: traces and layouts. Theme colors of the page begin with `@`."""

import json
from html import escape
from typing import Any

import numpy as np

from pocketgan.base.language import localised, marks, shortened, spoken
from pocketgan.studies.curves import Numbers
from pocketgan.studies.report.charts import BANDS, Bars, Chart, Series, colour_of, dash_of, symbol_of

LETTERS = 26
"""Maximum length of a variant's name beside an axis, in characters."""
ROW = 46
"""Height of a row of intervals in pixels."""
MANY, LOW_ROW = 12, 32
"""Number of rows above which rows have the smaller height, and that height in pixels."""
SHAPES = {
    "circle": "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0z",
    "square": "M-4-4h8v8h-8z",
    "diamond": "M0-5.5L5.5 0L0 5.5L-5.5 0z",
    "triangle-up": "M0-5L5 4H-5z",
    "triangle-down": "M0 5L5-4H-5z",
    "x": "M-4-4L4 4M-4 4L4-4",
    "cross": "M-1.5-5h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5v-3h3.5z",
    "star": "M0-5.5L1.4-1.8L5.2-1.7L2.2.7L3.2 4.5L0 2.3L-3.2 4.5L-2.2.7L-5.2-1.7L-1.4-1.8z",
}
"""SVG paths of the markers in a legend, centered on the origin."""
LOGARITHMIC = {"type": "log", "tickformat": ",~g"}


def for_plotly(chart: Chart | Bars) -> dict[str, Any]:
    """Returns a chart's traces and layout; `meta` of each trace identifies its variant."""
    return bars_for_plotly(chart) if isinstance(chart, Bars) else lines_for_plotly(chart)


def embedded(value: Any) -> str:
    """Returns JSON that is safe inside a script element, whatever texts it contains."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def plain(values: Numbers) -> list[float | None]:
    """Returns numbers with six significant digits; None for those that aren't finite."""
    return [float(f"{value:.6g}") if np.isfinite(value) else None for value in values]


def paint(place: int, opacity: float = 1.0) -> str:
    """Returns a variant's color for CSS; `@ink` and `@shade` are theme colors of the page."""
    code = colour_of(place)
    if code == "ink":
        return "@ink" if opacity == 1 else "@shade"
    red, green, blue = (int(code[at : at + 2], 16) for at in (1, 3, 5))
    return code if opacity == 1 else f"rgba({red},{green},{blue},{opacity:g})"


def axis(title: str, **more: Any) -> dict[str, Any]:
    """Returns an axis in the theme colors of the page."""
    looks = {
        "gridcolor": "@line",
        "linecolor": "@line",
        "zeroline": False,
        "automargin": True,
        "exponentformat": "none",
    }
    return {"title": {"text": title, "standoff": 8, "font": {"size": 13}}, **looks, **more}


def layout(x: dict[str, Any], y: dict[str, Any], height: int) -> dict[str, Any]:
    """Returns a layout without a legend, since the page has its own."""
    return {
        "xaxis": x,
        "yaxis": y,
        "height": height,
        "margin": {"l": 56, "r": 14, "t": 32, "b": 46},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": "@ink", "size": 13},
        "hoverlabel": {"bgcolor": "@panel", "bordercolor": "@line", "font": {"color": "@ink"}, "namelength": -1},
        "hovermode": "closest",
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": "@faint", "activecolor": "@ink"},
        "separators": "".join(marks(spoken())),
        "showlegend": False,
        "uirevision": "same",
    }


def lines_for_plotly(chart: Chart) -> dict[str, Any]:
    """Returns the traces and the layout of a chart of lines or dots."""
    traces = []
    faint = 0.18 if len(chart.series) <= 4 else 0.1
    for series in chart.series:
        if series.low is not None and series.high is not None:
            traces.append(band(series, series.low, series.high, faint))
    traces += [line(series, chart) for series in chart.series]
    y = axis(chart.y, **(LOGARITHMIC if chart.log else {}))
    if chart.percent:
        y["tickformat"] = ".0%"
    if chart.limits is not None:
        y["range"] = [float(end) for end in (np.log10(chart.limits) if chart.log else chart.limits)]
    x = axis(chart.x, separatethousands=True, **({"rangemode": "tozero"} if chart.series[0].line else {}))
    made = layout(x, y, 420 if chart.name == "quality_curve" else 330)
    made["shapes"] = [
        {
            "type": "line",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "y0": level.value,
            "y1": level.value,
            "layer": "below",
            "line": {
                "color": "@faint" if level.place is None else paint(level.place),
                "width": 1.2,
                "dash": "dot",
            },
        }
        for level in chart.levels
    ]
    return {"data": traces, "layout": made}


def band(series: Series, low: Numbers, high: Numbers, opacity: float) -> dict[str, Any]:
    """Returns the area between two curves."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": plain(np.concatenate([series.x, series.x[::-1]])),
        "y": plain(np.concatenate([high, low[::-1]])),
        "fill": "toself",
        "fillcolor": paint(series.place, opacity),
        "line": {"width": 0},
        "hoverinfo": "skip",
        "meta": {"place": series.place, "band": True},
    }


def line(series: Series, chart: Chart) -> dict[str, Any]:
    """Returns a series' line or dots."""
    number = ".0%" if chart.percent else ".4g"
    note = "%{text}<br>" if series.notes else ""
    kinds = [kind for kind, wanted in (("lines", series.line), ("markers", series.dots)) if wanted]
    trace = {
        "type": "scatter",
        "mode": "+".join(kinds),
        "name": escape(series.name),
        "x": plain(series.x),
        "y": plain(series.y),
        "line": {"color": paint(series.place), "width": 2, "dash": dash_of(series.place)},
        "marker": {
            "color": paint(series.place),
            "symbol": symbol_of(series.place),
            "size": 6 if series.line else 9,
            "opacity": 1 if series.line else 0.85,
        },
        "hovertemplate": f"{note}{chart.x}: %{{x}}<br>{chart.y}: %{{y:{number}}}<extra>%{{fullData.name}}</extra>",
        "meta": {"place": series.place},
    }
    if series.low is not None and series.high is not None:
        trace["customdata"] = [list(pair) for pair in zip(plain(series.low), plain(series.high), strict=True)]
        span = f"%{{customdata[0]:{number}}} – %{{customdata[1]:{number}}}"
        trace["hovertemplate"] = trace["hovertemplate"].replace("<extra>", f" ({span})<extra>")
    if series.notes:
        trace["text"] = [escape(text) for text in series.notes]
    return trace


def bars_for_plotly(chart: Bars) -> dict[str, Any]:
    """Returns the traces and the layout of a chart of intervals."""
    traces: list[dict[str, Any]] = []
    for row, bar in enumerate(chart.bars):
        colour, name = paint(bar.place), escape(bar.name)
        dots = {"color": paint(bar.place), "size": 7, "opacity": 0.75}
        mark = {"color": colour, "size": 11, "symbol": "diamond-open" if bar.fresh else "diamond"}
        mark["line"] = {"width": 2 if bar.fresh else 0, "color": colour}
        error = {
            "type": "data",
            "symmetric": False,
            "array": [bar.high - bar.estimate],
            "arrayminus": [bar.estimate - bar.low],
            "color": colour,
            "thickness": 2,
            "width": 6,
        }
        common = {"type": "scatter", "mode": "markers", "name": name, "meta": {"place": bar.place}}
        x, y = plain(np.array(bar.dots)), [-row - 0.2] * len(bar.dots)
        shown = "%{x:.4g}<extra>%{fullData.name}</extra>"
        traces.append({**common, "x": x, "y": y, "marker": dots, "hovertemplate": shown})
        low, high = (localised(f"{end:.4g}") for end in (bar.low, bar.high))
        interval = f" ({low} – {high})<extra>"
        shown = shown.replace("<extra>", interval)
        traces.append(
            {
                **common,
                "x": [bar.estimate],
                "y": [-row + 0.16],
                "marker": mark,
                "error_x": error,
                "hovertemplate": shown,
            }
        )
    names = [escape(shortened(bar.name, LETTERS)) for bar in chart.bars]
    y = axis("", tickvals=[-row for row in range(len(names))], ticktext=names, showgrid=False, fixedrange=True)
    y["range"] = [-len(names) + 0.4, 0.6]
    x = axis(chart.x, **(LOGARITHMIC if chart.log else {}))
    made = layout(x, y, 80 + (ROW if len(names) <= MANY else LOW_ROW) * len(names))
    if chart.floor is not None:
        made["shapes"] = [
            {
                "type": "line",
                "yref": "paper",
                "y0": 0,
                "y1": 1,
                "x0": chart.floor,
                "x1": chart.floor,
                "line": {"color": "@faint", "width": 1.2, "dash": "dot"},
            }
        ]
    return {"data": traces, "layout": made}


def legend_entry(place: int, dots: bool) -> str:
    """Returns a small SVG image of a variant's line, or of its marker, in its color."""
    colour = paint(place).replace("@ink", "currentColor")
    if dots:
        shape = f'<path d="{SHAPES[symbol_of(place)]}" fill="{colour}" stroke="{colour}" stroke-width="1.5"/>'
        return f'<svg width="14" height="14" viewBox="-7 -7 14 14" aria-hidden="true">{shape}</svg>'
    pattern = {"solid": "", "dash": "7 3", "dot": "2 2", "dashdot": "7 2 2 2", "longdash": "11 3"}[dash_of(place)]
    dashes = f' stroke-dasharray="{pattern}"' if pattern else ""
    return (
        '<svg width="26" height="10" viewBox="0 0 26 10" aria-hidden="true">'
        f'<line x1="0" y1="5" x2="26" y2="5" stroke="{colour}" stroke-width="2.5"{dashes}/></svg>'
    )


def page_data(groups: dict[str, list[Chart | Bars]]) -> dict[str, Any]:
    """Returns all charts for the page's script, by name, with the group of the legend that controls them."""
    results = {}
    for group, charts in groups.items():
        for chart in charts:
            results[chart.name] = {**for_plotly(chart), "group": group}
    variants = {
        place for chart in results.values() for trace in chart["data"] if (place := trace["meta"]["place"]) >= 0
    }
    return {"charts": results, "bands": len(variants) <= BANDS}

"""Charts of the HTML pages, as HTML and SVG of flexible width: lines, points, intervals, bars, and their axes.

`content` describes charts, `drawing` writes them. A page adds `STYLE`, `colours`, and, to show values, `SCRIPT`.
"""

"""Self-contained HTML pages: their style and their shared elements. This module escapes all texts."""

import base64
import json
from html import escape
from typing import Any

from pocketgan.base.charts.files import DARK, LIGHT
from pocketgan.base.charts.files import STYLE as CHARTS

STYLE = (
    f"""
:root{{--chart-ink:var(--ink);--chart-faint:var(--faint);--chart-rule:var(--line);--chart-card:var(--panel);{LIGHT}}}
@media screen and (prefers-color-scheme:dark){{:root{{{DARK}}}}}
{CHARTS}"""
    + """
:root{color-scheme:light;--page:#fff;--ink:#1b1f24;--faint:#59636e;--line:#d5dae0;--panel:#f5f7f9;--link:#0060a0;
--shade:rgba(27,31,36,.12)}
@media screen and (prefers-color-scheme:dark){:root{color-scheme:dark;--page:#14171a;--ink:#e4e7ea;--faint:#9ea7b0;
--line:#363d44;--panel:#1d2226;--link:#74bdf0;--shade:rgba(228,231,234,.16)}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;scroll-padding-top:1rem}
body{margin:0;background:var(--page);color:var(--ink);line-height:1.5;
font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans","Liberation Sans",Arial,sans-serif}
header,main,footer{max-width:1100px;margin:0 auto;padding:0 1.25rem}
header{padding-top:2.5rem}
footer{padding-bottom:3rem;color:var(--faint);font-size:.875rem}
h1{font-size:1.8rem;line-height:1.25;margin:0 0 .5rem;text-wrap:balance;overflow-wrap:anywhere}
h2{font-size:1.35rem;line-height:1.3;margin:3rem 0 .75rem;padding-top:1.25rem;border-top:1px solid var(--line)}
h3{font-size:1.02rem;margin:2rem 0 .5rem}
p,li,dd,figcaption{overflow-wrap:anywhere}
p,ul{margin:.5rem 0;max-width:75ch;text-wrap:pretty}
ul{padding-left:1.25rem}
li{margin:.2rem 0}
ul.long{max-width:none;font-size:.9rem}
@media (min-width:760px){ul.long{columns:2;column-gap:2.5rem}ul.long li{break-inside:avoid}}
a{color:var(--link)}
.facts,.note,figcaption,caption{color:var(--faint);font-size:.875rem}
.headline{font-size:1.2rem;line-height:1.4;margin:1.25rem 0;padding:.75rem 1rem;background:var(--panel);
border-left:4px solid var(--link);max-width:none}
nav ul{display:flex;flex-wrap:wrap;gap:.1rem 1.1rem;list-style:none;padding:0;margin:1rem 0 0;max-width:none;
font-size:.875rem}
.skip{position:absolute;left:-999px}
.skip:focus{left:1rem;top:1rem;background:var(--page);padding:.5rem;z-index:9}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
.scroll{overflow-x:auto;margin:1rem 0}
table{border-collapse:collapse;font-size:.875rem;line-height:1.35;font-variant-numeric:tabular-nums;min-width:100%}
caption{text-align:left;padding:0 0 .4rem;font-weight:600;color:var(--ink)}
caption span{position:sticky;left:0;display:inline-block;max-width:calc(100vw - 2.5rem)}
th,td{padding:.38rem .7rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
th:first-child,td:first-child{padding-left:.25rem}
thead th{font-weight:600;color:var(--faint);border-bottom:2px solid var(--line);vertical-align:bottom}
tbody th{font-weight:600;min-width:9rem;max-width:20rem;overflow-wrap:break-word}
td.number,th.number{text-align:right}
td.number{white-space:nowrap}
td.text,td.words{max-width:26rem;overflow-wrap:break-word}
td.text{min-width:8.5rem}
td.words{min-width:15rem}
tr.best th::after{content:"\\00a0★";color:var(--link)}
tr.failed td{color:var(--faint)}
figure{margin:1.25rem 0;min-width:0}
figcaption{margin-top:.25rem;max-width:90ch}
figure>.pg-plot{margin-top:.6rem}
.bandless .band{display:none}
.charts{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:0 1.5rem}
.charts .whole{grid-column:1/-1}
.charts h3{margin-top:1rem}
.legend{display:flex;flex-wrap:wrap;gap:.35rem .5rem;margin:.75rem 0;padding:.4rem 0;border:0;min-width:0;
background:var(--page)}
.legend button,.legend label,select{font:inherit;font-size:.875rem;color:var(--ink);background:var(--panel);
border:1px solid var(--line);border-radius:6px;padding:.2rem .55rem;max-width:100%;overflow-wrap:anywhere;
text-align:left}
.legend button{cursor:pointer;display:inline-flex;gap:.45rem;align-items:center}
.legend button svg{flex:none}
.legend button[aria-pressed=false]{opacity:.45;text-decoration:line-through}
.legend label{background:none;border-color:transparent}
@media (min-width:760px){.few{position:sticky;top:0;z-index:2}}
.samples{display:flex;flex-wrap:wrap;gap:1.25rem 1.5rem;margin:1rem 0}
.samples figure{margin:0;max-width:100%}
.samples figcaption{max-width:36rem}
.samples b{display:block;color:var(--ink);overflow-wrap:anywhere}
.samples img{display:block;max-width:100%;height:auto;image-rendering:pixelated}
.controls{display:flex;flex-wrap:wrap;gap:.6rem 1.25rem;align-items:center;margin:1rem 0}
.controls input{flex:1 1 16rem;min-width:0;max-width:34rem;accent-color:var(--link)}
.controls output{min-width:8rem;font-variant-numeric:tabular-nums;font-weight:600}
dl{display:grid;grid-template-columns:minmax(8rem,14rem) minmax(0,1fr);gap:.4rem 1.25rem;margin:1rem 0}
dt{color:var(--faint)}
dd{margin:0}
pre{background:var(--panel);padding:.75rem 1rem;overflow-x:auto;font-size:.85rem;line-height:1.45;border-radius:6px}
code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
@media screen and (max-width:759px){
header,main,footer{padding-left:1rem;padding-right:1rem}header{padding-top:1.25rem}
h1{font-size:1.45rem}h2{margin-top:2.25rem}.charts{grid-template-columns:minmax(0,1fr)}
dl{grid-template-columns:minmax(0,1fr);gap:.1rem}dd{margin-bottom:.6rem}
tbody th{max-width:11rem}.controls output{flex-basis:100%}}
@media print{
@page{size:A4;margin:16mm 14mm}
html{font-size:9.5pt}header,main,footer{max-width:none;padding:0}header{padding-top:0}
nav,.controls,.skip,.screen,.legend label,.legend [data-all]{display:none!important}
.legend{position:static}.legend button{border:0;background:none;padding:0;margin-right:4mm}
h1{font-size:17pt}h2{font-size:13pt;margin-top:8mm;padding-top:3mm}h3{font-size:10.5pt}h1,h2,h3,caption{break-after:avoid}
table{font-size:7.2pt}th,td{padding:1mm 1.3mm}tbody th{min-width:0;max-width:34mm}
td.text{min-width:0;max-width:52mm}td.words{min-width:0;max-width:none}
.charts{gap:0 6mm}
tr,figure,dl>*,.short{break-inside:avoid}.legend{break-after:avoid}.note,figcaption{break-before:avoid}thead{display:table-header-group}.scroll{overflow:visible}
pre{white-space:pre-wrap;border:1px solid var(--line)}a{color:inherit;text-decoration:none}
.headline{border:1px solid var(--line);border-left:4px solid var(--link);print-color-adjust:exact}
.samples{gap:4mm}.samples img{max-width:57mm}.samples .wide img{max-width:85mm}
ul.long{columns:2;column-gap:6mm}ul.long li{break-inside:avoid}}
"""
)
"""CSS of the pages, for light and dark mode, phones and print."""


def html_document(title: str, body: str, *, language: str, head: str = "", scripts: bool = False) -> str:
    """Returns a page that loads nothing from elsewhere, whatever is inside.

    Args:
        title: its title.
        body: content of its body.
        language: code of its language.
        head: more elements of its head.
        scripts: whether its own scripts may run.
    """
    allowed = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    allowed += "; script-src 'unsafe-inline'" if scripts else ""
    return f"""<!DOCTYPE html>
<html lang="{language}"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{allowed}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<style>{STYLE}</style>{head}</head><body>
{body}
</body></html>
"""


def heading(text: str) -> str:
    """Returns a subheading of a section."""
    return f"<h3>{escape(text)}</h3>"


def paragraph(text: str, kind: str = "") -> str:
    """Returns a paragraph, or nothing for an empty text."""
    looks = f' class="{kind}"' if kind else ""
    return f"<p{looks}>{escape(text)}</p>" if text else ""


def embedded(value: Any) -> str:
    """Returns JSON that is safe inside a script element, whatever texts it contains."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def picture_address(content: bytes) -> str:
    """Returns a PNG file as a data URL, which a page can embed."""
    return "data:image/png;base64," + base64.b64encode(content).decode()

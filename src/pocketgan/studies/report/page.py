"""The report of a study: one self-contained HTML file with charts, pictures, tables and a print layout."""

from datetime import datetime
from html import escape
from typing import Any

from pocketgan.base.charts.content import Chart, Intervals
from pocketgan.base.charts.files import SCRIPT as CHART_SCRIPT
from pocketgan.base.html import embedded, heading, html_document, paragraph, picture_address
from pocketgan.base.language import clock, date, localised, spoken
from pocketgan.experiment.watchdog_words import why_ended
from pocketgan.studies.predeclared import question_of
from pocketgan.studies.report.charts import BANDS, drawn
from pocketgan.studies.report.findings import Findings
from pocketgan.studies.report.html import bullets, definitions, figure, legend, section, slider, table
from pocketgan.studies.report.method import command, method
from pocketgan.studies.report.samples import Samples
from pocketgan.studies.report.script import SCRIPT, WITHOUT_SCRIPT
from pocketgan.studies.report.tables import floor_of, mean_of, other_metrics, settings_text, state_text
from pocketgan.studies.report.verdict import headline
from pocketgan.studies.report.words import capital, chance, diagnosis, listed, percent, say, span, which_way, written
from pocketgan.studies.sentences import (
    chief_sentences,
    loss_sentences,
    measure_of,
    moment_sentences,
    name_of,
    reading_name,
)
from pocketgan.studies.statistics import Interval
from pocketgan.studies.verdicts import best_of_groups

SECTIONS = ("verdict", "variants", "curves", "samples", "losses", "runs", "method")
MOST_SENTENCES = 40
"""Largest number of sentences on comparisons, and on intermediate evaluations; the tables have all."""


def write_page(
    findings: Findings,
    samples: Samples | None,
    charts: dict[str, list[Chart | Intervals]],
    beside: list[str],
    now: datetime,
) -> str:
    """Returns the page.

    Args:
        findings: content of the page.
        samples: its sample pictures, or None.
        charts: charts by the legend that they belong to.
        beside: names of the files beside the page.
        now: the time of writing.
    """
    study = findings.study
    title = question_of(study.config)
    places = "".join(f'<li><a href="#{name}">{escape(say(name))}</a></li>' for name in SECTIONS)
    done = sum(not row.fresh for row in findings.rows) - findings.verdict.undone
    facts = {"name": study.config.name, "recipe": recipes(findings), "done": done, "date": date(now)}
    line = say("line of a script" if study.config.command else "line", **facts, all=done + findings.verdict.undone)
    body = [
        verdict_section(findings),
        variants_section(findings, charts),
        curves_section(findings, charts["curves"]),
        samples_section(findings, samples),
        losses_section(findings, charts["scatter"]),
        runs_section(findings),
        method_section(findings, beside),
    ]
    content = f"""<a class="skip" href="#verdict">{escape(say("skip"))}</a>
<header><h1>{escape(title)}</h1>{paragraph(line, "facts")}{paragraph(headline(findings), "headline")}
<nav aria-label="{escape(say("contents"))}"><ul>{places}</ul></nav></header>
<main>
{"".join(body)}</main>
{sample_data(findings, samples)}<script>{CHART_SCRIPT}</script>
<script>{SCRIPT}</script>"""
    bare = f"<noscript><style>{WITHOUT_SCRIPT}</style></noscript>"
    return html_document(title, content, language=spoken(), head=bare, scripts=True)


def recipes(findings: Findings) -> str:
    """Returns the recipes of the variants."""
    names = [config.recipe for config in findings.study.variants.values()]
    return listed(list(dict.fromkeys(names))) or findings.study.config.recipe


def verdict_section(findings: Findings) -> str:
    """Returns the sentences on the verdict, followed by those on intermediate evaluations."""
    verdict, moments = findings.verdict, moment_sentences(findings.verdict)
    chief = chief_sentences(verdict, MOST_SENTENCES)
    message = bullets(chief) + left_out(len(verdict.comparisons), "comparisons.csv")
    if not chief and not moments:
        message = paragraph(headline(findings))
    then = bullets(moments[:MOST_SENTENCES]) + left_out(len(moments), "moments.csv")
    return section("verdict", message, heading(say("moments")) + then if moments else "")


def left_out(count: int, file: str) -> str:
    """Returns a note about omitted sentences, if there are any; a table has all."""
    more = count - MOST_SENTENCES
    return paragraph(say("more sentences", count=more, file=file), "note") if more > 0 else ""


# Variants.


def variants_section(findings: Findings, charts: dict[str, list[Chart | Intervals]]) -> str:
    """Returns the variants' quality, training, comparisons and intermediate evaluations, and their expected best."""
    parts = [figure(chart) for chart in charts["quality"]]
    parts += [quality_table(findings), training_table(findings), comparison_table(findings), moment_table(findings)]
    budget = charts["budget"]
    few = [s.name for s in findings.verdict.variants if len(s.best_of) < 2]
    note = paragraph(say("best none", names=listed(few)), "note") if few else ""
    if budget:
        parts += [heading(budget[0].title), legend("budget", in_chart(findings, budget))]
        parts += [figure(chart, "budget") for chart in budget] + [note]
    else:
        parts += [heading(say("best table")), note]
    return section("variants", *parts)


def in_chart(findings: Findings, charts: list[Chart | Intervals]) -> dict[str, int]:
    """Returns the variants that have a series in one of the charts, with their indices."""
    names = {line.name for chart in charts if isinstance(chart, Chart) for line in chart.lines}
    return {name: findings.places[name] for name in drawn(findings) if name in names}


def ends(interval: Interval | None) -> str:
    """Returns an interval's limits, or `–` if there is none."""
    return "–" if interval is None else span(interval.low, interval.high)


def quality_table(findings: Findings) -> str:
    """Returns a table with a row for each variant: its runs, the deciding metric, the other metrics."""
    title, others = findings.title(findings.metric), other_metrics(findings)
    key = "settings of a script" if findings.study.config.command else "settings"
    columns = {say("variant"): "", say(key): "text", say("runs finished"): "number"}
    columns |= {say("runs failed"): "number", say("estimate", metric=title): "number", say("interval"): "number"}
    columns |= {say("floor"): "number"} | {say("mean", metric=findings.title(name)): "number" for name in others}
    rows, kinds, stars = [], [], best_ones(findings)
    for summary in findings.verdict.variants:
        settings = settings_text(findings, summary.name) or say("as recipe")
        finished = say("of runs", count=len(summary.finished), all=len(summary.results))
        figures = [written(summary.mean), ends(summary.quality), written(floor_of(summary))]
        means = [written(mean_of(summary, name)) for name in others]
        rows.append([summary.name, settings, finished, str(summary.failed), *figures, *means])
        kinds.append("best" if summary.name in stars else "failed" if summary.failed and not summary.finished else "")
    return table(say("quality table"), columns, rows, kinds=kinds, note=better(findings), file="variants.csv")


def better(findings: Findings) -> str:
    """Returns a note on which scores are better, and on the variant with the star."""
    names = best_ones(findings)
    star = say("best measured", names=listed(names)) if findings.study.comparable else say("best of groups")
    return which_way(findings.study.config) + (f" ★ {say('full stop', sentence=star)}" if names else "")


def best_ones(findings: Findings) -> list[str]:
    """Returns the variant with the best score, or the best per group with the same images; none if there is only 1."""
    if len(findings.study.variants) < 2:
        return []
    chosen = findings.verdict.chosen
    return [name for name, _ in best_of_groups(findings.study)] if chosen is None else [chosen]


def training_table(findings: Findings) -> str:
    """Returns a table with a row for each variant: its time, its variation, and the watchdog's diagnoses."""
    title = findings.title(findings.metric)
    columns = {say("variant"): "", say("time"): "number"}
    columns |= {say(key, metric=title): "number" for key in ("within", "between", "loss within", "loss between")}
    columns |= {say("diagnoses"): "text"}
    rows = []
    for summary in findings.verdict.variants:
        variation = (summary.within, summary.between, summary.loss_within, summary.loss_between)
        named = ", ".join(f"{diagnosis(name)} ({count})" for name, count in summary.diagnoses.items())
        time = clock(summary.seconds) if summary.finished else "–"
        rows.append([summary.name, time, *map(percent, variation), named or "–"])
    return table(say("training table"), columns, rows, note=say("training note"), file="variants.csv")


def comparison_table(findings: Findings) -> str:
    """Returns a table with a row for each pair of variants, or nothing if none are compared."""
    pairs = findings.verdict.comparisons
    if not pairs:
        return ""
    columns = {say("first"): "", say("second"): "text", say("pairs"): "number", say("difference"): "number"}
    columns |= {say("interval"): "number", say("adjusted"): "number", say("probability"): "number"}
    columns |= {say("outcome"): "text", say("needed"): "number"}
    rows = [
        [
            pair.first,
            pair.second,
            str(pair.pairs),
            written(None if pair.difference is None else pair.difference.estimate),
            ends(pair.difference),
            chance(pair.adjusted),
            localised(f"{pair.probability:.2f}"),
            say(f"verdict {pair.verdict}"),
            "–" if pair.seeds_needed is None else localised(f"{pair.seeds_needed:,}"),
        ]
        for pair in pairs
    ]
    note = say("comparison note", measure=measure_of(findings.study.config))
    return table(say("comparison table"), columns, rows, note=note, file="comparisons.csv")


def moment_table(findings: Findings) -> str:
    """Returns a table with a row for each intermediate evaluation of each variant, or nothing without them."""
    if not findings.verdict.moments:
        return ""
    columns = {say("variant"): "", say("step"): "number", say("then"): "number", say("end"): "number"}
    columns |= {say("difference"): "number", say("interval"): "number", say("adjusted"): "number"}
    columns |= {say("end is"): "text", say("worse in"): "number"}
    rows = [
        [
            name_of(moment.variant),
            localised(f"{moment.step:,}"),
            written(moment.then),
            written(moment.end),
            written(None if moment.difference is None else moment.difference.estimate),
            ends(moment.difference),
            chance(moment.adjusted),
            say(f"verdict {moment.verdict}"),
            say("of runs", count=moment.worse_in, all=moment.runs),
        ]
        for moment in findings.verdict.moments
    ]
    note = say("moment note", measure=measure_of(findings.study.config))
    return table(say("moment table"), columns, rows, note=note, file="moments.csv")


# Curves and samples.


def curves_section(findings: Findings, charts: list[Chart | Intervals]) -> str:
    """Returns the curves with their common legend."""
    if not charts:
        return section("curves", paragraph(say("no curves")))
    several = any(line.low is not None for chart in charts if isinstance(chart, Chart) for line in chart.lines)
    places = in_chart(findings, charts)
    banded = several and len(places) <= BANDS
    all_variants, shown = len(findings.study.variants), len(drawn(findings))
    note = say("only drawn", count=shown, all=all_variants) if shown < all_variants else ""
    words = say("curves note" if several else "curves note one")
    wholes = ["whole" if chart.name == "quality_curve" else "" for chart in charts]
    figures = [figure(chart, "curves", kind, titled=True) for chart, kind in zip(charts, wholes, strict=True)]
    return section(
        "curves",
        paragraph(f"{words} {say('curves table')} {note}".strip()),
        paragraph(say("zoom"), "note screen"),
        legend("curves", places, bands=banded if several else None),
        f'<div class="charts pg-charts{"" if banded else " bandless"}">{"".join(figures)}</div>',
    )


def samples_section(findings: Findings, samples: Samples | None) -> str:
    """Returns every variant's samples side by side; the slider starts at the last moment."""
    if samples is None or not samples.variants:
        return section("samples", paragraph(say("no samples")))
    figures = []
    for name in samples.variants:
        seed = next(seed for seed in samples.seeds if (seed, name) in samples.pictures)
        picture = samples.pictures[seed, name][-1]
        alt = say("alt sample", variant=name, seed=str(seed), moment=picture.label)
        shape = ' class="wide"' if picture.width > 2 * picture.height else ""
        figures.append(
            f'<figure{shape} data-place="{findings.places[name]}"><img alt="{escape(alt)}" width="{picture.width}" '
            f'height="{picture.height}" src="{picture_address(picture.content)}">'
            f"<figcaption><b>{escape(name)}</b><span>{escape(picture.label)}</span></figcaption></figure>"
        )
    left = say("samples left out", count=samples.left_out) if samples.left_out else ""
    return section(
        "samples",
        paragraph(f"{say('samples note')} {left}".strip()),
        slider(samples.moments, samples.seeds),
        f'<div class="samples">{"".join(figures)}</div>',
    )


def sample_data(findings: Findings, samples: Samples | None) -> str:
    """Returns the pictures at every moment for the page's script, without duplicates."""
    if samples is None or not samples.variants:
        return ""
    pictures: dict[int, dict[int, Any]] = {}
    for (seed, name), shown in samples.pictures.items():
        each = list(dict.fromkeys(shown))
        alts = [say("alt sample", variant=name, seed=str(seed), moment=one.label) for one in each]
        texts = [[one.address, one.label, alt] for one, alt in zip(each, alts, strict=True)]
        at = [each.index(one) for one in shown]
        pictures.setdefault(findings.places[name], {})[seed] = {"at": at, "pictures": texts}
    data = {"moments": samples.moments, "seeds": samples.seeds, "pictures": pictures, "none": say("no picture")}
    return f'<script type="application/json" id="sample-data">{embedded(data)}</script>\n'


# Losses, runs, method.


def losses_section(findings: Findings, charts: list[Chart | Intervals]) -> str:
    """Returns the conclusions that the curves suggest, and whether they agree with the measured quality."""
    verdict = findings.verdict
    columns = {say("reading"): "", say("favours"): "text", say("over runs"): "number", say("within runs"): "number"}
    rows = [
        [
            capital(reading_name(reading)),
            reading.favours or "–",
            written(reading.over_runs, 2),
            written(reading.within_runs, 2),
        ]
        for reading in verdict.readings
    ]
    best = capital(say("full stop", sentence=say("best measured", names=verdict.chosen))) if verdict.chosen else ""
    if not any(row[1:] != ["–", "–", "–"] for row in rows):
        return section("losses", paragraph(say("losses none")))
    parts = [
        paragraph(say("losses note")),
        table(say("losses table"), columns, rows, note=best),
        bullets(loss_sentences(verdict)),
    ]
    if charts:
        parts += [heading(charts[0].title), legend("scatter", in_chart(findings, charts), dots=True)]
        parts += [figure(chart, "scatter") for chart in charts]
    return section("losses", *parts)


def runs_section(findings: Findings) -> str:
    """Returns a table of every run."""
    title = findings.title(findings.metric)
    columns = {say("variant"): "", say("run seed"): "number", say("run state"): "text"}
    columns |= {say("run figure", metric=title): "number", say("run time"): "number"}
    columns |= {say("run diagnoses"): "text", say("run message"): "words"}
    rows, kinds = [], []
    for row in findings.rows:
        seed = say("fresh seed", seed=str(row.seed)) if row.fresh else str(row.seed)
        figure_text, time = written(row.figures.get(findings.metric)), clock(row.seconds) if row.seconds else "–"
        named = ", ".join(map(diagnosis, row.diagnoses))
        why = why_ended(row.reason, row.message)
        rows.append([row.variant, seed, state_text(row), figure_text, time, named or "–", why or "–"])
        kinds.append("failed" if row.state == "failed" else "")
    note = say("fresh note") if any(row.fresh for row in findings.rows) else ""
    return section("runs", table(say("runs table"), columns, rows, kinds=kinds, note=note, file="runs.csv"))


def method_section(findings: Findings, beside: list[str]) -> str:
    """Returns the method of the study, and the command that repeats it."""
    line, file = command(findings.study)
    again = heading(say("reproduce"))
    if file is not None:
        again += paragraph(say("reproduce file", file=f"{findings.study.config.name}.toml"))
        again += f'<pre tabindex="0"><code>{escape(file)}</code></pre>'
    return section(
        "method",
        definitions([*method(findings), (say("files"), ", ".join(beside))]),
        again,
        f'<pre tabindex="0"><code>{escape(line)}</code></pre>',
    )

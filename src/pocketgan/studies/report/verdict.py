"""One-line summary of a study."""

from pocketgan.studies.report.findings import Findings
from pocketgan.studies.report.words import capital, listed, say, written
from pocketgan.studies.seeds import fewest_seeds
from pocketgan.studies.sentences import name_of, nothing_to_compare_with
from pocketgan.studies.verdicts import TOGETHER, Moment, Verdict


def headline(findings: Findings) -> str:
    """Returns the main result of the study as one line."""
    verdict = findings.verdict
    results = [result for summary in verdict.variants for result in summary.results if result is not None]
    if not results:
        return say("nothing")
    if not any(summary.finished for summary in verdict.variants):
        return say("no figure", done=len(results))
    sentence = main_thing(findings)
    return say("so far", sentence=sentence) if verdict.undone else sentence


def main_thing(findings: Findings) -> str:
    """Returns the main result of a study with finished runs."""
    verdict, study = findings.verdict, findings.study
    known = [summary for summary in verdict.variants if summary.mean is not None]
    title = findings.title(findings.metric)
    if study.config.search == "tpe" and verdict.chosen is not None:
        value = written(next((summary.mean for summary in known if summary.name == verdict.chosen), None))
        return say("best trial", name=verdict.chosen, metric=title, count=len(verdict.variants), value=value)
    message = [compared(verdict)] if verdict.comparisons else []
    if verdict.moments and not (message and study.comparable):
        together = [moment for moment in verdict.moments if moment.variant == TOGETHER]
        message.append(moment_line((together or verdict.moments)[0], title))
    if message:
        return " ".join(message)
    if not known:
        return say("no number", metric=title)
    if len(known) == 1:
        key = "one left" if len(verdict.variants) > 1 else "stands"
        return say(key, name=known[0].name, metric=title, value=written(known[0].mean))
    return nothing_to_compare_with(verdict) or say("not compared")


def compared(verdict: Verdict) -> str:
    """Returns a sentence on which variants are shown to be better than others."""
    wins: dict[str, list[str]] = {}
    for pair in verdict.comparisons:
        if pair.verdict == "better":
            wins.setdefault(pair.first, []).append(pair.second)
        elif pair.verdict == "worse":
            wins.setdefault(pair.second, []).append(pair.first)
    names = list(dict.fromkeys(name for pair in verdict.comparisons for name in (pair.first, pair.second)))
    if not wins:
        seeds = len(verdict.study.seeds())
        few = seeds < fewest_seeds(len(verdict.comparisons))
        count = say("count of seeds", count=seeds)
        what = listed(names) if verdict.study.comparable else say("groups")
        return say("too few" if few else "none shown", names=what, seeds=count)
    order = sorted(wins, key=lambda name: -len(wins[name]))
    message = say("semicolon").join(say("better", first=name, others=listed(wins[name])) for name in order)
    whole = sum(map(len, wins.values())) == len(verdict.comparisons)
    return say("full stop" if whole else "rest open", sentence=message)


def moment_line(moment: Moment, title: str) -> str:
    """Returns a sentence that compares an intermediate evaluation with the end."""
    what = {"better": "moment better", "worse": "moment worse"}.get(moment.verdict, "moment open")
    then, end = written(moment.then), written(moment.end)
    return say(
        "moment",
        variant=capital(name_of(moment.variant)),
        metric=title,
        then=then,
        step=moment.step,
        end=end,
        what=say(what),
    )

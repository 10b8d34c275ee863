"""Results of a study in plain sentences."""

from pocketgan.base.language import Text, clock, localised
from pocketgan.base.language import say as say_of
from pocketgan.experiment.watchdog_words import why_ended
from pocketgan.metrics.words import TITLES
from pocketgan.studies.config import StudyConfig
from pocketgan.studies.seeds import fewest_seeds, smallest_p_value
from pocketgan.studies.statistics import PairComparison, interquartile_mean
from pocketgan.studies.study import Result, plain
from pocketgan.studies.verdicts import TOGETHER, Reading, VariantSummary, Verdict, best_of_groups

SENTENCES: dict[str, Text] = {
    "undone": (
        "{count} run isn't done yet; the results below are from those that are.",
        "{count} runs aren't done yet; the results below are from those that are.",
    ),
    "failed": ("{name}: {count} of {all} runs failed.", "{name}: {count} of {all} runs failed."),
    "failure": "The first reason: {why}",
    "lower wins": "This study sets direction = 'lower': it ranks a lower {metric} first, although higher is better.",
    "higher wins": "This study sets direction = 'higher': it ranks a higher {metric} first, although lower is better.",
    "nothing to compare with": "{name}, the variant to compare with, has no scores, so nothing is compared with it.",
    "distance from best": "distance of the {metric} from {ideal}",
    "best of group": "Best of the variants with the same images: {name}, {metric} {mean}.",
    "better pair": "{first} is better than {second}{by}, p = {p}.",
    "worse pair": "{first} is worse than {second}{by}, p = {p}.",
    "by": " by {difference} in {metric} (95%: {low} to {high})",
    "no difference": "No difference shown between {first} and {second} (p = {p}).",
    "no difference yet": "No difference shown between {first} and {second} (p = {p}). If the true difference is "
    "as large as "
    "observed, about {seeds} seeds are needed to detect it.",
    "too few seeds": "{seeds} can't show any difference in {tests}: the smallest possible p of a paired "
    "permutation test is {p}; "
    "{fewest} are needed.",
    "count of seeds": ("{count} seed", "{count} seeds"),
    "count of fresh seeds": ("{count} confirmation seed", "{count} confirmation seeds"),
    "count of comparisons": ("{count} comparison", "{count} comparisons"),
    "chosen": "{name} has the best {metric}; this estimate is optimistic, because it was not confirmed on new seeds.",
    "chosen, few": "{name} has the best {metric}; on {seeds} it is {mean}, too few seeds for an interval.",
    "chosen, confirmed": "{name} has the best {metric}; on {seeds} it is {mean} (95%: {low} to {high}), "
    "an estimate without selection bias.",
    "all together": "all variants together",
    "moment": "{variant}: {metric} {then} at step {step} and {end} at the end ({how}, p = {p}; worse in {worse} of "
    "{runs} runs).",
    "gets worse": "it gets worse",
    "gets better": "it gets better",
    "no change": "no difference shown",
    "favours, open": "Judged by {reading}, {name} would be chosen; by measured quality, no difference is shown "
    "between it and "
    "{chosen}.",
    "favours, wrong": "Judged by {reading}, {name} would be chosen; by measured quality, {chosen} is better.",
    "over, against": "Across runs, {reading} goes with worse quality (rank correlation {value}).",
    "over, nothing": "Across runs, {reading} doesn't predict quality (rank correlation {value}).",
    "within, against": "Within a run, {reading} goes with worse quality (rank correlation {value}).",
    "within, nothing": "Within a run, {reading} doesn't predict quality (rank correlation {value}).",
    "a lower generator loss": "a lower generator loss",
    "a lower discriminator loss": "a lower discriminator loss",
    "discriminator accuracy nearer to 50%": "discriminator accuracy closer to 50%",
    "runs done": "{name}: {done} of {all} runs are done",
    "confirming": (
        "'{name}' is chosen; {count} run on a confirmation seed shows how good it is",
        "'{name}' is chosen; {count} runs on confirmation seeds show how good it is",
    ),
    "runs again": (
        "{count} failed run starts again, because its code has changed or it recorded nothing",
        "{count} failed runs start again, because their code has changed or they recorded nothing",
    ),
    "code changed": (
        "{files} changed after {count} finished run, which isn't repeated; choose another folder to train all runs "
        "with one version",
        "{files} changed after {count} finished runs, which aren't repeated; choose another folder to train all runs "
        "with one version",
    ),
    "unmeasured": (
        "{metric} wasn't measured in {count} run: {why}",
        "{metric} wasn't measured in {count} runs: {why}",
    ),
    "run ended": "{done}/{all}  {line}  {time} left",
    "trial ended": "{done}/{all}  {line}",
    "run finished": "{variant}, seed {seed}: {metric} {value}, {time}",
    "run failed": "{variant}, seed {seed}: failed: {why}",
    "run pruned": "{variant}, seed {seed}: pruned {why}",
    "run undone": "{variant}, seed {seed}: not done: {why}",
    "run stopped": "{variant}, seed {seed}: stopped",
}
"""All sentences about a study, and the names of the readings of its curves."""


def say(key: str, **parts: object) -> str:
    """Returns a text of `SENTENCES` with its parts filled in."""
    return say_of(SENTENCES, key, **parts)


def short(value: float, digits: int = 3) -> str:
    """Returns a number with `digits` significant digits."""
    return localised(f"{value:.{digits}g}")


def title_of(metric: str) -> str:
    """Returns the title of a metric of the package in tables; of another one, its name as words."""
    return say_of(TITLES, metric) if metric in TITLES else metric.replace("_", " ")


def title_in(config: StudyConfig, metric: str) -> str:
    """Returns the title of a metric of a study, which may be one of one's own."""
    own = config.own_metrics.get(metric)
    return title_of(metric) if own is None else own.title


def failed_sentence(summary: VariantSummary) -> str:
    """Returns how many runs of a variant failed, and why the first of them did."""
    count = say("failed", name=summary.name, count=summary.failed, all=len(summary.results))
    failed = next(result for result in summary.results if result is not None and result.state == "failed")
    why = why_ended(failed.reason, failed.message)
    return f"{count} {say('failure', why=why)}" if why else count


def measure_of(config: StudyConfig) -> str:
    """Returns the name of the ranked quantity: the deciding metric, or its distance from its best value."""
    title = title_in(config, config.metric)
    return title if config.ideal is None else say("distance from best", metric=title, ideal=short(config.ideal))


def name_of(variant: str) -> str:
    """Returns a variant's name, or the name for all variants together."""
    return say("all together") if variant == TOGETHER else variant


def reading_name(reading: Reading) -> str:
    """Returns the name of a reading of the curves."""
    return say(reading.name)


def sentences(verdict: Verdict) -> list[str]:
    """Returns the results of the study in plain sentences."""
    return [*chief_sentences(verdict), *moment_sentences(verdict), *loss_sentences(verdict)]


def chief_sentences(verdict: Verdict, most: int | None = None) -> list[str]:
    """Returns the main results on the variants, with at most `most` of their comparisons."""
    study, measure = verdict.study, measure_of(verdict.study.config)
    metric = title_in(study.config, study.config.metric)
    message = undone_sentences(verdict)
    message += [failed_sentence(summary) for summary in verdict.variants if summary.failed]
    message += unmeasured_sentences(verdict)
    message += [sentence_of(pair, measure) for pair in verdict.comparisons[:most]]
    message += [*filter(None, [nothing_to_compare_with(verdict)]), *seeds_sentence(verdict)]
    if study.config.contradicts:
        message.append(say(f"{study.config.better} wins", metric=metric))
    if not study.comparable:
        best = best_of_groups(study)
        message += [say("best of group", name=name, metric=metric, mean=short(mean)) for name, mean in best]
    if verdict.chosen is not None and len(study.variants) > 1:
        message.append(chosen_sentence(verdict, metric))
    return message


def undone_sentences(verdict: Verdict) -> list[str]:
    """Returns how many runs aren't done, and what kept the first of them from ending, if something did."""
    if not verdict.undone:
        return []
    study, count = verdict.study, say("undone", count=verdict.undone)
    kept = (job.kept_from_ending() for job in study.jobs() if job.result() is None)
    why = next((why_ended(one.reason, one.message) for one in kept if one is not None), "")
    return [f"{count} {say('failure', why=why)}" if why else count]


def unmeasured_sentences(verdict: Verdict) -> list[str]:
    """Returns the further metrics that some runs couldn't be measured by, and why the first of them couldn't."""
    results = [result for summary in verdict.variants for result in summary.finished]
    names = dict.fromkeys(name for result in results for name in result.unmeasured)
    sentences = []
    for name in names:
        whys = [result.unmeasured[name] for result in results if name in result.unmeasured]
        why = why_ended(whys[0]["reason"], whys[0]["message"])
        sentences.append(say("unmeasured", metric=title_in(verdict.study.config, name), count=len(whys), why=why))
    return sentences


def moment_sentences(verdict: Verdict) -> list[str]:
    """Returns how the quality at each intermediate evaluation differs from the quality at the end."""
    metric, message = title_in(verdict.study.config, verdict.study.config.metric), []
    for moment in verdict.moments:
        how = {"worse": "gets worse", "better": "gets better"}.get(moment.verdict, "no change")
        figures = {"then": short(moment.then), "end": short(moment.end), "p": short(moment.adjusted, 2)}
        counts = {"step": moment.step, "worse": moment.worse_in, "runs": moment.runs}
        message.append(say("moment", variant=name_of(moment.variant), metric=metric, how=say(how), **figures, **counts))
    return message


def loss_sentences(verdict: Verdict) -> list[str]:
    """Returns the disagreements between readings of the curves and the measured quality."""
    return [sentence for reading in verdict.readings for sentence in reading_sentences(reading, verdict)]


def sentence_of(pair: PairComparison, measure: str) -> str:
    """Returns one comparison as a sentence."""
    parts: dict[str, object] = {"first": pair.first, "second": pair.second, "p": short(pair.adjusted, 2)}
    keys = {"better": "better pair", "worse": "worse pair"}
    if pair.verdict not in keys:
        if pair.seeds_needed:
            return say("no difference yet", seeds=pair.seeds_needed, **parts)
        return say("no difference", **parts)
    by = ""
    if pair.difference is not None:
        sign = 1 if pair.difference.estimate >= 0 else -1
        low, high = sorted((sign * pair.difference.low, sign * pair.difference.high))
        estimate = abs(pair.difference.estimate)
        by = say("by", difference=short(estimate), metric=measure, low=short(low), high=short(high))
    return say(keys[pair.verdict], by=by, **parts)


def seeds_sentence(verdict: Verdict) -> list[str]:
    """Returns a warning if there are too few seeds to show any difference."""
    pairs, seeds = len(verdict.comparisons), len(verdict.study.seeds())
    if not pairs or seeds >= fewest_seeds(pairs):
        return []
    counts = {"seeds": say("count of seeds", count=seeds), "tests": say("count of comparisons", count=pairs)}
    return [say("too few seeds", p=short(smallest_p_value(seeds), 2), fewest=fewest_seeds(pairs), **counts)]


def nothing_to_compare_with(verdict: Verdict) -> str:
    """Returns a sentence if the variant to compare with has no scores; otherwise an empty text."""
    return "" if verdict.without_base is None else say("nothing to compare with", name=verdict.without_base)


def chosen_sentence(verdict: Verdict, metric: str) -> str:
    """Returns a sentence on the chosen variant and its quality on confirmation seeds."""
    parts: dict[str, object] = {"name": verdict.chosen, "metric": metric}
    if not verdict.fresh:
        return say("chosen", **parts)
    result, seeds = verdict.confirmed, say("count of fresh seeds", count=len(verdict.fresh))
    if result is None:
        return say("chosen, few", seeds=seeds, mean=short(interquartile_mean(verdict.fresh)), **parts)
    ends = {"low": short(result.low), "high": short(result.high)}
    return say("chosen, confirmed", seeds=seeds, mean=short(result.estimate), **ends, **parts)


def reading_sentences(reading: Reading, verdict: Verdict) -> list[str]:
    """Returns the disagreements between one reading of the curves and the measured quality."""
    message, name = [], reading_name(reading)
    if reading.favours is not None and verdict.chosen is not None and reading.favours != verdict.chosen:
        both = {reading.favours, verdict.chosen}
        pair = next((pair for pair in verdict.comparisons if {pair.first, pair.second} == both), None)
        key = "favours, open" if pair is None or pair.verdict == "no difference shown" else "favours, wrong"
        message.append(say(key, reading=name, name=reading.favours, chosen=verdict.chosen))
    for where, value in (("over", reading.over_runs), ("within", reading.within_runs)):
        if value is not None and value < 0.3:
            key = f"{where}, against" if value < -0.3 else f"{where}, nothing"
            message.append(say(key, reading=name, value=localised(f"{value:.2f}")))
    return message


def line_of(result: Result, metric: str) -> str:
    """Returns one line about a run that has ended: its score and training time, or why it has none."""
    name = {"variant": result.variant, "seed": str(result.seed)}
    if result.state == "finished":
        value = plain(result.figures.get(metric))
        return say("run finished", **name, metric=metric, value=value, time=clock(result.seconds))
    if result.state == "undone" and not result.message:
        return say("run stopped", **name)
    return say(f"run {result.state}", **name, why=why_ended(result.reason, result.message))

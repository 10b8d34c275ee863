"""What a study shows, in plain sentences."""

from pocketgan.studies.statistics import PairComparison, fewest_seeds, interquartile_mean, smallest_p_value
from pocketgan.studies.verdicts import Reading, Verdict, best_of_groups

TITLES = {
    "frechet_distance": "Fréchet distance",
    "kernel_distance": "kernel distance",
    "precision": "precision",
    "recall": "recall",
    "density": "density",
    "coverage": "coverage",
    "modes": "classes drawn",
    "class_kl": "class divergence",
    "confidence": "confidence",
    "label_agreement": "class as asked",
    "class_frechet_distance": "Fréchet, class by class",
    "duplicates": "near-twins",
    "authentic": "authentic",
    "copying": "copying (C_T)",
    "classification_accuracy": "accuracy score (CAS)",
    "two_sample": "two-sample test",
}
"""The metrics' titles, as `metrics.METRICS` has them, which would take PyTorch."""


def title_of(metric: str) -> str:
    """Returns how a metric is called in tables."""
    return TITLES.get(metric, metric.replace("_", " "))


def sentences(verdict: Verdict) -> list[str]:
    """Returns what the study shows, in plain sentences."""
    return [*chief_sentences(verdict), *moment_sentences(verdict), *loss_sentences(verdict)]


def chief_sentences(verdict: Verdict, most: int | None = None) -> list[str]:
    """Returns what the study shows of its variants, of their comparisons the first so many."""
    study, metric = verdict.study, title_of(verdict.study.config.metric)
    said = []
    if verdict.undone:
        left = "1 run isn't" if verdict.undone == 1 else f"{verdict.undone} runs aren't"
        said.append(f"{left} done yet; what follows is of those that are.")
    failed = [(summary.name, summary.failed, len(summary.results)) for summary in verdict.variants if summary.failed]
    said += [f"{name}: {count} of {runs} runs failed." for name, count, runs in failed]
    said += [sentence_of(pair, metric) for pair in verdict.comparisons[:most]]
    said += seeds_sentence(verdict)
    if not study.comparable:
        best = best_of_groups(study)
        said += [f"Best of those on the same images: {name}, {metric} {mean:.3g}." for name, mean in best]
    if verdict.chosen is not None and len(study.variants) > 1:
        said.append(chosen_sentence(verdict, metric))
    return said


def moment_sentences(verdict: Verdict) -> list[str]:
    """Returns how the quality at each moment that the study names differs from that at the end."""
    metric, said = title_of(verdict.study.config.metric), []
    for moment in verdict.moments:
        at = f"{moment.variant}: {metric} {moment.then:.3g} at step {moment.step:,} and {moment.end:.3g} at the end"
        how = {"worse": "it gets worse", "better": "it gets better"}.get(moment.verdict, "no difference shown")
        said.append(f"{at} ({how}, p = {moment.adjusted:.2g}; worse in {moment.worse_in} of {moment.runs} runs).")
    return said


def loss_sentences(verdict: Verdict) -> list[str]:
    """Returns where what is read off the curves and the measured quality disagree."""
    return [sentence for reading in verdict.readings for sentence in reading_sentences(reading, verdict)]


def sentence_of(pair: PairComparison, metric: str) -> str:
    """Returns one comparison as a sentence."""
    what = {"better": "is better than", "worse": "is worse than"}
    if pair.verdict not in what:
        needed = f"; about {pair.seeds_needed:,} seeds would show what is seen here" if pair.seeds_needed else ""
        return f"No difference shown between {pair.first} and {pair.second} (p = {pair.adjusted:.2g}{needed})."
    by = ""
    if pair.difference is not None:
        sign = 1 if pair.difference.estimate >= 0 else -1
        low, high = sorted((sign * pair.difference.low, sign * pair.difference.high))
        by = f" by {abs(pair.difference.estimate):.3g} in {metric} (95%: {low:.3g} to {high:.3g})"
    return f"{pair.first} {what[pair.verdict]} {pair.second}{by}, p = {pair.adjusted:.2g}."


def seeds_sentence(verdict: Verdict) -> list[str]:
    """Returns a warning where so few seeds can show nothing, whatever is measured."""
    pairs, seeds = len(verdict.comparisons), len(verdict.study.seeds())
    if pairs and seeds < fewest_seeds(pairs):
        count = "1 seed" if seeds == 1 else f"{seeds} seeds"
        tests = "1 comparison" if pairs == 1 else f"{pairs} comparisons"
        return [
            f"{count} can't show any difference in {tests}: a paired permutation test has "
            f"p = {smallest_p_value(seeds):.2g} at least; it takes {fewest_seeds(pairs)}."
        ]
    return []


def chosen_sentence(verdict: Verdict, metric: str) -> str:
    """Returns which variant is chosen, and how good it is on fresh seeds."""
    best = f"{verdict.chosen} has the best {metric}"
    if not verdict.fresh:
        return f"{best}; no runs on fresh seeds confirm it, so its figure flatters it."
    found, seeds = verdict.confirmed, f"{len(verdict.fresh)} fresh seed{'s' if len(verdict.fresh) > 1 else ''}"
    if found is None:
        return f"{best}; on {seeds} it stands at {interquartile_mean(verdict.fresh):.3g}, too few for an interval."
    return (
        f"{best}; on {seeds} it stands at {found.estimate:.3g} (95%: {found.low:.3g} to {found.high:.3g}), "
        "which is its quality."
    )


def reading_sentences(reading: Reading, verdict: Verdict) -> list[str]:
    """Returns where what is read off the curves and the measured quality disagree."""
    said = []
    if reading.favours is not None and verdict.chosen is not None and reading.favours != verdict.chosen:
        both = {reading.favours, verdict.chosen}
        pair = next((pair for pair in verdict.comparisons if {pair.first, pair.second} == both), None)
        if pair is None or pair.verdict == "no difference shown":
            measured = f"no difference is shown between it and {verdict.chosen}"
        else:
            measured = f"{verdict.chosen} is better"
        said.append(f"Read off the curves, {reading.name} favours {reading.favours}; measured, {measured}.")
    if reading.over_runs is not None and reading.over_runs < 0.3:
        kind = "goes with worse quality" if reading.over_runs < -0.3 else "says nothing of quality"
        said.append(f"Over the runs, {reading.name} {kind} (rank correlation {reading.over_runs:.2f}).")
    if reading.within_runs is not None and reading.within_runs < 0.3:
        kind = "goes with worse quality" if reading.within_runs < -0.3 else "says nothing of quality"
        said.append(f"Within a run, {reading.name} {kind} (rank correlation {reading.within_runs:.2f}).")
    return said

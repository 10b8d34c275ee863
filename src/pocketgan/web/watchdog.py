"""The watchdog's sentences in the page's language: on disk they are English, with their numbers written in."""

import re
import string
from functools import cache

from pocketgan.base.language import Text, localised
from pocketgan.base.language import say as say_of
from pocketgan.experiment.diagnosis import DIAGNOSES, NAMES

EVIDENCE: dict[str, Text] = {
    "evidence gradient": "the generator's gradient is infinite or not a number",
    "evidence won pull": "it tells {real} of the real and {fake} of the generated images right, and the generator's "
    "gradient stands at {pull} of its first, while the Fréchet distance stays at {distance}",
    "evidence won": "it tells {real} of the real and {fake} of the generated images right, while the Fréchet distance "
    "stays at {distance}",
    "evidence repeats": "{share} of the images repeat another one pixel for pixel, {times} evaluations in a row",
    "evidence classes": "only {modes} of {classes} classes are drawn, {times} evaluations in a row",
    "evidence divergence": "the drawn classes are {nats} nats from the real ones (KL), {times} evaluations in a row",
    "evidence twins": "{twins} of the images have a near-twin in the same sample, and {covered} of the real ones are "
    "covered",
    "evidence turns": "the Fréchet distance turned {turns} times in {times} evaluations, between {low} and {high}",
    "evidence hop": "{share} of the images change class from one evaluation to the next, for {times} evaluations",
    "evidence overfitting": "to it, held-out images lie {share} of the way from training images to generated ones "
    "(r_v)",
    "evidence memorisation": "only {share} of the images are authentic (of held-out real ones {real}), and they lie "
    "{deviations} deviations nearer to training images than held-out ones do (C_T)",
    "evidence past": "the Fréchet distance was {best} at step {step} and stands at {end}",
    "evidence stagnation": "the Fréchet distance has stood at {distance} for {times} evaluations, {floor} times the "
    "floor",
    "evidence still": "the Fréchet distance has stood at {distance} for {times} evaluations",
    "evidence loss": "{loss} near step {step}; the weights were left as they were before it",
}
"""What `diagnosis` and `training` write, with the numbers as parts."""
ADVICE: dict[str, Text] = {f"advice {name}": check.advice for name, check in DIAGNOSES.items()}
OTHERS: dict[str, Text] = {
    "said diagnosis": "Step {step}: {name}: {evidence}; {advice}.",
    "said recovery": "Step {step}: no longer: {name}.",
    "said rollback": "Step {step}: went back to step {to}, with {scale} times the learning rate.",
    "said patience": "Step {step}: stopped early, since evaluations in a row brought no new best.",
}
WATCHDOG: dict[str, Text] = {**NAMES, **EVIDENCE, **ADVICE, **OTHERS}


@cache
def pattern(key: str) -> re.Pattern[str]:
    """Returns what finds a sentence's parts again."""
    text = EVIDENCE[key]
    assert isinstance(text, str)
    pieces = string.Formatter().parse(text)
    return re.compile(
        "".join(re.escape(before) + (f"(?P<{name}>.+?)" if name else "") for before, name, _, _ in pieces)
    )


def evidence(written: str) -> str:
    """Returns an evidence in the language that is spoken; as it is written where the sentence is unknown."""
    for key in EVIDENCE:
        found = pattern(key).fullmatch(written)
        if found is not None:
            return say_of(WATCHDOG, key, **{name: localised(part) for name, part in found.groupdict().items()})
    return written


def advice(name: str, written: str) -> str:
    """Returns an advice in the language that is spoken; as it is written where it isn't today's."""
    key = f"advice {name}"
    return say_of(WATCHDOG, key) if WATCHDOG.get(key) == written else written


def title(name: str) -> str:
    """Returns how a diagnosis is called."""
    return say_of(WATCHDOG, name) if name in NAMES else name.replace("_", " ")


def sentence(event: dict[str, object]) -> str:
    """Returns a row of `events.jsonl` as a sentence; nothing for one of an unknown kind."""
    step, kind, name = event.get("step"), event.get("event"), str(event.get("name", ""))
    step = round(step) if isinstance(step, int | float) else 0
    if kind == "diagnosis":
        said = {"evidence": evidence(str(event.get("evidence", "")))}
        said["advice"] = advice(name, str(event.get("advice", "")))
        return say_of(WATCHDOG, "said diagnosis", step=step, name=title(name), **said)
    if kind == "recovery":
        return say_of(WATCHDOG, "said recovery", step=step, name=title(name))
    if kind == "rollback":
        to, scale = event.get("to"), event.get("rate_scale")
        if isinstance(to, int) and isinstance(scale, int | float):
            return say_of(WATCHDOG, "said rollback", step=step, to=to, scale=localised(f"{scale:g}"))
    if kind == "patience":
        return say_of(WATCHDOG, "said patience", step=step)
    return str(event.get("message", ""))

"""Texts of the watchdog in the current language; `events.jsonl` stores only keys and numbers."""

from dataclasses import dataclass
from typing import Any

from pocketgan.base.language import Text, localised, number, say
from pocketgan.base.messages import restored
from pocketgan.experiment.diagnosis import Diagnosis

NAMES: dict[str, Text] = {
    "ignores_input": "ignores its input",
    "mode_collapse": "mode collapse",
    "discriminator_won": "discriminator too strong",
    "oscillation": "oscillation",
    "discriminator_overfitting": "discriminator overfitting",
    "memorisation": "memorization",
    "non_finite": "non-finite",
    "past_best": "quality degrading",
    "stagnation": "stagnation",
}
"""Display names of the diagnoses."""
EVIDENCE: dict[str, Text] = {
    "evidence gradient": "the generator's gradient is infinite or not a number",
    "evidence won pull": "it classifies {real} of the real and {fake} of the generated images correctly, and the "
    "generator's "
    "gradient is {pull} of its first value, while the Fréchet distance stays at {distance}",
    "evidence won": "it classifies {real} of the real and {fake} of the generated images correctly, while the "
    "Fréchet distance "
    "stays at {distance}",
    "evidence repeats": "{share} of the images repeat another one pixel for pixel, {times} evaluations in a row",
    "evidence classes": "only {modes} of {classes} classes are generated, {times} evaluations in a row",
    "evidence divergence": "the histogram of generated classes is {nats} nats from the real one (KL), {times} "
    "evaluations in a row",
    "evidence twins": "{twins} of the images have a near-duplicate in the same sample, and {covered} of the real "
    "ones are "
    "covered",
    "evidence turns": "the Fréchet distance turned {turns} times in {times} evaluations, between {low} and {high}",
    "evidence hop": "{share} of the images change class from one evaluation to the next, for {times} evaluations",
    "evidence ignores": "{own_target} of the outputs are nearer to their own target than to another one (chance is "
    "50%), they vary {variation} as much as the targets, and {distinct_outputs} of them are distinct, {times} "
    "evaluations in a row",
    "evidence ignores unpaired": "the outputs vary {variation} as much as images of the target domain, and "
    "{distinct_outputs} of them are distinct, {times} evaluations in a row",
    "evidence overfitting": "its scores of validation images lie {share} of the way from training images to "
    "generated ones "
    "(r_v)",
    "evidence memorisation": "only {share} of the images are authentic (validation images: {real}), and they lie "
    "{deviations} standard deviations closer to training images than validation images do (C_T)",
    "evidence past": "the Fréchet distance was {best} at step {step} and is {end} now",
    "evidence stagnation": "the Fréchet distance has been {distance} for {times} evaluations, {floor} times the "
    "real-data baseline",
    "evidence still": "the Fréchet distance has been {distance} for {times} evaluations",
    "evidence loss": "{loss} near step {step}; the weights are those from before it",
    "evidence loss in a loop": "{loss} at step {step} or shortly before",
}
"""Texts for evidence, by key."""
ADVICE: dict[str, Text] = {
    "advice non_finite": "try a lower --learning-rate, or --discriminator-batches separate --r1 0.3",
    "advice discriminator_won": "try a lower --discriminator-learning-rate, --beta1 0.5, or --discriminator-batches "
    "separate --r1 0.3",
    "advice oscillation": "try a lower --learning-rate or --beta1, or an EMA generator (--ema-half-life '10%')",
    "advice ignores_input": "try --reconstruction-weight 10 or more; with pairs, also --discriminator translator, "
    "which sees input and output together",
    "advice mode_collapse": "try --objective relativistic --discriminator-batches separate --r1 1 --r2 1, a lower "
    "--learning-rate, "
    "or a larger --batch-size",
    "advice discriminator_overfitting": "try more images, --augment translation, a larger --r1, or a smaller network",
    "advice memorisation": "try more images, --augment translation, or a shorter --duration",
    "advice past_best": "keep the best checkpoint, and try --patience 5 or --schedule cosine",
    "advice stagnation": "try a higher --learning-rate or a larger --width, or stop with --patience",
}
"""Remedies to try, by diagnosis."""
LOOP_ADVICE: dict[str, Text] = {
    "loop advice non_finite": "try a lower learning rate, or a gradient penalty such as R1",
    "loop advice discriminator_won": "try a lower learning rate of the discriminator, Adam's beta1 of 0.5, or a "
    "gradient penalty such as R1",
    "loop advice oscillation": "try a lower learning rate or beta1, or sample from an EMA of the generator",
    "loop advice ignores_input": "try a reconstruction term (L1), or a discriminator that sees input and output "
    "together",
    "loop advice mode_collapse": "try the relativistic loss with R1 and R2 penalties, a lower learning rate, or larger "
    "batches",
    "loop advice discriminator_overfitting": "try more images, augmentation, or a smaller discriminator",
    "loop advice memorisation": "try more images, augmentation, or a shorter training",
    "loop advice past_best": "keep the best weights, and try patience=5 or a learning rate that decays",
    "loop advice stagnation": "try a higher learning rate or wider networks, or stop with patience=5",
}
"""The same for a person's own loop, which has no flags."""
OTHERS: dict[str, Text] = {
    "said diagnosis": "Step {step}: {name}: {evidence}; {advice}.",
    "said recovery": "Step {step}: resolved: {name}.",
    "said rollback": "Step {step}: rolled back to step {to}, with {scale} times the learning rate.",
    "said patience": "Step {step}: stopped early: no new best in the last evaluations.",
    "diagnosis": "{name}: {evidence}; {advice}",
}
WATCHDOG: dict[str, Text] = {**NAMES, **EVIDENCE, **ADVICE, **LOOP_ADVICE, **OTHERS}
SHARES = ("real", "fake", "pull", "share", "twins", "covered", "own_target", "variation", "distinct_outputs")
"""Parts that are fractions, and are shown in percent."""


def title(name: str) -> str:
    """Returns the display name of a diagnosis."""
    return say(NAMES, name) if name in NAMES else name.replace("_", " ")


def advice(name: str, *, own_loop: bool = False) -> str:
    """Returns the advice for a diagnosis; an empty text if the diagnosis is from another version.

    Args:
        name: the diagnosis.
        own_loop: whether the run was recorded from a person's own loop.
    """
    texts, key = (LOOP_ADVICE, f"loop advice {name}") if own_loop else (ADVICE, f"advice {name}")
    return say(texts, key) if key in texts else ""


def evidence(values: object) -> str:
    """Returns the evidence in a row of `events.jsonl` as a sentence.

    Args:
        values: a key and its numbers; a text, as version 0.1.0 wrote it, is returned unchanged.
    """
    if not isinstance(values, dict):
        return str(values or "")
    parts = {name: shown(name, part) for name, part in values.items() if name != "key"}
    try:
        return say(EVIDENCE, f"evidence {values.get('key')}", **parts)
    except KeyError:  # Written by another version.
        return ", ".join(f"{name} {part}" for name, part in parts.items())


def shown(name: str, part: object) -> object:
    """Returns a part of a sentence as it is displayed: a fraction in percent, a number with three digits."""
    if isinstance(part, dict):
        return restored(part)
    if isinstance(part, bool) or not isinstance(part, int | float):
        return part
    if name in SHARES:
        return localised(f"{part:.1%}".replace(".0%", "%") if min(part, 1 - part) < 0.05 else f"{part:.0%}")
    return int(part) if part == round(part) else number(part)


def in_words(diagnosis: Diagnosis) -> str:
    """Returns a diagnosis as a sentence: its name, the evidence and the advice."""
    return described({"name": diagnosis.name, "evidence": diagnosis.evidence.to_json()})


def described(values: dict[str, Any]) -> str:
    """Returns a diagnosis, given by its name and evidence as in files, as a sentence."""
    name = str(values.get("name", ""))
    parts = {"evidence": evidence(values.get("evidence")), "advice": advice(name, own_loop=is_loop(values))}
    return say(OTHERS, "diagnosis", name=title(name), **parts)


def is_loop(values: dict[str, Any]) -> bool:
    """Returns whether an event or a diagnosis in a file is about a person's own loop."""
    return values.get("own_loop") is True


@dataclass(frozen=True)
class DiagnosisPart:
    """A diagnosis as a part of a message: a sentence in the current language, and its name and evidence in files."""

    diagnosis: Diagnosis
    own_loop: bool = False

    def __str__(self) -> str:
        return described(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """Returns the name and the evidence, and whether it is about a person's own loop."""
        values = {"name": self.diagnosis.name, "evidence": self.diagnosis.evidence.to_json()}
        return values | {"own_loop": True} if self.own_loop else values


def why_ended(reason: dict[str, Any], message: str) -> str:
    """Returns the reason in a `status.json` or `result.json` in the current language.

    Args:
        reason: a message as `messages.stored` returns it; empty in files of older versions.
        message: the same message in English.
    """
    return restored(with_sentences(reason)) or message


def with_sentences(part: Any) -> Any:
    """Returns a stored message in which each diagnosis is a sentence."""
    if not isinstance(part, dict):
        return part
    if isinstance(part.get("evidence"), dict):
        return described(part)
    return {name: with_sentences(value) for name, value in part.items()}


def sentence(event: dict[str, Any]) -> str:
    """Returns a row of `events.jsonl` as a sentence; for other kinds of events, their message."""
    step, kind, name = event.get("step"), event.get("event"), str(event.get("name", ""))
    step = round(step) if isinstance(step, int | float) else 0
    if kind == "diagnosis":
        remedy = advice(name, own_loop=is_loop(event)) or event.get("advice", "")
        told = {"evidence": evidence(event.get("evidence")), "advice": remedy}
        return say(OTHERS, "said diagnosis", step=step, name=title(name), **told)
    if kind == "recovery":
        return say(OTHERS, "said recovery", step=step, name=title(name))
    if kind == "rollback":
        to, scale = event.get("to"), event.get("rate_scale")
        if isinstance(to, int) and isinstance(scale, int | float):
            return say(OTHERS, "said rollback", step=step, to=to, scale=localised(f"{scale:g}"))
    if kind == "patience":
        return say(OTHERS, "said patience", step=step)
    return str(event.get("message", ""))

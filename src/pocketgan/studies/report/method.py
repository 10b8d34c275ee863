"""Method of a study: its budget, its machines, and the command that repeats it. Doesn't import torch."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

from pocketgan.base.language import clock
from pocketgan.config.fields import flatten
from pocketgan.studies.config import StudyConfig
from pocketgan.studies.predeclared import STUDIES
from pocketgan.studies.report.findings import Findings, done, once
from pocketgan.studies.report.words import listed, say
from pocketgan.studies.study import Study


def method(findings: Findings) -> list[tuple[str, str]]:
    """Returns the cost, the environment and the measurement settings of the runs, as names and texts."""
    study = findings.study
    results = [result for _, result in done(study)]
    states = [result.state for result in results]
    seconds = sum(result.seconds for result in results)
    wall = sum(result.wall_seconds for result in results)
    counts = {"runs": len(results), "finished": states.count("finished"), "failed": states.count("failed")}
    outcome = [
        (say("budget"), say("budget text", time=clock(seconds), **counts)),
        (say("wall"), clock(wall)),
        what_ran(study),
        (say("measured with"), "; ".join(findings.features) or say("unknown")),
        (say("measured against"), measured_against(findings)),
    ]
    if findings.environments:
        outcome += [(say("versions"), versions(findings)), (say("machine"), machine(findings))]
    return [*outcome, (say("tests"), say("tests text"))]


def what_ran(study: Study) -> tuple[str, str]:
    """Returns the durations of the runs, or the command of their script, with a name."""
    if study.config.command:
        return say("command"), shlex.join(study.config.command)
    durations = once([str(flatten(variant)["duration"]) for variant in study.variants.values()])
    return say("duration"), listed(durations)


def measured_against(findings: Findings) -> str:
    """Returns the real images of the scores, the number of generated ones, and the moment of a run that counts."""
    config, sources = findings.study.config, listed([Path(source).name for source in findings.sources])
    if config.command:
        count, reference = findings.evaluated or (0, "")
        if not reference:
            return say("unknown")
        checkpoint = say(f"{config.checkpoint} evaluation")
        return say(f"recorded against {reference}", source=sources, count=count, checkpoint=checkpoint)
    checkpoint = say("the end" if config.checkpoint == "last" else "its best")
    against = {"against": config.against, "source": sources, "count": config.count, "checkpoint": checkpoint}
    return say("measured against text", **against) if sources else config.against


def versions(findings: Findings) -> str:
    """Returns the distinct software versions of the runs."""
    names = ("pocketgan", "python", "torch", "numpy")
    values = {name: once([getattr(one, name) for one in findings.environments]) for name in names}
    return ", ".join(f"{name} {listed(result)}" for name, result in values.items())


def machine(findings: Findings) -> str:
    """Returns the distinct machines of the runs."""
    results = []
    for one in findings.environments:
        parts = {name: getattr(one, name) or "–" for name in ("platform", "processor", "device", "threads")}
        results.append(say("machine text", **parts))
    return "; ".join(once(results))


def command(study: Study) -> tuple[str, str | None]:
    """Returns the command that repeats the study, and the TOML file it needs; None for an included study."""
    config, folder = study.config, study.folder.resolve().name
    out = f" --out {quoted(folder)}"
    if config.name in STUDIES:
        known = STUDIES[config.name]()
        if config.model_copy(update={"seeds": known.seeds, "duration": known.duration}) == known:
            given = [
                f" --{name} {quoted(str(value))}"
                for name, value in (("seeds", config.seeds), ("duration", config.duration))
                if value is not None and value != getattr(known, name)
            ]
            return f"pocketgan study {config.name}{''.join(given)}{out}", None
    return f"pocketgan study {config.name}.toml{out}", toml(config)


def quoted(word: str) -> str:
    """Returns a word quoted for a shell."""
    return word if re.fullmatch(r"[A-Za-z0-9._/-]+", word) else "'" + word.replace("'", "'\\''") + "'"


def toml(config: StudyConfig) -> str:
    """Returns a study's configuration as a TOML file that describes the same study.

    The storage of a search is omitted: it doesn't affect the search, and its address may contain a password.
    """
    values = config.model_dump(exclude_defaults=True, exclude_none=True, exclude={"storage"})
    tables = {key: values.pop(key) for key in ("settings", "factors") if key in values}
    variants = values.pop("variants", [])
    blocks = ["\n".join(pair(key, value) for key, value in values.items())]
    blocks += ["\n".join([f"[{name}]", *(pair(*item) for item in table.items())]) for name, table in tables.items()]
    blocks += ["\n".join(["[[variants]]", *(pair(*item) for item in fields.items())]) for fields in variants]
    return "\n\n".join(blocks) + "\n"


def pair(key: str, value: Any) -> str:
    """Returns a key and its value as a line of TOML."""
    name = key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else text(key)
    return f"{name} = {literal(value)}"


def literal(value: Any) -> str:
    """Returns a value in TOML notation."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return text(value)
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(pair(*item) for item in value.items()) + "}"
    return repr(value)


def text(value: str) -> str:
    """Returns a text as a TOML string."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

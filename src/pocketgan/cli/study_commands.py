"""The commands of studies: call, and print."""

import inspect
import itertools
from pathlib import Path
from typing import Annotated, Literal

import tyro

from pocketgan.base.errors import INTERRUPTED, check_language
from pocketgan.base.language import speaking, spoken
from pocketgan.base.printing import Column, print_json, show
from pocketgan.cli.tables import exit_code, print_stop, print_verdict, say
from pocketgan.config.shell import command
from pocketgan.studies.predeclared import STUDIES
from pocketgan.studies.study import STOP, Study


def studies() -> int:
    """List the studies in the package: question, recipe, variants and seeds."""
    columns = (
        Column("study"),
        Column("what it asks", prose=True),
        Column("recipe"),
        Column("variants", right=True, drop=2),
        Column("seeds", right=True, drop=1),
    )
    rows = []
    for name, make in STUDIES.items():
        config, about = make(), (inspect.getdoc(make) or "").partition("\n")[0]
        asked = Study(Path(name), config, config.configs())
        recipes = {variant.recipe for variant in asked.variants.values()}
        recipe = recipes.pop() if len(recipes) == 1 else f"{len(recipes)} recipes"
        rows.append((name, about, recipe, str(len(asked.variants)), str(len(asked.seeds()))))
    show(columns, rows)
    print()
    print(say("about studies"))
    return 0


def study(
    study: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="NAME|FILE.toml")],
    out: Path | None = None,
    seeds: int | None = None,
    duration: str | None = None,
    jobs: str = "auto",
    backend: Literal["local", "ray"] = "local",
    lang: str | None = None,
    json: bool = False,
    quiet: bool = False,
) -> int:
    """Run or continue a study: train every variant on every seed, then write the verdict and the report.

    Args:
        study: the name of a study (see pocketgan studies), or a TOML file.
        out: folder of the study; by default studies/<name>. An existing study continues and repeats nothing.
        seeds: runs of each variant; by default the number that detects a difference of three standard deviations
            between seeds in at least nine of ten studies.
        duration: duration of each run; by default the study's or the recipe's.
        jobs: runs at the same time; auto is one per core.
        backend: local for this computer, ray for the cluster at RAY_ADDRESS.
        lang: language of the verdict and the report: en, uk, ru, ko or zh-TW; by default POCKETGAN_LANG, or English.
        json: print the verdict as one JSON object, in English.
        quiet: show no progress.
    """
    from pocketgan import api
    from pocketgan.studies.presenting import verdict_values
    from pocketgan.studies.verdicts import judge

    lang = check_language(lang or spoken())
    flow = {"jobs": jobs, "backend": backend, "language": lang, "progress": not quiet}
    with speaking(lang):  # Errors, too.
        done = api.study(study, out=out, seeds=seeds, duration=duration, **flow)
    verdict = judge(done)
    if json:
        print_json(verdict_values(verdict))
        return INTERRUPTED if (done.folder / STOP).exists() else exit_code(verdict)
    if not (done.folder / STOP).exists():
        return print_verdict(verdict, lang)
    flags = {"out": done.folder, "seeds": seeds, "duration": duration, "backend": backend, "jobs": jobs}
    usual = {"backend": "local", "jobs": "auto"}
    given = [(f"--{name}", str(value)) for name, value in flags.items() if value not in (None, usual.get(name))]
    return print_stop(verdict, lang, command("study", study, *itertools.chain(*given)))


def report(study: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="DIR")], lang: str | None = None) -> int:
    """Write the report of a study, finished or not: one HTML file, with its plots and tables beside it.

    Args:
        study: folder of the study.
        lang: language of the report: en, uk, ru, ko or zh-TW; by default POCKETGAN_LANG, or English.
    """
    from pocketgan import api
    from pocketgan.studies.verdicts import judge

    lang = check_language(lang or spoken())
    with speaking(lang):  # Errors, too.
        api.report(study, language=lang)
        return print_verdict(judge(Study.open(study)), lang)

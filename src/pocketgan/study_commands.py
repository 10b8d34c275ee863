"""The commands of studies: call, and print."""

import inspect
import itertools
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro
from rich import box
from rich.table import Table

from pocketgan.errors import INTERRUPTED
from pocketgan.printing import show
from pocketgan.progress import clock
from pocketgan.studies.predeclared import STUDIES
from pocketgan.studies.study import STOP, Study

if TYPE_CHECKING:
    from pocketgan.studies.verdicts import Verdict


def studies() -> int:
    """The studies that come with the package: what each asks, its variants and its runs."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("study", "what it asks", "recipe", "variants", "seeds"):
        table.add_column(heading, justify="right" if heading in ("variants", "seeds") else "left")
    for name, make in STUDIES.items():
        config, about = make(), (inspect.getdoc(make) or "").partition("\n")[0]
        asked = Study(Path(name), config, config.configs())
        recipes = {variant.recipe for variant in asked.variants.values()}
        recipe = recipes.pop() if len(recipes) == 1 else f"{len(recipes)} recipes"
        table.add_row(name, about, recipe, str(len(asked.variants)), str(len(asked.seeds())))
    show(table)
    print("'pocketgan study NAME --out DIR' runs one; a .toml file asks a question of your own (docs/studies.md).")
    return 0


def study(
    study: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="NAME|FILE.toml")],
    out: Path | None = None,
    seeds: int | None = None,
    duration: str | None = None,
    jobs: str = "auto",
    backend: Literal["local", "ray"] = "local",
    quiet: bool = False,
) -> int:
    """Runs a study, or goes on with it: every variant on every seed, then the verdict and the page.

    Args:
        study: the name of a study (see pocketgan studies), or a TOML file.
        out: the study's folder; by default studies/<name>. A study that is there goes on, and repeats nothing.
        seeds: runs of each variant; by default as many as it takes to show a difference.
        duration: how long each run trains; by default as the study or the recipe says.
        jobs: how many runs at once; auto is one a core.
        backend: local for this machine, ray for the cluster that RAY_ADDRESS names.
        quiet: show no progress.
    """
    from pocketgan import api
    from pocketgan.studies.verdicts import judge

    done = api.study(study, out=out, seeds=seeds, duration=duration, jobs=jobs, backend=backend, progress=not quiet)
    verdict = judge(done)
    if not (done.folder / STOP).exists():
        return print_verdict(verdict)
    finished = sum(len(summary.finished) for summary in verdict.variants)
    print(f"stopped and saved: {finished} {'run is' if finished == 1 else 'runs are'} done")
    flags = {"out": done.folder, "seeds": seeds, "duration": duration, "backend": backend, "jobs": jobs}
    usual = {"backend": "local", "jobs": "auto"}
    given = [(f"--{name}", str(value)) for name, value in flags.items() if value not in (None, usual.get(name))]
    print(f"go on with: {shlex.join(['pocketgan', 'study', study, *itertools.chain(*given)])}")
    return INTERRUPTED


def report(study: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="DIR")]) -> int:
    """The page of a study, as far as it is: one HTML file, and the pictures and tables behind it.

    Args:
        study: the study's folder.
    """
    from pocketgan import api
    from pocketgan.studies.verdicts import judge

    api.report(study)
    return print_verdict(judge(Study.open(study)))


def print_verdict(verdict: "Verdict") -> int:
    """Prints a study's table and sentences, and where its page is; returns the exit code."""
    from pocketgan.studies.sentences import sentences, title_of

    config = verdict.study.config
    metric = title_of(config.metric)
    table = Table(title=config.question or config.name, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("variant", "runs", "failed", f"{metric} (IQM)", "95% interval", "training time"):
        table.add_column(heading, justify="left" if heading == "variant" else "right")
    for summary in verdict.variants:
        quality = summary.quality
        table.add_row(
            summary.name,
            str(len(summary.finished) + summary.failed),
            str(summary.failed),
            "" if summary.mean is None else f"{summary.mean:.4g}",
            "" if quality is None else f"{quality.low:.4g} to {quality.high:.4g}",
            clock(summary.seconds),
        )
    show(table)
    for sentence in sentences(verdict):
        print(sentence)
    print(f"page      {verdict.study.folder / 'report' / 'report.html'}")
    return 1 if verdict.undone or verdict.unconfirmed else 0

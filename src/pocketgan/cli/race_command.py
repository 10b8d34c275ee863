"""The command that races entrants of several families: call, and print."""

import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from pocketgan.base.errors import INTERRUPTED, check_language
from pocketgan.base.language import clock as time_text
from pocketgan.base.language import speaking, spoken
from pocketgan.base.printing import Column, print_json, show
from pocketgan.base.progress import Progress
from pocketgan.cli.tables import exit_code
from pocketgan.config.shell import command
from pocketgan.race.places import NAMES

if TYPE_CHECKING:
    from pocketgan.race.table import Table


def race(
    data: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="[DATA]")] = "mnist",
    for_: Annotated[str, tyro.conf.arg(name="for")] = "10 s,1 min,5 min,30 min",
    entrants: str = ",".join(NAMES),
    seeds: int | None = None,
    threads: int = 1,
    clock: Literal["wall", "cpu"] = "wall",
    count: int = 10_000,
    against: Literal["test", "validation"] = "test",
    jobs: str = "1",
    out: Path | None = None,
    lang: str | None = None,
    json: bool = False,
    quiet: bool = False,
) -> int:
    """Race models of several families: the same training time, the same judge, and what to use for how long.

    Args:
        data: mnist, or your own images, as for train.
        for_: training times, separated by commas.
        entrants: names of entrants, or files of your own such as my_gan.py, separated by commas; the others are
            compared with the first one.
        seeds: runs of each entrant at each training time; by default the number that detects a difference of three
            standard deviations between seeds in at least nine of ten races.
        threads: CPU threads of each run.
        clock: wall for real time, or cpu for the processor's time per thread, which busy programs falsify less.
        count: number of images that are generated and judged.
        against: real images to compare with; validation for trials.
        jobs: runs at the same time, which make each other slower.
        out: folder of the race; by default races/<data>. An existing race continues and repeats nothing.
        lang: language of the table and the page: en, uk, ru, ko or zh-TW; by default POCKETGAN_LANG, or English.
        json: print the results as one JSON object, in English.
        quiet: show no progress.
    """
    from pocketgan.race.page import write_race
    from pocketgan.race.race import RaceConfig, run_race, seconds_of, texts
    from pocketgan.race.table import table_of
    from pocketgan.race.words import say
    from pocketgan.studies.report.write import write_report

    lang, progress = check_language(lang or spoken()), Progress(quiet=quiet)
    config = RaceConfig(
        texts(for_), texts(entrants), data, seeds, threads=threads, clock=clock, count=count, against=against
    )
    folder = out or Path("races") / Path(data).stem
    entered = len(config.entrants)
    runs = {one: entered * len(config.study(one).seed_list(entered - 1)) for one in config.durations}
    total = sum(seconds_of(one) * number for one, number in runs.items())
    progress.say(say("planned", runs=sum(runs.values()), time=time_text(total)))
    done = run_race(config, folder, jobs=jobs, progress=progress)
    table = table_of(done)
    with speaking(lang):
        for study in done.studies().values():
            write_report(study, lang)
        page = write_race(table)
        code = INTERRUPTED if done.stopped else max(map(exit_code, table.verdicts.values()), default=0)
        if json:
            print_json(table.values())
            return code
        print_table(table)
        print(say("page", file=page))
        if done.stopped:
            given = {"for": for_, "entrants": entrants, "seeds": seeds, "threads": threads, "clock": clock}
            given |= {"count": count, "against": against, "jobs": jobs, "out": out}
            flags = [(f"--{name}", str(value)) for name, value in given.items() if value is not None]
            print(say("go on", command=command("race", data, *itertools.chain(*flags))))
    return code


def print_table(table: "Table") -> None:
    """Prints the rows of a race, and for each training time what to use."""
    from pocketgan.race.page import answer, cells, failures, headings

    rows = [row for some in table.rows.values() for row in some]
    if rows:
        names = headings(rows[0].space, rows[0].second_space)
        drops = {6: 0, len(names) - 1: 6, len(names) - 3: 5, len(names) - 2: 4, len(names) - 5: 3, 4: 2, 3: 1}
        columns = [Column(name, right=place > 2, drop=drops.get(place, 0)) for place, name in enumerate(names)]
        show(columns, [cells(row) for row in rows], numbers=True)
        print()
    for duration in table.rows:
        if table.rows[duration]:
            print(answer(table, duration))
        for sentence in failures(table, duration):
            print(sentence)

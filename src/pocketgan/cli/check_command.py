"""The command that checks a person's own parts: call, and print."""

from pathlib import Path
from typing import Annotated

import tyro

from pocketgan.base.progress import work, working
from pocketgan.cli.own_code import hand_over


def check(file: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="FILE.py[:NAME]")]) -> int:
    """Check your own networks, losses, optimizers, schedules, metrics and recipes, and say what to mend.

    Args:
        file: a Python file, or one class, function, object or recipe in it.
    """
    path, _, name = file.rpartition(":") if ".py:" in file else (file, "", "")
    hand_over(path)
    with working(work("checking", file=file)):
        from pocketgan.api.checks import check as run_checks

        reports = run_checks(Path(path), name or None)
    for report in reports:
        print(f"{report.name} ({report.kind})")
        for one in report.checks:
            mark = "to mend" if one.problem else "note" if one.note else "ok"
            print(f"  {mark:<8}{one.name}{': ' if one.problem or one.note else ''}{one.problem or one.note}")
    problems = sum(len(report.problems) for report in reports)
    print()
    print(f"{problems} to mend" if problems else "nothing to mend")
    return 1 if problems else 0

"""Going back in a run: rows and files after a step are dropped or moved away, so that training can repeat it."""

import itertools
from contextlib import suppress
from pathlib import Path

from pocketgan.base.errors import RunError
from pocketgan.runs.records import after_last_rollback, read_counters, read_rows, step_of, write_rows
from pocketgan.runs.run import Run

DECISIONS = ("threads", "replan")
"""Events that change the exact results of training from their step on."""


def rewind(run: Run, step: int) -> None:
    """Drops the rows after `step`, which a resumed run writes again.

    Events up to the last rollback remain. Decisions remain too, since a resumed run repeats them at the same steps.
    """
    for name in ("stats", "metrics", "events"):
        path = run.folder / f"{name}.jsonl"
        if path.exists():
            rows = read_rows(path, needed=("step",))
            settled = after_last_rollback(rows)
            lasting = [row for i, row in enumerate(rows) if i < settled or row.get("event") in DECISIONS]
            write_rows(path, [row for row in rows if row["step"] <= step or row in lasting])


def abandon(run: Run, step: int) -> Path:
    """Moves rows, checkpoints and samples after `step` into the first free `abandoned/<n>`.

    Events and the best checkpoint remain. Rows are copied first and dropped last, and the newest checkpoint moves
    first, so that nothing is lost if the process is killed meanwhile.
    """
    places = (run.folder / "abandoned" / str(number) for number in itertools.count(1))
    folder = next(place for place in places if not place.exists())
    for name in ("checkpoints", "samples"):
        (folder / name).mkdir(parents=True)
    rows = {name: read_rows(run.folder / name, needed=("step",)) for name in ("stats.jsonl", "metrics.jsonl")}
    for name, result in rows.items():
        write_rows(folder / name, [row for row in result if row["step"] > step])
    for path in reversed(run.checkpoints()):
        if step_of(path) > step:
            path.rename(folder / "checkpoints" / path.name)
    for sample in run.samples():
        if sample.step > step:
            beside = sample.path.with_suffix(".json")
            sample.path.rename(folder / "samples" / sample.path.name)
            with suppress(FileNotFoundError):
                beside.rename(folder / "samples" / beside.name)
    for name, result in rows.items():
        write_rows(run.folder / name, [row for row in result if row["step"] <= step])
    return folder


def forget_plans(run: Run, step: int) -> None:
    """Drops the plans made after `step`, because a new plan was requested."""
    path = run.folder / "events.jsonl"
    if path.exists():
        rows = read_rows(path, needed=("step",))
        write_rows(path, [row for row in rows if row.get("event") != "replan" or row["step"] <= step])


def settle(run: Run) -> None:
    """Completes a rollback that was interrupted when its process was killed."""
    for last in run.rollbacks()[-1:]:
        late = [path for path in run.checkpoints() if step_of(path) > last["to"]]
        scales = [(read_counters(path) or {}).get("rate_scale", 1.0) for path in late]
        if any(scale > last["rate_scale"] for scale in scales):
            abandon(run, last["to"])


def check_unsaved(run: Run) -> None:
    """Checks that a run without checkpoints hadn't saved one; training again would replace its records.

    Raises:
        RunError: it had, since it was stopped or finished after its first step.
    """
    try:
        status = run.status()
    except RunError:
        return  # A damaged status is rewritten.
    if status.step and status.state in ("finished", "interrupted"):
        raise RunError("checkpoints gone", field="run", folder=run.folder, step=status.step)

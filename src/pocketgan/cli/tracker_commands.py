"""The command of experiment trackers: call, and print."""

from pathlib import Path
from typing import Annotated, Literal

import tyro

from pocketgan.runs.listing import chosen


def log(
    source: Annotated[tyro.conf.Positional[Path | None], tyro.conf.arg(metavar="[RUN|STUDY]")] = None,
    *,
    to: Literal["tensorboard", "wandb", "trackio", "mlflow"],
    follow: bool = False,
    folder: Path | None = None,
    project: str | None = None,
) -> int:
    """Log a run or a study to an experiment tracker: settings, losses, scores, samples; a study's verdict, too.

    Args:
        source: the run, by its folder or its name in runs, or the folder of a study; by default the newest run.
        to: the tracker, which can't be left out; each needs the extra of its name.
        follow: also log what the run writes from now on, until it is finished or has failed; Ctrl-C ends the logging.
        folder: folder for the tracker's files; by default the place that the tracker's environment variables name, or
            tracking/<tracker>.
        project: the tracker's project; by default pocketgan (TensorBoard has no projects).
    """
    place = chosen(source)
    from pocketgan import api
    from pocketgan.cli.tables import say

    tracked = api.track(place, to, follow=follow, folder=folder, project=project)
    counts = {"rows": tracked.rows, "pictures": tracked.pictures}
    print(say("logged", count=len(tracked.entries), where=tracked.where, **counts))
    if tracked.look:
        print(say("next", command=tracked.look))
    return 0

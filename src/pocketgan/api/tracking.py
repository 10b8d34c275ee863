"""Runs and studies in experiment trackers."""

from contextlib import nullcontext
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from pocketgan.base.signals import stop_on_signals
from pocketgan.runs.model import located
from pocketgan.runs.run import Run

if TYPE_CHECKING:
    from pocketgan.studies.study import Study
    from pocketgan.trackers.entries import To
    from pocketgan.trackers.following import Tracked


def track(
    source: "str | Path | Run | Study",
    to: "To" = "tensorboard",
    *,
    follow: bool = False,
    folder: str | Path | None = None,
    project: str | None = None,
) -> "Tracked":
    """Logs a run or a study to an experiment tracker: settings, losses, scores with their baselines, sample pictures.

    What an earlier call logged for the same run is replaced. The run's folder is only read.

    Args:
        source: a run, a study, or the folder of one.
        to: `tensorboard`, `wandb`, `trackio` or `mlflow`; each needs the extra of its name.
        follow: whether to log what the run writes from now on as well, until it is finished or has failed.
        folder: the folder for the tracker's files; by default the place that the tracker's own environment variables
            name, or else `tracking/<tracker>`.
        project: the tracker's project; by default `pocketgan`. TensorBoard has none.

    Returns:
        The names of the entries, the numbers of rows and pictures, where they are, and a command that shows them.

    Raises:
        UserError: an argument is invalid, the tracker isn't installed, or the run is being logged already.
        TrackingFailed: the tracker refused something.
        KeyboardInterrupt: following was interrupted; what was logged until then is complete.
    """
    from pocketgan.studies.study import Study
    from pocketgan.trackers.following import destination_of, track_run, track_study

    destination = destination_of(to, project, folder)
    with stop_on_signals() if follow else nullcontext(Event()) as stop:
        if isinstance(source, Study):
            tracked = track_study(source.folder, destination, follow=follow, stop=stop)
        elif isinstance(source, Run):
            tracked = track_run(source, destination, follow=follow, stop=stop)
        else:
            place = located(source)
            if (place / "study.json").is_file():
                tracked = track_study(place, destination, follow=follow, stop=stop)
            else:
                tracked = track_run(Run.open(place), destination, follow=follow, stop=stop)
    if follow and not tracked.complete:
        raise KeyboardInterrupt
    return tracked

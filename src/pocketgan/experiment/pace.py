"""Training speed, and the response to it: a different number of threads, a warning, or a new plan.

The number of threads affects the bits of the result, and so does the plan. Each change is therefore written into
`events.jsonl` before it takes effect, and a resumed run repeats the changes that the previous process made.
"""

from typing import Any

import torch
from pydantic import ValidationError

from pocketgan.base.errors import RunError
from pocketgan.base.language import clock
from pocketgan.base.messages import problem
from pocketgan.base.progress import Progress
from pocketgan.config.durations import Duration
from pocketgan.config.plan import Plan, make_plan
from pocketgan.experiment.run_words import line, tenths
from pocketgan.experiment.speed import Remembered, chooses
from pocketgan.runs.records import first_problem
from pocketgan.runs.run import Run
from pocketgan.training.cores import ThreadChooser, usage
from pocketgan.training.steps import Tick

BEHIND = 1.15
"""Ratio of the expected to the planned duration above which a run is reported as falling behind."""
SLOWER, FASTER = 0.5, 1.5
"""Ratios of the measured to the planned speed beyond which the speed has changed enough for a new plan."""
WINDOW_SECONDS, WINDOW_SHARE = 10.0, 0.05
"""Length of a speed measurement in seconds of training, and its largest share of a short duration."""
LEAST_SECONDS = 1.0


class Pace:
    """Monitors the speed of a run, from the step at which it starts or resumes.

    Args:
        run: the run, with the rows and events of the previous process.
        step: the step at which the run resumes; 0 for a new run.
        most: PyTorch's default number of CPU threads on this machine.
        progress: the progress display, for changes.

    Attributes:
        pauses: steps at which training must yield a tick, so that a decision of the previous process is repeated.
    """

    def __init__(self, run: Run, step: int, most: int, progress: Progress) -> None:
        self.run, self.progress = run, progress
        self._due = [event for event in run.decisions() if event["step"] > step]
        self.pauses = {event["step"] for event in self._due}
        self._known_until = run.furthest_step()
        threads = run.threads_at(step)
        torch.set_num_threads(threads)
        fastest = Remembered(run.config, run.facts, most).threads or most
        self._chooser = (
            ThreadChooser(fastest, threads, usage()) if chooses(run.config, run.environment.device) else None
        )
        self._planned = Duration.parse(run.config.train.duration).seconds
        self._window: tuple[int, float] | None = None
        self._said: set[str] = set()
        run.plan = plan_at(run, step)

    def forget(self) -> None:
        """Discards the decisions of the previous process, since a rolled-back run takes a different course."""
        self._due, self._known_until = [], 0
        self.pauses.clear()

    def follow(self, tick: Tick) -> bool:
        """Checks the speed between two steps; returns whether the run has a new plan."""
        if tick.last or tick.stopped:
            return False
        if tick.step >= self._known_until and tick.step not in self.pauses:
            self._look_at_cores(tick.step)
            return self._look_at_speed(tick)
        planned_again = False
        for event in [event for event in self._due if event["step"] == tick.step]:
            if event["event"] == "threads":
                self._use(event["to"])
            else:
                planned_again = self._adopt(plan_in(event["plan"], self.run))
        return planned_again

    # Threads.

    def _look_at_cores(self, step: int) -> None:
        if self._chooser is None:
            return
        before, count = self._chooser.threads, self._chooser.look(usage())
        if count != before:
            self.run.log_event(step, "threads", **{"from": before, "to": count}, free=round(self._chooser.free, 2))
            key = "fewer threads" if count < before else "more threads"
            self.progress.say(line(key, step=step, count=count, most=self._chooser.most))
            self._use(count)

    def _use(self, count: int) -> None:
        torch.set_num_threads(count)
        if self._chooser is not None:
            self._chooser.threads = count

    # Plan.

    def _look_at_speed(self, tick: Tick) -> bool:
        """Reports a run that falls behind, or replans it if `replan` is set and the speed has changed.

        Returns:
            Whether the run has a new plan.
        """
        planned = self.run.plan.steps_per_second
        if self._planned is None or planned is None or not tick.row:
            return False
        if self._window is None:
            self._window = tick.step, tick.seconds
        steps, seconds = tick.step - self._window[0], tick.seconds - self._window[1]
        if seconds < max(LEAST_SECONDS, min(WINDOW_SECONDS, WINDOW_SHARE * self._planned)):
            return False
        self._window = tick.step, tick.seconds
        speed = steps / seconds
        changed = not SLOWER < speed / planned < FASTER
        if changed and self.run.config.train.replan and tick.seconds < self._planned:
            return self._plan_again(tick, speed)
        whole = tick.seconds + (self.run.plan.steps - tick.step) / speed
        if changed or whole > BEHIND * self._planned:
            self._say_once(tick.step, planned, speed, whole)
        return False

    def _say_once(self, step: int, planned: float, speed: float, whole: float) -> None:
        kind = "faster" if speed > planned else "slower"
        if kind in self._said:
            return
        self._said.add(kind)
        details = {"planned": round(planned, 3), "measured": round(speed, 3), "seconds": round(whole, 1)}
        self.run.log_event(step, "speed", **details)
        changed = not SLOWER < speed / planned < FASTER
        key = "other speed, replan" if changed and not self.run.config.train.replan else "other speed"
        times = {"time": clock(whole), "planned": clock(self._planned or 0)}
        self.progress.say(line(key, step=step, share=f"{speed / planned:.0%}", **times))

    def _plan_again(self, tick: Tick, speed: float) -> bool:
        assert self._planned is not None
        run = self.run
        plan = make_plan(run.config, run.facts.images, speed)
        left = max(1, round((self._planned - tick.seconds) * speed))
        plan = plan.model_copy(update={"steps": tick.step + left})
        run.log_event(tick.step, "replan", previous=run.plan.model_dump(), plan=plan.model_dump())
        speeds = {"speed": tenths(speed), "planned": tenths(run.plan.steps_per_second or 0)}
        self.progress.say(line("other plan", step=tick.step, steps=plan.steps, old_steps=run.plan.steps, **speeds))
        return self._adopt(plan)

    def _adopt(self, plan: Plan) -> bool:
        self.run.replan(self.run.config, plan)
        self._window = None
        return True


def plan_at(run: Run, step: int) -> Plan:
    """Returns the plan that a run had after `step`.

    This is the run's current plan, with two exceptions: the run was replanned at a later step, or it was replanned at
    this step by a process that was killed before it had written the plan.
    """
    replans = [event for event in run.decisions() if event["event"] == "replan"]
    later = [event for event in replans if event["step"] > step]
    if later:
        return plan_in(later[0]["previous"], run)
    last = [plan_in(event["plan"], run) for event in replans[-1:]]
    return last[0] if last and last[0].duration == run.plan.duration else run.plan


def plan_in(values: dict[str, Any], run: Run) -> Plan:
    """Returns the plan stored in an event.

    Raises:
        RunError: the values aren't a plan, because the file was edited.
    """
    try:
        return Plan.model_validate(values)
    except ValidationError as error:
        message = problem("damaged", path=run.folder / "events.jsonl", why=first_problem(error))
        raise RunError(message, field="run") from None

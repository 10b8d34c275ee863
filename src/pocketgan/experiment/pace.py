"""How fast a run trains, and what follows from it: other threads beside busy programs, a word, a new plan.

The number of threads changes the bits of training, and so does the plan. Each change is written into `events.jsonl`
before it takes effect, and a resumed run repeats those that the process before it had made.
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
from pocketgan.experiment.speed import Remembered, chooses
from pocketgan.runs.records import first_problem
from pocketgan.runs.run import Run
from pocketgan.training.cores import ThreadChooser, usage
from pocketgan.training.steps import Tick

BEHIND = 1.15
"""A run is said to fall behind when it will take so many times as long as planned."""
SLOWER, FASTER = 0.5, 1.5
"""The speed has changed by half when it is so many times the planned one."""
WINDOW_SECONDS, WINDOW_SHARE = 10.0, 0.05
"""A speed is that of so many seconds of training, or of this share of the duration where that is less."""
LEAST_SECONDS = 1.0


class Pace:
    """Follows the speed of a run from the step that it begins or goes on at.

    Args:
        run: the run, with the rows and events of the process before.
        step: where it goes on; 0 for a new one.
        most: threads that PyTorch uses here unless it is told otherwise.
        progress: shows what changes.

    Attributes:
        pauses: the steps at which training must hand out a tick, so that a decision of the process before is made
            again.
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
        """Makes no decision of the process before again: the run has gone back, and another way from there."""
        self._due, self._known_until = [], 0
        self.pauses.clear()

    def follow(self, tick: Tick) -> bool:
        """Looks at the speed between two steps; returns whether the run has another plan now."""
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
            why = "other programs use the processor" if count < before else "the processor is free again"
            self.progress.say(f"step {step:,}: {why}; {count} of {self._chooser.most} threads from here on")
            self._use(count)

    def _use(self, count: int) -> None:
        torch.set_num_threads(count)
        if self._chooser is not None:
            self._chooser.threads = count

    # The plan.

    def _look_at_speed(self, tick: Tick) -> bool:
        """Says when the run falls behind; makes a new plan where that was asked for and the speed has changed."""
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
        hint = "; --replan would plan again" if changed and not self.run.config.train.replan else ""
        self.progress.say(
            f"step {step:,}: {speed / planned:.0%} of the planned speed, so training will take about {clock(whole)} "
            f"instead of {clock(self._planned or 0)}{hint}"
        )

    def _plan_again(self, tick: Tick, speed: float) -> bool:
        assert self._planned is not None
        run = self.run
        plan = make_plan(run.config, run.facts.images, speed)
        left = max(1, round((self._planned - tick.seconds) * speed))
        plan = plan.model_copy(update={"steps": tick.step + left})
        run.log_event(tick.step, "replan", previous=run.plan.model_dump(), plan=plan.model_dump())
        self.progress.say(
            f"step {tick.step:,}: {speed:.1f} steps/s where {run.plan.steps_per_second:.1f} were planned; "
            f"{plan.steps:,} steps now instead of {run.plan.steps:,}"
        )
        return self._adopt(plan)

    def _adopt(self, plan: Plan) -> bool:
        self.run.replan(self.run.config, plan)
        self._window = None
        return True


def plan_at(run: Run, step: int) -> Plan:
    """Returns the plan that a run had after `step`.

    Its own, unless another one was made later, or right then by a process that was killed before it had written it.
    """
    replans = [event for event in run.decisions() if event["event"] == "replan"]
    later = [event for event in replans if event["step"] > step]
    if later:
        return plan_in(later[0]["previous"], run)
    last = [plan_in(event["plan"], run) for event in replans[-1:]]
    return last[0] if last and last[0].duration == run.plan.duration else run.plan


def plan_in(values: dict[str, Any], run: Run) -> Plan:
    """Returns a plan out of an event.

    Raises:
        RunError: it is none; somebody has edited the file.
    """
    try:
        return Plan.model_validate(values)
    except ValidationError as error:
        message = problem("damaged", path=run.folder / "events.jsonl", why=first_problem(error))
        raise RunError(message, field="run") from None

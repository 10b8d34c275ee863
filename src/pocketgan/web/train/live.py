"""Live view of a run: parts of HTML, computed once for all browsers, and sent only after a change."""

import json
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from pocketgan.base.charts.axes import number
from pocketgan.base.errors import UserError
from pocketgan.base.language import clock, date
from pocketgan.experiment.recording_words import fed_itself
from pocketgan.experiment.watchdog_words import sentence, why_ended
from pocketgan.images.grids import sample_columns
from pocketgan.images.montage import lay_out
from pocketgan.web.messages import line, mark
from pocketgan.web.reading import Reading
from pocketgan.web.site import Site
from pocketgan.web.train.curves import accuracies, classes, losses, quality, speed

LATEST_ROWS = 20
"""Number of rows whose speed determines the time left."""
MOST_KEPT = 64
LABELS = (
    "lost", "samples", "moment", "step of sample", "alt sample", "show sure", "sure none", "sure some", "sure each",
    "no samples", "charts", "draw more",
)  # fmt: skip
"""Texts of the view, some of which the page's script completes."""


@dataclass(frozen=True)
class View:
    """A run as the interface shows it.

    Attributes:
        version: version of the run's content.
        parts: HTML by element of the page, and `samples` as JSON.
        marks: a short hash of each part.
    """

    version: str
    parts: dict[str, str]
    marks: dict[str, str]


@dataclass(frozen=True)
class Doing:
    """The server's own work on a run.

    Attributes:
        going: start time of the process that works on the run; None without such a process.
        waits: the run that must end first; None if it doesn't wait.
        words: the last error output of a failed process.
    """

    going: datetime | None = None
    waits: str | None = None
    words: str = ""


def doing_of(site: Site, name: str) -> Doing:
    """Returns the server's own work on a run."""
    started, waits = site.starts.of(name), None
    going = started.at if started is not None and started.running() else None
    if name in site.trainings:
        waits = site.trainings.ahead(name)
        going = going if waits is not None else datetime.now(UTC)  # It starts right now.
    words = site.relative(started.last_words()) if started is not None else ""
    return Doing(going, waits, words or site.trainings.problems.get(name, ""))


class Live:
    """Views of runs, each computed once per state of the run."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self._views: dict[str, View] = {}
        self._lock = threading.Lock()

    def view(self, name: str) -> View:
        """Returns the current view of a run."""
        reading, problem = Reading(gone=True), ""
        try:
            reading = self.site.read(name)
        except UserError as error:
            problem = str(error)
        doing = doing_of(self.site, name)
        version = f"{reading.version}/{doing}/{problem}"
        with self._lock:
            remaining = self._views.get(name)
            if remaining is None or remaining.version != version:
                parts = parts_of(self.site, name, reading, doing, problem)
                remaining = View(version, parts, {part: mark(text) for part, text in parts.items()})
                if len(self._views) >= MOST_KEPT:
                    self._views.pop(next(iter(self._views)))
                self._views[name] = remaining
            return remaining

    def changed(self, name: str, have: str) -> dict[str, list[str]]:
        """Returns the parts that a browser doesn't have yet, each with its mark.

        Args:
            name: the run.
            have: marks of the parts that the browser has, separated by commas.
        """
        view, known = self.view(name), set(have.split(","))
        return {part: [view.marks[part], text] for part, text in view.parts.items() if view.marks[part] not in known}


def live_html(site: Site, name: str) -> str:
    """Returns the element in which a run is followed, which the page's script fills; without a run, it is empty."""
    if not name:
        return f'<div class="pg-live" data-run="">{line(site.say("no runs"))}</div>'
    say = {key: escape(site.say(key)) for key in LABELS}
    charts = "".join(
        f'<div data-part="{part}"></div>' for part in ("losses", "accuracy", "quality", "classes", "speed")
    )
    return f"""<div class="pg-live" data-run="{escape(name)}">
<p class="pg-line bad pg-lost" hidden>{say["lost"]}</p><div data-part="state"></div>
<div class="pg-two"><section class="pg-samples" aria-label="{say["samples"]}">
<h3>{say["samples"]}</h3>
<div data-part="picture" hidden><div class="pg-picture"><img data-part="image" alt="">
<div data-part="judged" class="pg-judged" role="img"></div></div>
<label class="pg-slider"><span data-part="moment-text"></span>
<input type="range" data-part="moment" min="0" max="0" value="0" step="1" aria-label="{say["moment"]}"
 data-label="{say["step of sample"]}" data-alt="{say["alt sample"]}"></label>
<label class="pg-check"><input type="checkbox" data-part="shows" checked> {say["show sure"]}</label>
<p data-part="sure" class="pg-line" data-none="{say["sure none"]}" data-some="{say["sure some"]}"
 data-each="{say["sure each"]}"></p>
<p class="pg-line"><a data-part="more" href="?">{say["draw more"]}</a></p></div>
<p data-part="no-picture" class="pg-line">{say["no samples"]}</p>
<div data-part="watchdog"></div><div data-part="facts"></div></section>
<section class="pg-charts" aria-label="{say["charts"]}">{charts}</section></div></div>"""


def parts_of(site: Site, name: str, reading: Reading, doing: Doing, problem: str) -> dict[str, str]:
    """Returns the parts of a run's view in the current language.

    Args:
        site: the site.
        name: name of the run.
        reading: the run's content.
        doing: the server's own work on the run.
        problem: the reason why the run can't be read; empty if it can.
    """
    empty = dict.fromkeys(("losses", "accuracy", "quality", "speed", "classes", "watchdog", "facts"), "")
    if reading.run is None or reading.status is None:
        return {"state": beginning(site, reading, doing, problem), **empty, "samples": '{"list": []}'}
    return {
        "state": state_of(site, reading, doing),
        "losses": losses(site, reading),
        "accuracy": accuracies(site, reading),
        "quality": quality(site, reading),
        "speed": speed(site, reading),
        "classes": classes(site, reading),
        "watchdog": watchdog(site, reading),
        "facts": facts(site, reading),
        "samples": samples(reading),
    }


def samples(reading: Reading) -> str:
    """Returns the sample pictures and the layout of images in them, as JSON."""
    assert reading.run is not None
    run, count = reading.run, reading.run.config.pictures.sample_count
    pairs = 2 if run.config.reads_images else 1
    columns = sample_columns(run.config, len(run.facts.class_names) if run.config.network.conditional else 0)
    across = lay_out((pairs * count, run.facts.channels, run.facts.size, run.facts.size), columns).across
    result = [[one.file, one.step, one.changed] for one in reading.samples]
    return json.dumps({"columns": across, "pairs": pairs, "list": result})


# State.


def beginning(site: Site, reading: Reading, doing: Doing, problem: str) -> str:
    """Returns the state of a run without content: it waits, starts, failed to start, or is damaged."""
    message = "".join(line(site.say("unreadable", why=text), "bad") for text in reading.problems)
    if doing.waits is not None:
        return f'<div data-state="waiting">{line(site.say("waits for", name=doing.waits))}</div>'
    if doing.going is not None:
        return f'<div data-state="starting">{line(site.say("preparing"))}</div>'
    if doing.words:
        return f'<div data-state="none">{line(site.say("failed to start", why=doing.words), "bad")}{message}</div>'
    return f'<div data-state="none">{message or line(problem or site.say("gone"), "bad")}</div>'


def state_of(site: Site, reading: Reading, doing: Doing) -> str:
    """Returns the run's state, progress and speed, and problems with its files."""
    assert reading.run is not None and reading.status is not None
    run, status = reading.run, reading.status
    going, words = doing.going, doing.words
    state = "starting" if going is not None and going > status.updated else status.state
    state = state if doing.waits is None else "waiting"
    planned = run.planned_steps
    share = min(1.0, status.step / planned) if planned else 0.0 if state == "running" else 1.0
    done = site.say("of steps", step=status.step, steps=planned) if planned else site.say("at step", step=status.step)
    message = [f"<b>{escape(site.say(f'state {state}'))}</b>", escape(done)]
    message.append(escape(site.say("trained for", time=clock(status.seconds))))
    latest = pace(reading)
    if state == "running" and latest is not None:
        seconds, images = latest
        message.append(escape(site.say("speed now", speed=number(images))))
        if planned:
            message.append(escape(site.say("time left", time=clock(seconds * (planned - status.step)))))
    reason = site.relative(why_ended(status.reason, status.message))
    lines = [line(reason, "bad" if status.state == "failed" else "")] if reason else []
    if run.environment.feeds_itself:
        lines.append(line(fed_itself()))
    if doing.waits is not None:
        lines.append(line(site.say("waits for", name=doing.waits)))
    if status.state == "killed" and going is None and not words:
        lines.append(line(site.say("was killed"), "bad"))
    if words and words not in reason:
        lines.append(line(site.say("last words", why=words), "bad"))
    if reading.rows is not None and reading.rows.damaged:
        lines.append(line(site.say("damaged lines", count=reading.rows.damaged), "bad"))
    lines += [line(site.say("unreadable", why=text), "bad") for text in reading.problems]
    bar = (
        f'<div class="pg-progress" role="progressbar" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{100 * share:.0f}" aria-label="{escape(site.say("progress"))}">'
        f'<span style="width:{share:.2%}"></span></div>'
    )
    return (
        f'<div data-state="{state}" data-share="{100 * share:.0f}">'
        f'<p class="pg-state {state}">{" · ".join(message)}</p>'
        f"{bar}{''.join(lines)}</div>"
    )


def pace(reading: Reading) -> tuple[float, float] | None:
    """Returns the recent seconds per step and images per second; None before there are rows."""
    rows = reading.rows
    if rows is None or not len(rows):
        return None
    steps, seconds, images = rows["step"], rows["seconds"], rows["nimg"]
    first = max(0, len(rows) - LATEST_ROWS)
    if first == len(rows) - 1:
        done, took, shown = steps[-1], seconds[-1], images[-1]
    else:
        done, took, shown = steps[-1] - steps[first], seconds[-1] - seconds[first], images[-1] - images[first]
    return (float(took / done), float(shown / took)) if done > 0 and took > 0 else None


# Watchdog and facts.


def watchdog(site: Site, reading: Reading) -> str:
    """Returns the watchdog's reports, the latest first."""
    message = [text for event in reversed(reading.events[-50:]) if (text := sentence(event))]
    if not message:
        return f"<h3>{escape(site.say('watchdog'))}</h3>{line(silence(site, reading))}"
    items = "".join(f"<li>{escape(text)}</li>" for text in message)
    return f'<h3>{escape(site.say("watchdog"))}</h3><ul class="pg-said">{items}</ul>'


def silence(site: Site, reading: Reading) -> str:
    """Returns the meaning of an empty list of reports: no failure was found, or there were too few evaluations."""
    assert reading.run is not None
    seen, needed = len(reading.evaluations), reading.run.config.watchdog.watch_window
    if not seen and reading.run.plan.evaluate_every is None:
        return site.say("watchdog blind")
    if seen < needed:
        return site.say("watchdog early", seen=seen, needed=needed)
    return site.say("watchdog silent", count=seen)


def facts(site: Site, reading: Reading) -> str:
    """Returns facts about the run: recipe, data, seed, and the time of its last write."""
    assert reading.run is not None and reading.status is not None
    run = reading.run
    threads = site.say("count of threads", count=run.environment.threads)
    rows = {
        "fact recipe": run.config.recipe,
        "fact data": f"{run.facts.source.rpartition('/')[2]}, {site.say('count of images', count=run.facts.images)}",
        "fact duration": "" if run.planned_steps is None else run.config.train.duration,
        "fact batch": "" if run.config.kind == "recorded" else number(run.config.train.batch_size),
        "fact seed": str(run.config.seed),
        "fact device": ", ".join(filter(None, (run.environment.device, threads))),
        "fact written": date(reading.status.updated.astimezone()),
    }
    rows = {key: value for key, value in rows.items() if value}
    items = "".join(f"<dt>{escape(site.say(key))}</dt><dd>{escape(value)}</dd>" for key, value in rows.items())
    return f'<dl class="pg-facts">{items}</dl>'

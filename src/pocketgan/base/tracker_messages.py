"""Messages about experiment trackers, by key; `messages.PROBLEMS` has them all."""

from typing import Final

TRACKING: Final[dict[str, str]] = {
    "no tracker library": "'{name}' isn't installed; pip install -c constraints.txt -e '.[{name}]' adds this extra",
    "no projects": "TensorBoard has no projects; leave --project out",
    "entry of another run": "'{folder}' holds the log of something else; choose another folder (--folder)",
    "being logged": "'{name}' is being logged by another process; stop that process first",
    "tracker refused": "'{tracker}' didn't accept '{name}': {why}; run the same command to log it again",
    "tracker folder fixed": "Trackio already uses '{used}' in this process; start another one for '{folder}'",
    "following": "{folder}: logging to {where} until training ends; Ctrl-C ends only the logging",
    "waits to be resumed": "'{folder}' has stopped; '{command}' continues it, and Ctrl-C ends the logging",
}
"""All messages about trackers."""

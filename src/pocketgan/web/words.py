"""Every text of the page, by its key; `Site.say` says them in the page's language."""

from pocketgan.language import Text

WORDS: dict[str, Text] = {
    "title": "Pocketgan",
    "train": "Train",
    "create": "Create",
    "redraw": "Redraw",
    "compare": "Compare",
    "no such name": "That is no name of anything here.",
    "outside": "‘{name}’ isn't below the folder that this page shows.",
    "link outside": "It holds a link, ‘{name}’, that leads out of the folder that this page shows, and isn't read.",
    "nothing there": "There is no run, model or study ‘{name}’ any more.",
}
"""Every text here."""

"""One output of a notebook's cell that is replaced in place. IPython is used only where it already runs."""

import base64
import sys
from contextlib import suppress
from html import escape
from pathlib import Path
from typing import Any

LARGEST = 300_000
"""Maximum size of a picture that is shown, in bytes: it is sent with every update."""
STYLE = "font-family:monospace;white-space:pre-wrap"


class NotebookDisplay:
    """An output of the running cell.

    Args:
        display: `IPython.display`.
        samples: a folder of pictures, of which the newest is shown; or None.
    """

    def __init__(self, display: Any, samples: Path | None = None) -> None:
        self._samples, self._newest, self._picture = samples, 0, ""
        self._html = display.HTML
        self._handle = display.display(self._html(""), display_id=True)

    def show(self, share: float | None, lines: list[str]) -> None:
        """Replaces the output by a bar and lines of text.

        Args:
            share: the share done, from 0 to 1; None without a bar.
            lines: the texts.
        """
        bar = "" if share is None else f'<progress value="{share:.4f}" max="1" style="width:100%"></progress>'
        text = "<br>".join(escape(line) for line in lines if line)
        self._handle.update(self._html(f'<div style="{STYLE}">{bar}{text}</div>{self._newest_picture()}'))

    def _newest_picture(self) -> str:
        """Returns the newest picture as an element, which is read again only if there is a newer one."""
        if self._samples is None:
            return ""
        with suppress(OSError):  # The folder isn't there yet, or a picture was just replaced.
            pictures = [(path.stat().st_mtime_ns, path) for path in self._samples.glob("*.png")]
            time, path = max(pictures, default=(0, self._samples))
            if time > self._newest and path.stat().st_size <= LARGEST:
                content = base64.b64encode(path.read_bytes()).decode()
                self._newest, self._picture = time, f'<img src="data:image/png;base64,{content}">'
        return self._picture


def notebook_display(samples: Path | None = None) -> NotebookDisplay | None:
    """Returns a new output of the running cell; None outside of notebooks. `samples` is a folder of pictures."""
    ipython = sys.modules.get("IPython")
    if ipython is None:
        return None
    shell = ipython.get_ipython()
    if shell is None or getattr(shell, "kernel", None) is None:
        return None
    from importlib import import_module

    return NotebookDisplay(import_module("IPython.display"), samples)

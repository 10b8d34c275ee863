"""Every error that Pocketgan raises on purpose.

PocketganError
├── UserError (also a ValueError)   a mistake in what was asked for; exit code 2
│   ├── ConfigError                 a field of the configuration
│   ├── DataError                   a file or folder of images
│   │   └── NoSplit                 it has no test split
│   ├── RunError                    a run folder, or what was asked of it
│   │   └── RunBusy                 another process trains this run
│   ├── ModelError                  an exported model, or what was asked of it
│   ├── StudyError                  a study, its folder, or where it runs
│   └── WebError                    what was asked of the web page, or of the command that serves it
├── ExportFailed                    a model that could not be exported or uploaded as it should; exit code 1
└── RunFailed                       a run that was under way and had to stop; exit code 1
    ├── NonFiniteLoss               a loss became infinite or not a number
    ├── Unhealthy                   the watchdog named a failure, and was told to stop then
    └── StorageError                the disk refused a write
CheckpointDamaged                   inside only: the caller falls back on the checkpoint before
"""

import difflib
from collections.abc import Iterable
from typing import Any

from pocketgan.base.messages import PROBLEMS, Problem, english, problem

INTERRUPTED = 130
"""The exit code of a run that was stopped by a signal: 128 and SIGINT's number, as shells have it."""


class PocketganError(Exception):
    """The base of all errors below. `str(error)` is one line made for a person, in the language that was spoken.

    Args:
        key: of a text in `PROBLEMS`, or a text in English, whose names in braces are parts.
        field: the setting, argument or flag that it is about, where there is one.
        **parts: what the names in braces stand for.

    Attributes:
        key, field, parts: as above.
    """

    exit_code = 1

    def __init__(self, key: str = "", /, *, field: str | None = None, **parts: Any) -> None:
        super().__init__(key)
        self.field = field
        self.key, self.parts = (key.key, key.parts) if isinstance(key, Problem) else (key, parts)
        from pocketgan.base.language import spoken

        self._language = spoken()

    @property
    def reason(self) -> str:
        """What is wrong and what would do, without the field."""
        from pocketgan.base.language import speaking

        with speaking(self._language):
            return text_of(self.key, self.parts)

    @property
    def english(self) -> str:
        """The message in English, for files."""
        from pocketgan.base.language import speaking

        with speaking("en"):
            reason = text_of(self.key, {name: in_english(part) for name, part in self.parts.items()})
        return f"{self.field}: {reason}" if self.field else reason

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}" if self.field else self.reason


def text_of(key: str, parts: dict[str, Any]) -> str:
    """Returns one of `PROBLEMS` in the language that is spoken, or a text of its own, with its parts filled in."""
    if key in PROBLEMS:
        return str(problem(key, **parts))
    return key.format(**parts) if parts else key


def in_english(part: object) -> object:
    """Returns a part of a message in English, where it is a text that has translations."""
    if isinstance(part, PocketganError):
        return part.english
    return english(part) if isinstance(part, str) else part


class UserError(PocketganError, ValueError):
    """Something was asked for that can't be done; the message says what would do."""

    exit_code = 2


class ConfigError(UserError):
    """A field of the configuration has a value that it can't have."""


class DataError(UserError):
    """A file or folder of images can't be used."""


class NoSplit(DataError):
    """Images have no such split."""


class RunError(UserError):
    """A run folder can't be used, or not for this."""


class RunBusy(RunError):
    """Another process is training this run."""


class ModelError(UserError):
    """An exported model can't be used, or not for this."""


class StudyError(UserError):
    """A study or its folder can't be used, or where it should run can't be reached."""


class WebError(UserError):
    """The web page can't be served so, or it was asked for something that it doesn't give."""


class ExportFailed(PocketganError):
    """A model could not be exported or uploaded as it should."""


class RunFailed(PocketganError):
    """A run stopped before its end. What was saved is still there."""


class NonFiniteLoss(RunFailed):
    """A loss (or what Adam makes of it) became infinite or not a number; nothing of it was saved."""


class Unhealthy(RunFailed):
    """The watchdog named a failure, and `on_failure` is `stop`."""


class StorageError(RunFailed):
    """A file could not be written: a full disk, a folder without permission."""


class CheckpointDamaged(Exception):
    """A checkpoint is cut short, altered or otherwise unreadable."""


def check_language(code: str) -> str:
    """Returns a language's code.

    Raises:
        UserError: no such language.
    """
    from pocketgan.base.language import LANGUAGES

    if code not in LANGUAGES:
        raise UserError(
            "no language '{code}'{hint}; known: {known}",
            field="lang",
            code=code,
            hint=nearest(code, LANGUAGES),
            known=", ".join(LANGUAGES),
        )
    return code


def nearest(name: str, names: Iterable[str]) -> str:
    """Returns `; did you mean 'x'?` for the name nearest to `name`, or nothing where none is near."""
    matches = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return problem("did you mean", name=matches[0]) if matches else ""

"""Every error that Pocketgan raises on purpose.

PocketganError
├── UserError (also a ValueError)   an invalid request or input; exit code 2
│   ├── ConfigError                 a field of the configuration
│   ├── DataError                   a file or folder of images
│   │   └── NoSplit                 the images have no such split
│   ├── RunError                    a run folder, or a request about it
│   │   └── RunBusy                 another process trains this run
│   ├── ModelError                  an exported model, or a request about it
│   ├── StudyError                  a study, its folder, or the machine that runs it
│   └── WebError                    a request to the browser interface, or the command that serves it
├── ExportFailed                    a model could not be exported or uploaded correctly; exit code 1
├── TrackingFailed                  an experiment tracker refused something; exit code 1
└── RunFailed                       a run had to stop while it was in progress; exit code 1
    ├── NonFiniteLoss               a loss became infinite or not a number
    ├── Unhealthy                   the watchdog detected a failure, and on_failure is stop
    └── StorageError                the operating system refused a write
CheckpointDamaged                   internal: the caller falls back to the previous checkpoint
"""

import difflib
from collections.abc import Iterable
from typing import Any

from pocketgan.base.messages import PROBLEMS, Problem, in_english, problem

INTERRUPTED = 130
"""Exit code of a run that a signal stopped: 128 plus the number of SIGINT, as in shells."""


PREDICATES = (
    "must ", "returns ", "needs ", "is missing", "isn't ", "can't be ", "sets ", "has an ", "belong ", "doesn't "
)  # fmt: skip
"""Beginnings of English reasons that follow the name of their field without a colon."""


class PocketganError(Exception):
    """Base class of all errors below.

    `str(error)` is a one-line message for a person, in the language that was current when the error was created.

    Args:
        key: key of a text in `PROBLEMS`, or an English text whose names in braces are parts.
        field: the setting, argument or flag at fault, if there is one.
        **parts: values for the names in braces.

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
        """The problem and its remedy, without the field."""
        from pocketgan.base.language import speaking

        with speaking(self._language):
            return text_of(self.key, self.parts)

    @property
    def english(self) -> str:
        """The message in English, for files."""
        from pocketgan.base.language import speaking

        with speaking("en"):
            reason = text_of(self.key, {name: in_english(part) for name, part in self.parts.items()})
        return sentence(self.field, reason)

    def __str__(self) -> str:
        return sentence(self.field, self.reason)


def sentence(field: str | None, reason: str) -> str:
    """Returns a message that names its field: `--count must be at least 1 (got 0)`, or `--data: there is no 'x'`."""
    return f"{field}{' ' if reason.startswith(PREDICATES) else ': '}{reason}" if field else reason


def text_of(key: str, parts: dict[str, Any]) -> str:
    """Returns the text of `PROBLEMS` in the current language, or else `key` itself, with its parts filled in."""
    if key in PROBLEMS:
        return str(problem(key, **parts))
    return key.format(**parts) if parts else key


class UserError(PocketganError, ValueError):
    """An invalid request or input; the message names a remedy."""

    exit_code = 2


class ConfigError(UserError):
    """An invalid value in a field of the configuration."""


class DataError(UserError):
    """A file or folder of images that can't be used."""


class NoSplit(DataError):
    """A request for a split that the images don't have."""


class RunError(UserError):
    """A run folder that can't be used, or not for this purpose."""


class RunBusy(RunError):
    """Another process is training this run."""


class ModelError(UserError):
    """An exported model that can't be used, or not for this purpose."""


class StudyError(UserError):
    """A study or study folder that can't be used, or a machine for it that can't be reached."""


class WebError(UserError):
    """An invalid setting of the web server, or an invalid request to the browser interface."""


class ExportFailed(PocketganError):
    """A model that could not be exported or uploaded correctly."""


class TrackingFailed(PocketganError):
    """Something that an experiment tracker refused; the run's folder is as it was."""


class RunFailed(PocketganError):
    """A run that stopped early; everything saved before is intact."""


class NonFiniteLoss(RunFailed):
    """A loss, or Adam's update from it, that became infinite or not a number; nothing of that step was saved."""


class Unhealthy(RunFailed):
    """A failure that the watchdog detected while `on_failure` is `stop`."""


class StorageError(RunFailed):
    """A file that could not be written, because the disk is full or permission is missing."""


class CheckpointDamaged(Exception):
    """A checkpoint that is cut short, altered or otherwise unreadable."""


def check_language(code: str, *, field: str = "lang") -> str:
    """Returns the code of one of Pocketgan's languages, such as `zh-TW` for `zh_tw`; `field` is where it was set.

    Raises:
        UserError: there is no such language.
    """
    from pocketgan.base.language import LANGUAGES

    known = next((one for one in LANGUAGES if one.lower() == code.replace("_", "-").lower()), None)
    if known is None:
        raise UserError(
            "no language",
            field=field,
            code=code,
            hint=nearest(code, LANGUAGES),
            known=", ".join(LANGUAGES),
        )
    return known


def out_of_memory(error: Exception) -> bool:
    """Returns whether an error says that there is no memory left; PyTorch has no class for it on the CPU."""
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "allocate" in str(error))


def nearest(name: str, names: Iterable[str]) -> str:
    """Returns `; did you mean 'x'?` for the name closest to `name`, or an empty text if no name is close."""
    matches = difflib.get_close_matches(name, list(names), n=1, cutoff=0.6)
    return problem("did you mean", name=matches[0]) if matches else ""

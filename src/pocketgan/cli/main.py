"""The `pocketgan` command: its overview, its errors and its exit codes. Commands are in `commands.py`."""

import errno
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

from pocketgan.base.errors import (
    INTERRUPTED,
    PocketganError,
    UserError,
    check_language,
    nearest,
    out_of_memory,
    sentence,
)
from pocketgan.base.messages import problem
from pocketgan.base.streams import never_fail_to_encode
from pocketgan.base.version import __version__

COMMANDS = {
    "train": ("train [RECIPE] [flags]", "train a recipe; the default is pocket"),
    "resume": ("resume [RUN] [--duration D]", "continue a run, to its end or longer"),
    "runs": ("runs [DIR] [--json]", "list runs: state, date, quality"),
    "recipes": ("recipes [--json]", "list recipes: what they are, size, duration"),
    "summary": ("summary RECIPE|RUN [flags]", "show layers, output shapes, parameters"),
    "look": ("look DATA [-o DIR]", "show what data holds and how it is read"),
    "check": ("check FILE.py[:NAME]", "check your own networks, losses, metrics"),
    "ui": ("ui [DIR] [--lang L]", "open the browser interface"),
    "generate": ("generate [RUN] [-n N] [-o FILE]", "generate images"),
    "interpolate": ("interpolate [RUN] [-o FILE]", "interpolate between seeds"),
    "write": ("write TEXT [RUN] [-o FILE]", "write a number in generated digits"),
    "timelapse": ("timelapse [RUN] [-o FILE]", "show a run's samples over training"),
    "translate": ("translate [RUN] [-o DIR]", "translate images (image-to-image runs)"),
    "evaluate": ("evaluate [RUN|FOLDER|FILE.npz]", "measure images, beside real ones"),
    "plot": ("plot [RUN ...] [-o DIR]", "plot one run or several, for print"),
    "studies": ("studies", "list the studies in the package"),
    "study": ("study NAME|FILE.toml [-o DIR]", "compare settings over seeds"),
    "report": ("report DIR [--lang L]", "write the report of a study"),
    "race": ("race [DATA] [--for T,T]", "race model families for the same time"),
    "export": ("export [RUN] [-o DIR]", "export weights, ONNX file and model card"),
    "push": ("push DIR user/name", "upload an exported model to Hugging Face"),
    "log": ("log [RUN|STUDY] --to TRACKER", "log to an experiment tracker"),
}
"""Each command, what is typed after it, and what it does."""
GROUPS = {
    "Start": ("train", "resume", "runs", "recipes", "summary", "look", "check", "ui"),
    "Pictures": ("generate", "interpolate", "write", "timelapse", "translate"),
    "Quality": ("evaluate", "plot"),
    "Studies": ("studies", "study", "report", "race"),
    "Share": ("export", "push", "log"),
}
OTHER_NAMES = {"list": "runs", "ls": "runs", "--list": "runs", "gui": "ui", "web": "ui"}
"""What is typed for a command that has another name."""
SLOW = ("look", "train", "resume", "evaluate", "export", "study", "race", "summary", "log")
"""Commands that load for seconds before they show anything; those of pictures show a mark that turns."""
HELP = ("-h", "--help", "--help-all")


def overview() -> str:
    """Returns what `pocketgan --help` shows."""
    width = max(len(usage) for usage, _ in COMMANDS.values())
    lines = ["Pocketgan trains, compares, evaluates and exports GANs on small images."]
    for group, names in GROUPS.items():
        lines += ["", group, *(f"  {usage:<{width}}  {about}" for usage, about in map(COMMANDS.__getitem__, names))]
    lines += ["", "'pocketgan COMMAND -h' shows a command's flags,"]
    lines += ["'pocketgan --print-completion bash|zsh|fish' what completes them. To start:"]
    return "\n".join([*lines, "", '  pocketgan train --duration "1 min"', "  pocketgan ui"])


def dispatch(arguments: list[str]) -> int:
    """Runs the command that the arguments name; returns its exit code."""
    name, rest = (arguments[0], arguments[1:]) if arguments else ("--help", [])
    if name == "help" and rest:
        name, rest = rest[0], ["--help"]
    if name in (*HELP, "help"):
        print(overview())
        return 0
    if name in ("--version", "-V", "version"):
        print(f"pocketgan {__version__}")
        return 0
    if name == "--print-completion":
        from pocketgan.cli.completion import completion

        print(completion(rest[0] if rest else "", {name: about for name, (_, about) in COMMANDS.items()}))
        return 0
    name = OTHER_NAMES.get(name, name)
    if name not in COMMANDS:
        raise UserError("no command", name=name, hint=nearest(name, COMMANDS), known=", ".join(COMMANDS))
    announce(name, rest)
    from pocketgan.cli.commands import run_command, show_help

    asked = next((word for word in rest if word in HELP), "--help" if rest == ["help"] else None)
    return show_help(name, rest, everything=asked == "--help-all") if asked else run_command(name, rest)


def announce(name: str, arguments: list[str]) -> None:
    """Says on a terminal that a command begins which takes seconds to load; elsewhere a mistake stays a single line."""
    silent = {*HELP, "help", "-q", "--quiet", "--dry-run", "--dry_run"}
    if name in SLOW and sys.stderr.isatty() and not silent & set(arguments):
        bare = arguments[:1] if arguments[:1] and not arguments[0].startswith("-") else []
        subject = bare[0] if bare else {"train": "pocket"}.get(name, name)
        print(problem("loading", name=subject), file=sys.stderr, flush=True)


def chosen_language() -> AbstractContextManager[None]:
    """Returns the context of the language that POCKETGAN_LANG names: English without it."""
    code = os.environ.get("POCKETGAN_LANG") or "en"  # An empty variable counts as one that isn't set.
    if code == "en":
        return nullcontext()
    from pocketgan.base.language import speaking

    return speaking(check_language(code, field="POCKETGAN_LANG"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line. Exit codes: 0 done, 1 a run failed, 2 a mistake in the command, 130 interrupted."""
    never_fail_to_encode()
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        with chosen_language():
            return run(words)
    except UserError as error:  # There is no such language.
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:  # While the language was loaded.
        return INTERRUPTED


def run(words: list[str]) -> int:
    """Runs the command line in the current language; an error becomes one line and an exit code."""
    try:
        return dispatch(words)
    except PocketganError as error:
        print(f"error: {message_of(error, words[0] if words else '')}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(problem("stopped"), file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # Whoever read our output has seen enough.
        sys.stderr.close()
        return 0
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        print(f"error: {problem('out of memory')}", file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno == errno.EIO and error.filename is None:  # The terminal was closed.
            return INTERRUPTED
        reason = error.strerror or str(error)
        print(f"error: {sentence(error.filename and str(error.filename), reason)}", file=sys.stderr)
        return 1


def message_of(error: PocketganError, command: str) -> str:
    """Returns what is printed of an error: the field that it is about is written as the flag that the command has."""
    if error.field is None:
        return str(error)
    from pocketgan.cli.commands import flags_of

    is_flag = error.field in flags_of(OTHER_NAMES.get(command, command))
    return sentence(f"--{error.field.replace('_', '-')}", error.reason) if is_flag else str(error)

"""The `pocketgan` command: its overview, its errors and its exit codes. Commands are in `commands.py`."""

import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

from pocketgan.errors import INTERRUPTED, PocketganError, UserError, nearest
from pocketgan.streams import never_fail_to_encode
from pocketgan.version import __version__

COMMANDS = {
    "recipes": ("recipes", "what each is, its networks and parameters, its usual duration"),
    "summary": ("summary RECIPE [flags]", "layers, output shapes, parameters"),
    "train": ("train [RECIPE] [flags] [--out DIR]", "trains a recipe; the default one is pocket"),
    "resume": ("resume RUN [--duration D]", "goes on exactly where a run stopped, or further"),
    "generate": ("generate RUN [--count N] [--out FILE]", "new images from a run's generator"),
    "interpolate": ("interpolate RUN [--from S] [--to S] [--out FILE]", "a walk between seeds, as a film or a picture"),
    "write": ("write TEXT [RUN] [--out FILE]", "a number in generated digits: write 2026"),
    "timelapse": ("timelapse RUN [--out FILE]", "a run's samples over training, as a film or a picture"),
    "plot": ("plot RUN [RUN ...] [--format pdf] [--out DIR]", "the plots of a run, or of several, for print"),
    "evaluate": ("evaluate RUN|FOLDER|FILE.npz [--json]", "how good the images are, with spread and floor"),
    "translate": ("translate RUN [--out DIR]", "redraws images with an image-to-image run"),
    "export": ("export RUN --out DIR", "a generator as a folder to ship: weights, ONNX, model card"),
    "push": ("push DIR user/name", "uploads an exported model to the Hugging Face Hub"),
    "runs": ("runs [DIR]", "a table of runs"),
    "studies": ("studies", "the studies that come with the package"),
    "study": ("study NAME|FILE.toml [--out DIR]", "settings × seeds, in parallel, with a statistical verdict"),
    "ui": ("ui [DIR] [--port P] [--lang L]", "the web page: train, create, redraw and compare in a browser"),
    "report": ("report DIR [--lang uk|ru|ko|zh-TW]", "a study's page, to hand in"),
}


def overview() -> str:
    """Returns what `pocketgan --help` shows."""
    width = max(len(usage) for usage, _ in COMMANDS.values())
    return "\n".join(
        [
            "Pocketgan trains, compares and ships GANs on small images, on a laptop.",
            "",
            *(f"  pocketgan {usage:<{width}}  {about}" for usage, about in COMMANDS.values()),
            "",
            "'pocketgan COMMAND --help' shows a command's flags.",
        ]
    )


def dispatch(arguments: list[str]) -> int:
    """Runs the command that the arguments name; returns its exit code."""
    name, rest = (arguments[0], arguments[1:]) if arguments else ("--help", [])
    if name in ("-h", "--help", "help"):
        print(overview())
        return 0
    if name == "--version":
        print(f"pocketgan {__version__}")
        return 0
    if name not in COMMANDS:
        raise UserError(f"'{name}': no such command{nearest(name, COMMANDS)}; known: {', '.join(COMMANDS)}")
    from pocketgan.commands import run_command

    return run_command(name, rest)


def chosen_language() -> AbstractContextManager[None]:
    """Returns the context of the language that POCKETGAN_LANG names: English without it."""
    code = os.environ.get("POCKETGAN_LANG", "en")
    if code == "en":
        return nullcontext()
    from pocketgan.language import speaking

    return speaking(code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line. Exit codes: 0 done, 1 a run failed, 2 a mistake in what was asked, 130 interrupted."""
    never_fail_to_encode()
    try:
        with chosen_language():
            return dispatch(list(sys.argv[1:] if arguments is None else arguments))
    except PocketganError as error:
        print(f"pocketgan: {as_flag(str(error))}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("pocketgan: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # Whoever read our output has seen enough.
        sys.stderr.close()
        return 0
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and "allocate" not in str(error):
            raise
        print("pocketgan: not enough memory for this; smaller networks, batches or counts take less", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"pocketgan: {error.filename or 'the system'}: {error.strerror or error}", file=sys.stderr)
        return 1


def as_flag(message: str) -> str:
    """Writes the field that begins a message as the flag that the user typed."""
    field, separator, rest = message.partition(": ")
    if not separator or not field.replace("_", "").isalpha():
        return message
    from pocketgan.config import ALIASES, FIELDS

    known = {
        *FIELDS,
        *ALIASES,
        "seed",
        "out",
        "format",
        "label",
        "checkpoint",
        "count",
        "images",
        "metrics",
        "against",
        "inception_weights",
        "jobs",
        "lang",
        "backend",
        "seeds",
        "frames",
        "fps",
        "scale",
        "theme",
        "labels",
        "candidates",
        "over",
        "host",
        "port",
        "password",
    }
    return f"--{field.replace('_', '-')}: {rest}" if field in known else message

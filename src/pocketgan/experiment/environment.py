"""Versions and machine at the start of a run."""

import platform
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from pocketgan.base.version import __version__
from pocketgan.config.code import hashes
from pocketgan.runs.records import Environment


def describe_environment(device: str, code: Mapping[str, bytes] | None = None) -> Environment:
    """Returns the versions, the machine and the code of one's own at the start of a run."""
    typed = Path(sys.argv[0]).name in ("pocketgan", "__main__.py")
    return Environment(
        pocketgan=__version__,
        python=platform.python_version(),
        torch=torch.__version__,
        numpy=np.__version__,
        platform=platform.platform(),
        processor=platform.processor() or platform.machine(),
        device=device,
        threads=torch.get_num_threads(),
        command=shlex.join(["pocketgan", *sys.argv[1:]]) if typed else "",
        code=hashes(code or {}),
    )

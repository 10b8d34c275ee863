"""Prints what pip needs to take PyTorch's CPU build, or nothing where pip's own choice is right.

On Linux pip takes a build with gigabytes of CUDA libraries. A machine without an NVIDIA driver has no use for them, so
the Makefile installs the CPU build first, if PyTorch's own index for it answers within two seconds. Standard library
alone: it runs before anything is installed.
"""

import platform
import re
import shutil
import sys
import urllib.request
from pathlib import Path

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
SECONDS = 2.0


def has_nvidia_driver(root: Path = Path("/")) -> bool:
    """Whether this machine has an NVIDIA driver."""
    return (root / "proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def answers(index: str, seconds: float) -> bool:
    """Whether an index of packages has PyTorch, and says so in time."""
    try:
        with urllib.request.urlopen(f"{index}/torch/", timeout=seconds) as response:
            return response.status == 200
    except (OSError, ValueError):
        return False


def pinned(constraints: Path) -> str:
    """Returns the requirement of PyTorch in a file of constraints; any version where it has none."""
    found = re.search(r"^torch==\S+", constraints.read_text(encoding="utf-8"), re.MULTILINE)
    return found[0] if found else "torch"


def arguments(constraints: Path, index: str = CPU_INDEX) -> list[str]:
    """Returns the arguments of `pip install`; none where pip should choose."""
    if platform.system() != "Linux" or has_nvidia_driver() or not answers(index, SECONDS):
        return []
    return ["--no-deps", "--index-url", index, pinned(constraints)]


if __name__ == "__main__":
    sys.stdout.write(" ".join(arguments(Path(sys.argv[1]), *sys.argv[2:])))

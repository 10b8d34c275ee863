"""The wheel and the sdist: they hold what the program needs, install without the repository, and run."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from pocketgan.base.version import __version__

ROOT = Path(__file__).resolve().parents[1]
NEEDED = (
    "mnist/train-images-idx3-ubyte.gz", "metrics/digits.safetensors", "locales/uk.po", "web/page.css", "web/page.js",
    "py.typed",
)  # fmt: skip

pytest.importorskip("build", reason="build isn't installed")


def run(*words: object, folder: Path) -> str:
    """Runs a program that knows nothing of the repository; returns what it printed."""
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run([*map(str, words)], cwd=folder, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_wheel_and_sdist_hold_everything_install_and_run(tmp_path: Path) -> None:
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", tmp_path / "dist", ROOT, folder=tmp_path)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    (sdist,) = (tmp_path / "dist").glob("*.tar.gz")
    assert wheel.name.startswith(f"pocketgan-{__version__}-py3")
    names = zipfile.ZipFile(wheel).namelist()
    assert all(f"pocketgan/{name}" in names for name in NEEDED)
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    assert all(f"src/pocketgan/{name}" in inside for name in NEEDED) and {"LICENSE", "NOTICE", "README.md"} <= inside
    # A clean environment: the dependencies are those of this one, Pocketgan itself is the wheel's.
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "clean", folder=tmp_path)
    python = tmp_path / "clean" / "bin" / "python"
    place = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", folder=tmp_path).strip())
    zipfile.ZipFile(wheel).extractall(place)
    (place / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    code = "import pocketgan; print(pocketgan.__file__)"
    assert Path(run(python, "-c", code, folder=tmp_path).strip()).is_relative_to(place)
    train = ("train", "minimal", "--duration", "2 steps", "--hidden-dim", "4", "--quiet", "--out", "run")
    run(python, "-m", "pocketgan", *train, folder=tmp_path)
    run(python, "-m", "pocketgan", "generate", "run", "--count", "4", "--out", "four.png", folder=tmp_path)
    assert (tmp_path / "four.png").is_file()

"""The examples: parts of one's own, and a package with entry points, as their pages say."""

import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from pocketgan.cli.main import main
from pocketgan.config import parts
from pocketgan.runs.records import read_object

ROOT = Path(__file__).resolve().parents[1]
OWN, PACKAGE = ROOT / "examples" / "own_parts", ROOT / "examples" / "own_package"
SHORT = ["--duration=3 steps", "--batch-size=8", "--evaluate-every=none", "--sample-every=end", "--threads=1", "-q"]

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("POCKETGAN_CODE", raising=False)
    with parts.own_table():
        yield


@pytest.mark.parametrize("file", sorted(OWN.glob("*.py")), ids=lambda path: path.stem)
def test_examples_of_parts_have_nothing_to_mend(file: Path) -> None:
    assert main(["check", str(file)]) == 0


def test_an_own_generator_and_discriminator(data: Path) -> None:
    file = str(OWN / "sn_dcgan.py")
    for norm in ("none", "batch", "spectral"):
        options = ["--generator-options", "channels=4", "--discriminator-options", "channels=4", f"norm={norm}"]
        assert main(["train", f"{file}:recipe", *SHORT, *options, f"--data={data}", f"--out=runs/{norm}"]) == 0
        assert main(["generate", f"runs/{norm}", "-n", "4", "-o", f"{norm}.png", "--code", file]) == 0


def test_an_own_loss_and_an_own_metric(data: Path) -> None:
    loss, metric = OWN / "focal_loss.py", OWN / "stroke_width.py"
    assert main(["train", "mlp", "--objective", f"{loss}:focal", *SHORT, f"--data={data}", "--out=runs/focal"]) == 0
    names = f"frechet_distance,{metric}:stroke_width"
    words = ["evaluate", "runs/focal", "--count=500", "--against", str(data), "--features=random", "-q"]
    assert main([*words, "--metrics", names]) == 0
    scores = read_object(Path("runs/focal/evaluation/evaluation.json"))["metrics"]
    assert scores["stroke_width"]["value"] > 0


def test_an_own_optimizer_and_an_own_schedule(data: Path) -> None:
    file = OWN / "lion.py"
    words = ["--optimizer", f"{file}:Lion", "--optimizer-options", "decay=0.1", "--schedule", f"{file}:steps"]
    assert main(["train", "mlp", *words, *SHORT, f"--data={data}", "--out=runs/lion"]) == 0


def test_an_own_objective_without_a_discriminator(data: Path) -> None:
    flags = ["--hidden-dim=4", "--log-every=1 step", f"--data={data}", "--out=runs/mmd"]
    assert main(["train", "drifting", "--objective", f"{OWN / 'mmd.py'}:mmd", *SHORT, *flags]) == 0
    rows = [json.loads(line) for line in Path("runs/mmd/stats.jsonl").read_text().splitlines()]
    assert len(rows) == 3 and all(row["g_loss"] < 3 and "d_loss" not in row for row in rows)


def test_a_package_offers_parts_through_entry_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    about = tmp_path / "site" / "pocketgan_tiny-0.1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    lines = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
    (about / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site"), str(PACKAGE / "src"), *sys.path])
    assert main(["train", "tiny", *SHORT, "--out=runs/tiny"]) == 0
    assert main(["generate", "runs/tiny", "-n", "4", "-o", "tiny.png"]) == 0
    from pocketgan_tiny import TinyDiscriminator, TinyGenerator  # pyright: ignore[reportMissingImports]

    from pocketgan.testing import check_discriminator, check_generator

    check_generator(TinyGenerator, options={"hidden": 8}, latent_dim=16)
    check_discriminator(TinyDiscriminator)

"""Completion for shells, `--json`, `--config FILE.toml` and NO_COLOR: what scripts and terminals are given."""

import json
import re
import shutil
import subprocess
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from pocketgan.base.printing import Column, show
from pocketgan.base.progress import plain_console
from pocketgan.cli.commands import flags_of
from pocketgan.cli.completion import SHELLS, commands, completion
from pocketgan.cli.main import COMMANDS, main
from pocketgan.config import parts
from pocketgan.config.parts import BUILT_IN
from pocketgan.config.recipes import RECIPES

ABOUTS = {name: about for name, (_, about) in COMMANDS.items()}


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_completed_is_what_the_command_takes(name: str) -> None:
    long = {one[2:].replace("-", "_") for flag in commands(ABOUTS)[name].flags for one in flag.names if len(one) > 2}
    known = set(flags_of(name))
    assert {one.removeprefix("no_") if one.removeprefix("no_") in known else one for one in long} <= known
    assert {"help"} <= long and (name not in ("train", "evaluate") or {"code", "out", "seed"} <= long)


def test_flags_know_their_values() -> None:
    train = {name: flag for flag in commands(ABOUTS)["train"].flags for name in flag.names}
    assert train["--layout"].choices == ["square", "strip"] or train["--layout"].choices
    assert train["--duration"].takes_value and not train["--duration"].choices
    assert not train["--quiet"].takes_value and train["-q"] == train["--quiet"]
    assert not train["--no-conditional"].takes_value
    assert commands(ABOUTS)["train"].words == list(RECIPES)


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_names_all_commands_and_recipes(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--print-completion", shell]) == 0
    text = capsys.readouterr().out
    for word in (*COMMANDS, *RECIPES, "batch-size"):
        assert re.search(rf"(?<![\w-])(--)?{word}(?![\w-])", text), word
    program = shutil.which(shell)
    if program is not None:
        subprocess.run([program, "-n"], input=text, text=True, check=True, capture_output=True)


def test_an_unknown_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--print-completion", "basch"]) == 2
    assert capsys.readouterr().err.startswith("error: --print-completion must be one of bash, zsh, fish")
    assert main(["--print-completion"]) == 2


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["pocketgan", "tra"], {"train", "translate"}),
        (["pocketgan", "train", "mi"], {"minimal"}),
        (["pocketgan", "train", "minimal", "--batch-s"], {"--batch-size"}),
        (["pocketgan", "generate", "--theme", ""], {"dark", "light"}),
        (["pocketgan", "generate", "--out", ""], set()),
        (["pocketgan", "study", "latent"], {"latent-dim"}),
    ],
)
def test_bash_completes(words: list[str], expected: set[str]) -> None:
    assert completed_by_bash(words) == expected


def completed_by_bash(words: list[str]) -> set[str]:
    """Returns what bash offers for the last of these words."""
    quoted = " ".join(f"'{word}'" for word in words)
    script = f"{completion('bash', ABOUTS)}\nCOMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _pocketgan\n"
    script += 'printf "%s\\n" "${COMPREPLY[@]}"; complete -p pocketgan >&2\n'
    done = subprocess.run(["bash", "--norc"], input=script, text=True, check=True, capture_output=True)
    assert "_pocketgan" in done.stderr
    return set(done.stdout.split())


# Parts of one's own.

OWN = """
import torch
from pocketgan import separable
open("ran", "w")
GAMMA = 2.0
class Painter(torch.nn.Module):
    size = int(3)
    def forward(self, z): ...
class Lion (torch.optim.Optimizer): ...
class _Base: ...
def recipe():
    inner = separable(1, 2, 3)
def steps(progress): ...
focal = separable(lambda r: r, lambda f: f, lambda r, f: f)
sharp: object = torch.metric(3)
"""
CLASSES, FUNCTIONS, VALUES = {"Painter", "Lion"}, {"recipe", "steps"}, {"focal", "sharp"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file of one's own parts; the current one."""
    (tmp_path / "my_gan.py").write_text(OWN)
    (tmp_path / "notes.txt").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (["train", "mlp", "--generator"], CLASSES),
        (["train", "mlp", "--discriminator"], CLASSES),
        (["train", "mlp", "--optimizer"], CLASSES),
        (["train", "mlp", "--objective"], VALUES),
        (["evaluate", "runs/x", "--metrics"], VALUES),
        (["train", "mlp", "--schedule"], FUNCTIONS),
        (["train"], FUNCTIONS),
        (["check"], CLASSES | FUNCTIONS | VALUES),
    ],
)
def test_bash_completes_the_names_in_a_file_without_running_it(
    before: list[str], expected: set[str], folder: Path
) -> None:
    words = ["pocketgan", *before]
    assert completed_by_bash([*words, "my_gan.py", ":"]) == expected, "the colon separates words, as usual"
    some = next(iter(sorted(expected)))
    assert completed_by_bash([*words, "my_gan.py", ":", some[:2]]) == {some}
    assert completed_by_bash([*words, "my_gan.py:"]) == {f"my_gan.py:{name}" for name in expected}
    assert completed_by_bash([*words, f"{folder}/my_gan.py", ":", some[:2]]) == {some}
    assert completed_by_bash([*words, "my_g"]) == {"my_gan.py:"}
    assert completed_by_bash([*words, "gone.py", ":"]) == set()
    assert not (folder / "ran").exists()


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_parts_of_the_package_and_files(folder: Path) -> None:
    words = ["pocketgan", "train", "mlp", "--objective", ""]
    assert completed_by_bash(words) == {*BUILT_IN["objective"], "my_gan.py:"}


@pytest.mark.skipif(shutil.which("fish") is None, reason="needs fish")
def test_fish_completes_the_names_in_a_file(folder: Path) -> None:
    (folder / "script.fish").write_text(completion("fish", ABOUTS))
    for line, expected in (
        ("train mlp --generator my_gan.py:", {f"my_gan.py:{name}" for name in CLASSES}),
        ("train mlp --generator my_g", {"my_gan.py:"}),
        ("train mlp --objective my_gan.py:f", {"my_gan.py:focal"}),
        ("check my_gan.py:st", {"my_gan.py:steps"}),
    ):
        command = ["fish", "-N", "-c", f"source script.fish; complete -C 'pocketgan {line}'"]
        done = subprocess.run(command, text=True, check=True, capture_output=True)
        assert {row.partition("\t")[0] for row in done.stdout.splitlines()} == expected
    assert not (folder / "ran").exists()


def test_parts_of_installed_packages_are_completed() -> None:
    point = EntryPoint("sngan", "nowhere:Generator", "pocketgan.generators")
    recipe = EntryPoint("tiny", "nowhere:recipe", "pocketgan.recipes")
    with patch.object(parts, "installed", lambda kind: {"generator": [point], "recipe": [recipe]}.get(kind, [])):
        train = commands(ABOUTS)["train"]
    generator = next(flag for flag in train.flags if "--generator" in flag.names)
    assert generator.choices == [*BUILT_IN["generator"], "sngan"] and generator.defined == "class"
    assert train.words == [*RECIPES, "tiny"]


# JSON.


def test_recipes_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert [one["recipe"] for one in values] == list(RECIPES)
    assert all(one["generator_parameters"] > 1000 and one["about"] for one in values)


def test_a_summary_as_json(small_runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["summary", str(small_runs / "noise"), "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["recipe"] == "minimal"
    for name in ("generator", "discriminator"):
        network = values[name]
        assert network["parameters"] == sum(layer["parameters"] for layer in network["layers"]) > 0
    assert values["discriminator"]["layers"][-1]["output"] in ([], [1])


# A configuration in TOML.


def as_toml(values: dict[str, Any], section: str = "") -> str:
    """Returns nested values as TOML, which has no null."""
    plain = [f"{name} = {json.dumps(value)}" for name, value in values.items() if not isinstance(value, dict | None)]
    inner = [as_toml(value, f"{section}{name}.") for name, value in values.items() if isinstance(value, dict)]
    return "\n".join([*([f"[{section[:-1]}]"] if section else []), *plain, *inner])


def test_a_file_without_sections_holds_settings_of_a_recipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('recipe = "mlp"\nsteps = 3\nobjective = "hinge"\n')
    assert main(["train", "--config", str(path), "--dry-run"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["recipe"] == "mlp" and values["train"]["duration"] == "3 steps"
    assert values["objective"]["objective"] == "hinge"
    for text, word in (
        ("durationn = 3", "durationn"),
        ("recipe = 3", "'3'"),
        ('recipe = "mlp"\n[train]\nratee = 3', "ratee"),
    ):
        path.write_text(text)
        assert main(["train", "--config", str(path), "--dry-run"]) == 2
        err = capsys.readouterr().err
        assert err.startswith("error: --config: ") and word in err and err.count("\n") == 1


def test_what_dry_run_printed_begins_a_run_from_toml_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "dcgan", "--batch-size", "32", "--dry-run"]) == 0
    printed = json.loads(capsys.readouterr().out)
    (tmp_path / "mine.toml").write_text(as_toml(printed), encoding="utf-8")
    assert main(["train", "--config", str(tmp_path / "mine.toml"), "--dry-run"]) == 0
    assert json.loads(capsys.readouterr().out) == printed


@pytest.mark.parametrize("content", [b"[train", b"\xff", None])
def test_what_is_no_toml_is_refused_in_one_line(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.toml"
    if content is not None:
        path.write_bytes(content)
    assert main(["train", "--config", str(path), "--dry-run"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("error: --config: ") and "mine.toml" in err and err.count("\n") == 1


# Colors.


@pytest.mark.parametrize("variable", ["1", ""])
def test_no_color_is_respected(
    variable: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("NO_COLOR", variable)
    plain_console().print("[red]text[/]", markup=True, style="blue")
    show([Column("name")], [["value"]])
    out, err = capsys.readouterr()
    colors = re.findall(r"\x1b\[[\d;]*(?:3\d|38;5;\d+)m", out + err)
    assert bool(colors) == (variable == ""), "an empty NO_COLOR means nothing"

"""Completion for shells, `--json`, `--config FILE.toml` and NO_COLOR: what scripts and terminals are given."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pocketgan.base.printing import Column, show
from pocketgan.base.progress import plain_console
from pocketgan.cli.commands import flags_of
from pocketgan.cli.completion import SHELLS, commands, completion
from pocketgan.cli.main import COMMANDS, main
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
    quoted = " ".join(f"'{word}'" for word in words)
    script = f"{completion('bash', ABOUTS)}\nCOMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}; _pocketgan\n"
    script += 'printf "%s\\n" "${COMPREPLY[@]}"; complete -p pocketgan >&2\n'
    done = subprocess.run(["bash", "--norc"], input=script, text=True, check=True, capture_output=True)
    assert set(done.stdout.split()) == expected
    assert "_pocketgan" in done.stderr


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

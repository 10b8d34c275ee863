"""`pocketgan push`, against a stand-in of the Hub's client: no network."""

import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import MagicMock, create_autospec

import huggingface_hub
import pytest

import pocketgan
from pocketgan.cli.main import main
from pocketgan.config.sections import RunConfig
from pocketgan.runs.exported import FILES

ADDRESS = "https://huggingface.co/ada/digits"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, data: Path, tiny_config: Callable[..., RunConfig]) -> Path:
    place = tmp_path_factory.mktemp("pushed")
    run = pocketgan.train(tiny_config("minimal", data=str(data)), out=place / "run", progress=False)
    return pocketgan.export(run, place / "model", format="safetensors", progress=False).folder


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> MagicMock:
    """A client that takes the calls that the real one takes, and notes them."""
    stand_in = create_autospec(huggingface_hub.HfApi, instance=True)
    stand_in.create_repo.return_value = huggingface_hub.RepoUrl(ADDRESS)
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: stand_in)
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "hf_stand_in")
    return stand_in


def test_its_own_files_go_up_in_one_commit(folder: Path, api: MagicMock, capsys: pytest.CaptureFixture[str]) -> None:
    stray = [folder / "generated.png", folder / "secrets.txt", folder / "evaluation" / "evaluation.json"]
    stray[-1].parent.mkdir(exist_ok=True)
    for path in stray:
        path.write_text("not to be shipped")
    assert main(["push", str(folder), "ada/digits"]) == 0
    assert capsys.readouterr().out == f"{ADDRESS}\n"
    api.create_repo.assert_called_once_with("ada/digits", private=None, exist_ok=True)
    api.create_commit.assert_called_once()
    repository, operations = api.create_commit.call_args.args
    assert repository == "ada/digits"
    sent = {}
    for operation in operations:
        assert isinstance(operation, huggingface_hub.CommitOperationAdd)
        with operation.as_file() as file:
            sent[operation.path_in_repo] = file.read()
    assert set(sent) == set(FILES) - {"model.onnx"}
    assert all(content == (folder / name).read_bytes() for name, content in sent.items())
    assert [call[0] for call in api.method_calls] == ["create_repo", "create_commit"], (
        "nothing else is asked of the Hub"
    )


def test_a_private_repository(folder: Path, api: MagicMock) -> None:
    assert pocketgan.push(folder, "ada/digits", private=True) == ADDRESS
    assert api.create_repo.call_args.kwargs["private"] is True


NAMES = """
digits ada/ /digits ada/digits/more ada/di--gits ada/.. ada/x.git .a/b ada/b- https://huggingface.co/ada/digits
ada/ziffern–neu
"""


@pytest.mark.parametrize("name", [*NAMES.split(), "ada smith/digits", "ada/" + "x" * 93, ""])
def test_a_bad_name_is_one_line(name: str, folder: Path, api: MagicMock, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["push", str(folder), name]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.startswith(f"error: repository: '{name}' isn't a repository name; write 'user/name'")
    assert api.method_calls == []


@pytest.mark.parametrize("name", ["ada/digits", "Ada_L/di.gits-2", "a/b", "ada/" + "x" * 92])
def test_names_that_the_hub_takes_are_taken(name: str, folder: Path, api: MagicMock) -> None:
    huggingface_hub.utils.validate_repo_id(name)
    pocketgan.push(folder, name)
    assert api.create_repo.call_args.args == (name,)


def test_nobody_is_logged_in(
    folder: Path, api: MagicMock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    assert main(["push", str(folder), "ada/digits"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.startswith("error: push: nobody is logged in")
    assert "'hf auth login'" in err and "HF_TOKEN" in err
    assert api.method_calls == []


def test_the_extra_is_missing(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert main(["push", str(folder), "ada/digits"]) == 2
    expected = "error: push: huggingface_hub isn't installed; pip install huggingface_hub\n"
    assert capsys.readouterr().err == expected


def test_only_an_intact_model_is_uploaded(
    folder: Path, api: MagicMock, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for place, expected in ((folder.parent / "run", "holds no exported model"), (tmp_path / "no", "doesn't exist")):
        assert main(["push", str(place), "ada/digits"]) == 2
        assert expected in capsys.readouterr().err
    content = (folder / "model.safetensors").read_bytes()
    try:
        (folder / "model.safetensors").write_bytes(content[:-1])
        assert main(["push", str(folder), "ada/digits"]) == 2
        assert "model.safetensors doesn't match its SHA-256" in capsys.readouterr().err
    finally:
        (folder / "model.safetensors").write_bytes(content)
    assert api.method_calls == []


@pytest.mark.parametrize("call", ["create_repo", "create_commit"])
@pytest.mark.parametrize("error", [ConnectionError("no route\nto host"), RuntimeError(), ValueError("403 Forbidden")])
def test_a_hub_that_refuses_is_one_line_and_exit_code_1(
    call: str, error: Exception, folder: Path, api: MagicMock, capsys: pytest.CaptureFixture[str]
) -> None:
    getattr(api, call).side_effect = error
    assert main(["push", str(folder), "ada/digits"]) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.startswith("error: push: 'ada/digits' was not uploaded: ")
    assert err.endswith("; run the same command to try again\n")

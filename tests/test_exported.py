"""Loading a model from elsewhere runs no code: whatever isn't what was exported is refused, in one sentence."""

import hashlib
import json
import pickle
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save

import pocketgan
from pocketgan.base.errors import ModelError, UserError
from pocketgan.cli.main import main
from pocketgan.config.sections import RunConfig
from pocketgan.runs.exported import LONGEST, ExportedModel
from pocketgan.runs.weights import load_generator
from refusals import refused

Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, data: Path, tiny_config: Callable[..., RunConfig]) -> Path:
    place = tmp_path_factory.mktemp("exported")
    config = tiny_config("minimal", data=str(data), conditional=True)
    run = pocketgan.train(config, out=place / "run", progress=False)
    return pocketgan.export(run, place / "model", format="safetensors", progress=False).folder


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    """A copy, to be spoilt."""
    return shutil.copytree(original, tmp_path / "model")


def change(folder: Path, edit: Change) -> None:
    values = json.loads((folder / "config.json").read_text())
    edit(values)
    (folder / "config.json").write_text(json.dumps(values))


def replace_weights(folder: Path, content: bytes) -> None:
    """Replaces the weights' file, and the hash that would give that away."""
    (folder / "model.safetensors").write_bytes(content)
    change(folder, lambda values: values["files"].update({"model.safetensors": hashlib.sha256(content).hexdigest()}))


def refusal(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Returns the one line that `generate` refuses a folder with."""
    capsys.readouterr()
    assert main(["generate", str(folder), "--count", "2", "--out", str(folder / "made.png")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert len(err) < 2 * LONGEST + 2 * len(str(folder))
    assert err.rstrip("\n").isprintable()
    assert not (folder / "made.png").exists()
    return err


class Payload:
    """What a hostile pickle holds: a call, here of a function that leaves a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.trace,)


# Weights.


def test_a_pickle_is_refused_and_not_run(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trace = tmp_path / "trace"
    hostile = pickle.dumps(Payload(trace))
    pickle.loads(hostile)
    assert trace.exists(), "it would run"
    trace.unlink()
    (folder / "model.safetensors").write_bytes(hostile)
    assert "model.safetensors doesn't match its SHA-256" in refusal(folder, capsys)
    replace_weights(folder, hostile)
    assert "isn't a safetensors file; other kinds can run code and are never opened" in refusal(folder, capsys)
    torch.save({"weights": Payload(trace)}, folder / "model.safetensors")
    replace_weights(folder, (folder / "model.safetensors").read_bytes())
    assert "isn't a safetensors file" in refusal(folder, capsys)
    assert not trace.exists()


def test_other_files_in_the_folder_are_not_looked_at(folder: Path, original: Path, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    for name in ("pytorch_model.bin", "model.pt", "model.pkl"):
        (folder / name).write_bytes(pickle.dumps(Payload(trace)))
    for name in ("modeling.py", "__init__.py", "conftest.py"):
        (folder / name).write_text(f"open({str(trace)!r}, 'w')")
    (folder / "model.onnx").write_bytes(b"no ONNX")
    made = pocketgan.load(folder).generate(4).images
    assert (made == pocketgan.load(original).generate(4).images).all()
    assert not trace.exists()


@pytest.mark.parametrize("where", ["header", "middle", "end", "cut", "longer", "empty", "missing"])
def test_a_tampered_file_is_refused(where: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "model.safetensors"
    content = bytearray(path.read_bytes())
    place = {"header": 20, "middle": len(content) // 2, "end": len(content) - 1}
    if where in place:
        content[place[where]] ^= 1
    changed = {"cut": content[:-9], "longer": content + b"0", "empty": b""}.get(where, bytes(content))
    path.write_bytes(changed)
    if where == "missing":
        path.unlink()
        assert f"can't read {path}: No such file" in refusal(folder, capsys)
    else:
        assert "model.safetensors doesn't match its SHA-256" in refusal(folder, capsys)


def test_a_forged_header_is_one_error_or_other_pixels(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the header claims, with the hash forged to match: loading ends in one line, or in plain tensors."""
    content = (folder / "model.safetensors").read_bytes()
    size = 8 + int.from_bytes(content[:8], "little")
    draw = random.Random(0)
    outcomes = set()
    for _ in range(150):
        forged = bytearray(content)
        for _ in range(draw.randint(1, 3)):
            forged[draw.randrange(size)] = draw.choice(b'0123456789{}[]":,IF-\x00\xff')
        replace_weights(folder, bytes(forged))
        try:
            load_generator(pocketgan.load(folder))
            outcomes.add("loaded")
        except UserError as error:
            outcomes.add("refused" if "\n" not in str(error) else str(error))
    assert "refused" in outcomes
    assert outcomes <= {"refused", "loaded"}


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (lambda weights: weights.pop("layers.0.bias"), "generator.layers.0.bias is missing there"),
        (lambda weights: weights.update(extra=torch.zeros(1)), "generator.extra has no place here"),
        (
            lambda weights: weights.update({"layers.0.bias": torch.zeros(9)}),
            "generator.layers.0.bias is (9,) there, (8,) here",
        ),
        (
            lambda weights: weights.update({"layers.0.bias": torch.zeros(8, dtype=torch.int64)}),
            "generator.layers.0.bias is torch.int64 there, torch.float32 here",
        ),
    ],
)
def test_weights_of_another_network_are_refused(
    edit: Callable[[dict[str, torch.Tensor]], None], expected: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = load_file(folder / "model.safetensors")
    edit(weights)
    replace_weights(folder, save(weights))
    assert expected in refusal(folder, capsys)


# The configuration.

HOSTILE: list[tuple[str, Change, str]] = [
    ("an unknown section", lambda v: v.update(script="import os"), "config.json is damaged: script: extra inputs"),
    (
        "an unknown setting",
        lambda v: v["config"]["network"].update(target="os.system"),
        "network.target isn't a setting",
    ),
    (
        "a foreign class",
        lambda v: v["config"]["network"].update(generator="os.system"),
        "there is no 'os.system'",
    ),
    ("no configuration", lambda v: v.update(config=3), "config.json is damaged: config: input should be a valid dict"),
    ("no data", lambda v: v.pop("data"), "config.json is damaged: data: field required"),
    ("a huge image", lambda v: v["data"].update(size=10**9), "data.size: input should be less than or equal to 2048"),
    (
        "no number",
        lambda v: v["origin"].update(seconds=float("nan")),
        "origin.seconds: input should be a finite number",
    ),
    ("a newer format", lambda v: v.update(model_format=99), "has the format 99, and this version reads formats 1 to"),
    ("a strange format", lambda v: v.update(model_format="\n\x1b[2J" * 500), "has the format '\\n\\x1b[2J"),
    ("letters that move the cursor", lambda v: v["config"].update({"\x1b[2J\n": 1}), "?[2J? isn't a setting"),
    (
        "classes of two lines",
        lambda v: v["data"].update(class_names=["a\nb"] * 10),
        "class_names: they can't be printed",
    ),
    (
        "other classes",
        lambda v: v["data"].update(class_names=["a", "b"], class_counts=[1, 1]),
        "input.embedding.weight is (10, 6) there",
    ),
    ("counts of other classes", lambda v: v["data"].update(class_counts=[1, 1]), "class_counts: one for each class"),
    ("counts of nothing", lambda v: v["data"].update(class_counts=[0] * 10), "class_counts: one for each class"),
    ("a negative count", lambda v: v["data"].update(class_counts=[-1] * 10), "data.class_counts"),
    ("an endless count", lambda v: v["data"].update(class_counts=[10**30] * 10), "data.class_counts"),
    ("another recipe's network", lambda v: v["config"]["network"].update(generator="pocket"), "of another network"),
    ("files elsewhere", lambda v: v.update(files={"../../secret": "0"}), "was exported as model.onnx only"),
]


@pytest.mark.parametrize(("edit", "expected"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE])
def test_a_hostile_configuration_is_refused(
    edit: Change, expected: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(folder, edit)
    assert expected in refusal(folder, capsys)


def test_a_network_larger_than_its_weights_takes_no_memory(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """33 million billion parameters are asked for; they are counted, and never made."""
    made: list[str] = []
    build = pocketgan.runs.weights.build_generator  # pyright: ignore[reportAttributeAccessIssue]

    def note(*arguments: Any) -> Any:
        network = build(*arguments)
        made.extend({tensor.device.type for tensor in network.state_dict().values()})
        return network

    monkeypatch.setattr("pocketgan.runs.weights.build_generator", note)
    huge = {"hidden_dim": 8192, "width": 64.0, "depth": 16, "latent_dim": 4096}
    change(folder, lambda values: values["config"]["network"].update(huge))
    assert "holds the weights of another network" in refusal(folder, capsys)
    assert made == ["meta"]


@pytest.mark.parametrize(
    "content", ["[" * 200_000, "{", "", "[]", '{"model_format": ' + "1" * 5000 + "}", "\ud800", " " * 11_000_000 + "{}"]
)
def test_json_made_to_hurt_is_refused(content: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "config.json").write_bytes(content.encode("utf-8", "surrogatepass"))
    assert str(folder) in refusal(folder, capsys)


def test_opening_what_is_no_model(original: Path, tmp_path: Path) -> None:
    with refused("no model folder", "model") as caught:
        ExportedModel.open(tmp_path / "nothing")
    assert caught.value.key == "no model folder"
    with pytest.raises(ModelError) as caught:
        ExportedModel.open(original.parent / "run")
    assert caught.value.key == "no exported model"
    with refused("no run folder", "run"):
        pocketgan.load(tmp_path / "nothing")
    with refused("model for run", "run"):
        pocketgan.open_run(original)
    with refused("model for run", "run"):
        pocketgan.resume(original, progress=False)

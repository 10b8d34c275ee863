"""Evaluation of any tool's generator where only the ONNX file is left."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import pocketgan
from pocketgan.cli.main import main
from pocketgan.runs.onnx_images import OnnxSource, in_order
from refusals import refused

SIZE, LATENTS = 8, 5


def write(
    path: Path,
    *,
    shape: tuple[Any, ...] = ("n", LATENTS),
    output: tuple[int, ...] = (-1, 1, SIZE, SIZE),
    labels: tuple[Any, ...] | None = None,
    kind: int = TensorProto.FLOAT,
    unit: bool = False,
) -> Path:
    """Writes a generator: a matrix and tanh, or a sigmoid; labels make images brighter."""
    channels = 3 if 3 in output else 1
    weights = np.random.default_rng(0).normal(size=(LATENTS, channels * SIZE * SIZE)).astype(np.float32)
    constants = {"weights": weights, "flat": np.array([-1, LATENTS]), "output": np.array(output)}
    nodes = [
        helper.make_node("Reshape", ["z", "flat"], ["rows"]),
        helper.make_node("MatMul", ["rows", "weights"], ["sums"]),
    ]
    inputs, last = [helper.make_tensor_value_info("z", kind, shape)], "sums"
    if labels is not None:
        inputs.append(helper.make_tensor_value_info("y", TensorProto.INT64, labels))
        constants["column"] = np.array([-1, 1])
        nodes += [
            helper.make_node("Cast", ["y"], ["classes"], to=TensorProto.FLOAT),
            helper.make_node("Reshape", ["classes", "column"], ["shift"]),
            helper.make_node("Add", ["sums", "shift"], ["shifted"]),
        ]
        last = "shifted"
    nodes += [
        helper.make_node("Sigmoid" if unit else "Tanh", [last], ["values"]),
        helper.make_node("Reshape", ["values", "output"], ["x"]),
    ]
    made = helper.make_graph(
        nodes, "generator", inputs, [helper.make_tensor_value_info("x", kind, None)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )  # fmt: skip
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, path)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "model.onnx")


@pytest.mark.parametrize(
    "output", [(-1, 1, SIZE, SIZE), (-1, SIZE, SIZE, 1), (-1, SIZE, SIZE), (-1, SIZE * SIZE)], ids=str
)
@pytest.mark.parametrize("shape", [("n", LATENTS), ("n", LATENTS, 1, 1), (4, LATENTS)], ids=str)
def test_latents_and_images_of_any_usual_shape(tmp_path: Path, shape: tuple[Any, ...], output: tuple[int, ...]) -> None:
    made = OnnxSource(write(tmp_path / "m.onnx", shape=shape, output=output), None, "-1:1").images(10, 3)
    usual = OnnxSource(write(tmp_path / "u.onnx"), LATENTS, "-1:1").images(10, 3)
    assert made.images.shape == (10, 1, SIZE, SIZE)
    assert made.images.equal(usual.images)
    assert made.labels is None
    assert not made.images.equal(OnnxSource(tmp_path / "u.onnx", LATENTS, "-1:1").images(10, 4).images)


def test_images_in_color() -> None:
    first = np.zeros((2, 3, 4, 4))
    assert in_order(first, Path("x")).shape == in_order(first.transpose(0, 2, 3, 1), Path("x")).shape == (2, 3, 4, 4)


def test_the_range_of_values(tmp_path: Path, file: Path) -> None:
    unit = OnnxSource(write(tmp_path / "unit.onnx", unit=True), None, "0:1").images(50, 0).images
    assert unit.min() < 30
    assert unit.max() > 225
    with refused("onnx outside", "pixel_range", value="0:1"):
        OnnxSource(file, None, "0:1").images(50, 0)
    dark = OnnxSource(tmp_path / "unit.onnx", None, "0:255").images(50, 0).images
    assert dark.max() == 1


@pytest.mark.parametrize("shape", [("n",), ("n", 1)], ids=str)
def test_labels_in_turn(tmp_path: Path, shape: tuple[Any, ...]) -> None:
    source = OnnxSource(write(tmp_path / "m.onnx", labels=shape), None, "-1:1")
    made = source.images(300, 0, ("a", "b", "c"))
    assert made.labels is not None
    assert made.labels[:4].tolist() == [0, 1, 2, 0]
    assert made.class_names == ("a", "b", "c")
    assert made.images[2::3].float().mean() > made.images[::3].float().mean() + 20
    with refused("onnx labels", "source", name="y"):
        source.images(10, 0)


def test_what_is_no_generator_is_refused(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "other.onnx"
    other.write_text("not ONNX")
    with refused("no onnx file", "source"):
        OnnxSource(other, 5, "-1:1").check()
    with refused("unreadable", "source"):
        OnnxSource(tmp_path / "none.onnx", 5, "-1:1").check()
    with refused("latents differ", "latent_dim", found=7, expected=LATENTS):
        OnnxSource(file, 7, "-1:1").check()
    with refused("range missing", "pixel_range"):
        OnnxSource(file, LATENTS, None).check()
    with refused("not one of", "pixel_range", value="-1..1"):
        OnnxSource(file, LATENTS, "-1..1").check()
    with refused("onnx shape", "source"):
        OnnxSource(write(other, output=(-1, 2, 4, 8)), None, "-1:1").images(4, 0)
    free = write(other, shape=("n", "length"))
    with refused("latents of file", "latent_dim"):
        OnnxSource(free, None, "-1:1").check()
    with refused("onnx not run", "source"):
        OnnxSource(free, 7, "-1:1").images(4, 0)
    with refused("onnx inputs", "source"):
        OnnxSource(write(other, shape=("n", LATENTS, 1)), None, "-1:1").check()
    with refused("only of onnx", "latent_dim"):
        pocketgan.evaluate("images.npz", latent_dim=3)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with refused("no onnxruntime", "source"):
        OnnxSource(file, LATENTS, "-1:1").check()


def test_an_evaluation_of_a_file(tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = np.random.default_rng(1).integers(0, 256, (400, SIZE, SIZE), dtype=np.uint8)
    np.savez(tmp_path / "real.npz", images=images)
    words = ["--count", "300", "--against", str(tmp_path / "real.npz"), "--metrics", "frechet_distance"]
    usual = ["--latent-dim", str(LATENTS), "--pixel-range", "-1:1", "--out", str(tmp_path / "page")]
    assert main(["evaluate", str(file), *words, *usual]) == 0
    assert "distance" in capsys.readouterr().out
    assert (tmp_path / "page" / "evaluation.json").is_file()
    assert main(["evaluate", str(file), *words, "--pixel-range", "0:1"]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: --pixel-range: '0:1' isn't the range of ")

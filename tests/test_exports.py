"""`pocketgan export`: the folder, its model card, and what stands on it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import huggingface_hub
import numpy as np
import onnxruntime
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import load_file

import pocketgan
from pocketgan.base.errors import ExportFailed
from pocketgan.cli.main import main
from pocketgan.config.data_section import DataConfig
from pocketgan.config.sections import RunConfig
from pocketgan.exports import folder
from pocketgan.exports.card import NOT_MEASURED, described
from pocketgan.exports.licence import licence_of
from pocketgan.metrics.registry import METRICS
from pocketgan.metrics.words import TITLES
from pocketgan.runs.exported import FILES, ExportedModel
from pocketgan.runs.run import Run
from pocketgan.runs.sampling import draw_classes, sample_latents
from pocketgan.runs.weights import find_checkpoint
from refusals import refused

QUIET = {"progress": False}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exports")


@pytest.fixture(scope="module")
def averaged(place: Path, tiny_config: Callable[..., RunConfig]) -> Run:
    """A conditional run with BatchNorm and an averaged generator, on two digits of MNIST; evaluated at 4 and 8."""
    config = tiny_config(
        "pocket", classes="3,8", duration="8 steps", checkpoint_every="4 steps", evaluate_every="4 steps",
        evaluate_count=200, validation=2000, ema_half_life="3 steps", learning_rate=0.01,
    )  # fmt: skip
    return pocketgan.train(config, out=place / "averaged", **QUIET)


@pytest.fixture(scope="module")
def redraws(place: Path, tiny_config: Callable[..., RunConfig]) -> Run:
    """An image-to-image run on MNIST."""
    return pocketgan.train(tiny_config("white-background", hidden_dim=32), out=place / "redraws", **QUIET)


@pytest.fixture(scope="module")
def own(place: Path, data: Path, tiny_config: Callable[..., RunConfig]) -> Run:
    """A run on images of the user's own, without an average."""
    return pocketgan.train(tiny_config("minimal", data=str(data), conditional=True), out=place / "own", **QUIET)


@pytest.fixture(scope="module")
def shipped(averaged: Run, place: Path) -> ExportedModel:
    """The averaged run's step 4, exported whole."""
    return pocketgan.export(averaged, place / "shipped", checkpoint=4, **QUIET)


@pytest.fixture(scope="module")
def shipped_own(own: Run, place: Path) -> ExportedModel:
    return pocketgan.export(own, place / "shipped own", format="safetensors", **QUIET)


def card_of(model: ExportedModel) -> huggingface_hub.ModelCard:
    return huggingface_hub.ModelCard.load(model.folder / "README.md")


def table_of(text: str) -> dict[str, list[str]]:
    """Returns the rows of a card's tables by their first cell."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return {row[0]: row[1:] for row in rows}


# The folder.


@pytest.mark.slow
def test_the_folder_stands_alone(shipped: ExportedModel, averaged: Run, tmp_path: Path) -> None:
    assert {path.name for path in shipped.folder.iterdir()} == set(FILES)
    assert shipped.config == averaged.config
    assert shipped.facts == averaged.facts
    found = find_checkpoint(averaged.folder, averaged.config, 4).network("generator_ema")
    kept = load_file(shipped.folder / "model.safetensors")
    assert kept.keys() == found.keys()
    assert all(torch.equal(kept[name], found[name]) for name in found)
    raw = find_checkpoint(averaged.folder, averaged.config, 4).network("generator")
    assert not all(torch.equal(kept[name], raw[name]) for name in raw), "the averaged one is another"
    picture = np.asarray(Image.open(shipped.folder / "samples.png"))
    assert np.array_equal(picture, np.asarray(shipped.generate(64).picture()))
    assert picture.std() > 5


def test_the_same_pictures_bit_for_bit(shipped: ExportedModel, averaged: Run, redraws: Run, tmp_path: Path) -> None:
    for seed, label in ((0, None), (7, "8")):
        ours = averaged.generate(70, seed=seed, label=label, checkpoint=4)
        theirs = pocketgan.load(shipped.folder).generate(70, seed=seed, label=label)
        assert np.array_equal(ours.images, theirs.images)
        assert ours.labels is not None and theirs.labels is not None
        assert ours.labels.tolist() == theirs.labels.tolist()
    assert not np.array_equal(averaged.generate(70, checkpoint=8).images, shipped.generate(70).images)
    model = pocketgan.export(redraws, tmp_path / "redraws", format="safetensors", **QUIET)
    ours, theirs = pocketgan.translate(redraws), pocketgan.translate(model.folder)
    assert np.array_equal(ours.pairs, theirs.pairs) and np.array_equal(ours.outputs, theirs.outputs)


def test_onnx_draws_the_averaged_generators_pictures(shipped: ExportedModel, averaged: Run) -> None:
    latents, labels = sample_latents(averaged.config, 64, 5), torch.arange(64) % 2
    session = onnxruntime.InferenceSession(shipped.folder / "model.onnx", providers=["CPUExecutionProvider"])
    (images,) = session.run(["images"], {"latents": latents.numpy(), "labels": labels.numpy()})
    expected = averaged.generate(64, seed=5, checkpoint=4).images
    assert np.abs(images.astype(int) - expected).max() <= 1
    assert (images == expected).mean() > 0.999


def test_formats(averaged: Run, shipped: ExportedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "onnx_file", lambda *_: (shipped.folder / "model.onnx").read_bytes())  # to save time
    alone = pocketgan.export(averaged, tmp_path / "alone", format="onnx", checkpoint=4, **QUIET)
    assert {path.name for path in alone.folder.iterdir()} == set(FILES) - {"model.safetensors"}
    assert "import pocketgan" not in card_of(alone).text
    with pytest.raises(pocketgan.UserError) as caught:
        alone.generate(3)
    assert caught.value.key == "onnx alone"
    assert caught.value.parts == {"folder": alone.folder, "file": "model.onnx"}
    plain = pocketgan.export(averaged, tmp_path / "plain", format="safetensors", checkpoint=4, **QUIET)
    assert {path.name for path in plain.folder.iterdir()} == set(FILES) - {"model.onnx"}
    assert "onnx" not in card_of(plain).data.tags
    first, second = ((model.folder / "model.safetensors").read_bytes() for model in (plain, shipped))
    assert first == second, "the same weights make the same file"


def test_the_best_checkpoint_is_exported_unless_another_is_asked_for(averaged: Run, tmp_path: Path) -> None:
    best = averaged.best()
    assert best is not None
    for which in ("auto", "best"):
        model = pocketgan.export(averaged, tmp_path / which, format="safetensors", checkpoint=which, **QUIET)
        assert model.manifest.origin.step == best["step"]
        assert "the best in the run's own evaluations" in card_of(model).text
    last = pocketgan.export(averaged, tmp_path / "last", format="safetensors", checkpoint="last", **QUIET)
    assert last.manifest.origin.step == 8


def test_nothing_of_the_machine_is_in_it(
    own: Run, shipped: ExportedModel, shipped_own: ExportedModel, data: Path
) -> None:
    graph = (shipped.folder / "model.onnx").read_bytes()
    assert os.fsencode(Path(pocketgan.__file__).parent) not in graph
    assert os.fsencode(Path(torch.__file__).parent) not in graph
    told = "".join(path.read_text() for path in shipped_own.folder.iterdir() if path.suffix in (".md", ".json", ""))
    assert str(data.parent) not in told
    assert str(own.folder.parent) not in told
    assert f"./{data.name}" == shipped_own.config.data.data == shipped_own.facts.source


@pytest.mark.slow
def test_images_in_a_folder_called_mnist_are_not_mnist(tmp_path: Path, tiny_config: Callable[..., RunConfig]) -> None:
    (tmp_path / "mnist").mkdir()
    for index in range(12):
        pixels = np.random.default_rng(index).integers(0, 256, (8, 8), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "mnist" / f"{index}.png")
    run = pocketgan.train(tiny_config("minimal", data=str(tmp_path / "mnist")), out=tmp_path / "run", **QUIET)
    model = pocketgan.export(run, tmp_path / "model", format="safetensors", **QUIET)
    assert model.data is None
    assert card_of(model).data.license == "unknown"


# The card.


def test_the_card_is_in_the_format_of_the_hub(shipped: ExportedModel, averaged: Run) -> None:
    text = (shipped.folder / "README.md").read_text()
    front = yaml.safe_load(text.split("---\n")[1])
    assert front["license"] == "cc-by-sa-3.0"
    assert front["library_name"] == "pocketgan"
    assert front["pipeline_tag"] == "unconditional-image-generation"
    assert front["datasets"] == ["ylecun/mnist"]
    assert front["tags"] == ["pocketgan", "gan", "pocket", "class-conditional", "onnx"]
    read = card_of(shipped).data
    assert read.eval_results is not None
    assert {result.metric_type for result in read.eval_results} <= set(METRICS)
    assert all(result.dataset_type == "ylecun/mnist" for result in read.eval_results)
    again = yaml.safe_load(read.to_yaml())
    assert again["model-index"] == front["model-index"], "nothing is lost or added when the Hub's library reads it"


def test_the_card_tells_recipe_budget_and_data(shipped: ExportedModel, averaged: Run) -> None:
    rows = table_of(card_of(shipped).text)
    assert "learning_rate: 0.0015 -> 0.01" in rows["recipe"][0]
    assert "seed" not in rows["recipe"][0]
    assert rows["budget"][0].startswith("4 steps at batch 8: 32 images shown")
    assert rows["images"] == [f"{averaged.facts.images:,} of 28×28 pixels, gray"]
    assert rows["classes"] == ["3, 8 (only these were selected)"]
    assert rows["weights"][0].startswith("of step 4 of 8")
    assert averaged.facts.digest in rows["digest"][0]


def test_figures_come_from_the_runs_own_evaluation_of_that_step(shipped: ExportedModel, averaged: Run) -> None:
    text, rows = card_of(shipped).text, table_of(card_of(shipped).text)
    at_four, at_eight = averaged.metrics()
    assert at_four["step"] == 4 and at_eight["step"] == 8
    assert "Measured only during the run: on 200 images, against real ones (validation)" in text
    for name in METRICS:
        if name in at_four:
            assert rows[TITLES[name]][0] == f"{at_four[name]:.3g}", name
            assert rows[TITLES[name]][1] == "", "the run measures no spread"
    assert rows["Fréchet distance"][2] == f"{at_four['frechet_floor']:.3g}"
    assert at_four["frechet_distance"] != at_eight["frechet_distance"]


@pytest.mark.slow
def test_figures_come_from_evaluate_where_it_measured_these_weights(averaged: Run, tmp_path: Path) -> None:
    done = pocketgan.evaluate(averaged, count=300, metrics="frechet_distance,precision", checkpoint=4, **QUIET)
    try:
        model = pocketgan.export(averaged, tmp_path / "measured", format="safetensors", checkpoint=4, **QUIET)
        rows, results = table_of(card_of(model).text), card_of(model).data.eval_results
        for name, figure in done.figures.items():
            numbers = (figure.value, figure.spread, figure.floor)
            shown = rows[TITLES[name]][:3]
            assert shown == ["" if number is None else f"{number:.3g}" for number in numbers]
        assert results is not None
        assert {result.metric_type: result.metric_value for result in results} == {
            name: figure.value for name, figure in done.figures.items()
        }
        assert results[0].dataset_split == "test"
        assert "Measured by `pocketgan evaluate` on 300 images" in card_of(model).text
        other = pocketgan.export(averaged, tmp_path / "other", format="safetensors", checkpoint=8, **QUIET)
        assert "Measured only during the run" in card_of(other).text, "those figures are of other weights"
        exported = pocketgan.evaluate(
            model.folder, count=300, metrics="frechet_distance,precision", out=tmp_path / "page", **QUIET
        )
        assert exported.to_json() == done.to_json(), "the exported model is the same, and is measured alike"
    finally:
        (averaged.folder / "evaluation" / "evaluation.json").unlink()


def test_without_an_evaluation_no_figure_is_made_up(shipped_own: ExportedModel) -> None:
    card = card_of(shipped_own)
    assert NOT_MEASURED in card.text
    assert card.data.eval_results is None
    assert "Fréchet" not in card.text
    assert "so the watchdog had nothing to judge" in card.text


def test_the_best_of_an_abandoned_stretch_gets_no_other_rows_figures(averaged: Run, tmp_path: Path) -> None:
    rows = (averaged.folder / "metrics.jsonl").read_text()
    best = averaged.best()
    assert best is not None
    try:
        other = [dict(row, frechet_distance=row["frechet_distance"] + 1) for row in averaged.metrics()]
        (averaged.folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in other))
        model = pocketgan.export(averaged, tmp_path / "model", format="safetensors", checkpoint="best", **QUIET)
        assert NOT_MEASURED in card_of(model).text
    finally:
        (averaged.folder / "metrics.jsonl").write_text(rows)


def test_the_card_tells_what_the_watchdog_named(averaged: Run, shipped: ExportedModel, tmp_path: Path) -> None:
    assert "No warning in 1 evaluation up to step 4" in card_of(shipped).text
    assert "most failures need at least 3 to be detected" in card_of(shipped).text
    events = averaged.folder / "events.jsonl"
    before = events.read_bytes() if events.exists() else None
    try:
        named = {"failure": True, "evidence": "only 1 of 2 classes is drawn", "advice": "try a larger batch"}
        averaged.log_event(4, "diagnosis", name="mode_collapse", **named)
        averaged.log_event(8, "recovery", name="mode_collapse")
        text = card_of(pocketgan.export(averaged, tmp_path / "m", format="safetensors", checkpoint=4, **QUIET)).text
        first, second = text.index("Up to step 4"), text.index("After it, later in the run")
        told = text.index("- step 4: **mode collapse**: only 1 of 2 classes is drawn; try ")
        assert first < told < second < text.index("- step 8: resolved: mode collapse")
    finally:
        events.unlink() if before is None else events.write_bytes(before)


def test_the_cards_lines_of_code_run(
    shipped: ExportedModel, redraws: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    os.symlink(shipped.folder, tmp_path / "shipped")
    pocketgan.export(redraws, tmp_path / 'a "quoted" name', format="safetensors", **QUIET)
    for name in ("shipped", 'a "quoted" name'):
        code = (tmp_path / name / "README.md").read_text().partition("```python\n")[2].partition("```")[0]
        assert len([line for line in code.splitlines() if line]) == 3
        exec(code, {})
        assert (tmp_path / "made.png").read_bytes().startswith(b"\x89PNG")
        (tmp_path / "made.png").unlink()


def test_the_licence_of_the_data(shipped: ExportedModel, shipped_own: ExportedModel, data: Path) -> None:
    assert "CC BY-SA 3.0" in (shipped.folder / "LICENSE-DATA").read_text()
    text = (shipped_own.folder / "LICENSE-DATA").read_text()
    assert f"called '{data.name}'" in text
    assert "for whoever publishes it to state" in text
    card = card_of(shipped_own)
    assert card.data.license == "unknown"
    assert card.data.datasets is None
    assert "[LICENSE-DATA](LICENSE-DATA)" in card.text


def test_a_translation_to_other_images_has_their_licence_to_state() -> None:
    licence = licence_of(DataConfig(data="mnist", to="./pets"))
    assert licence.identifier == "unknown" and "'pets'" in licence.text
    assert licence_of(DataConfig(data="mnist", to="mnist")).identifier == "cc-by-sa-3.0"


def test_a_rollback_is_an_item_of_the_card() -> None:
    item = described({"step": 900, "event": "rollback", "to": 1200.0, "rate_scale": 0.5})
    assert "1,200" in item and "0.5" in item


# What stands on it.


def test_either_is_opened_and_used_alike(shipped: ExportedModel, averaged: Run) -> None:
    for place, kind in ((shipped.folder, ExportedModel), (averaged.folder, Run)):
        model = pocketgan.load(place)
        assert isinstance(model, kind)
        assert isinstance(model, pocketgan.Model)
        assert model.label_index("8") == 1
        assert model.facts.class_names == ("3", "8")
        assert model.data == averaged.config.data
        png = model._repr_png_()
        assert png is not None and png.startswith(b"\x89PNG")
    assert repr(shipped) == f"ExportedModel('{shipped.folder}', pocket, step 4)"


def test_it_is_looked_at_without_torch(shipped: ExportedModel) -> None:
    code = (
        "import sys, pocketgan\n"
        f"model = pocketgan.load({str(shipped.folder)!r})\n"
        "print(model.facts.size, model.label_index(8), model, model.data, 'torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("28 1 ExportedModel(")
    assert done.stdout.endswith("False\n")


@pytest.mark.slow
def test_own_images_are_named_where_they_are_needed(
    own: Run, shipped_own: ExportedModel, data: Path, tmp_path: Path, tiny_config: Callable[..., RunConfig]
) -> None:
    ours, theirs = own.generate(20).images, shipped_own.generate(20).images
    assert np.array_equal(ours, theirs)
    with pytest.raises(pocketgan.UserError) as caught:
        pocketgan.evaluate(shipped_own, **QUIET)
    assert (caught.value.field, caught.value.key) == ("against", "images not with it")
    choice = {"count": 200, "metrics": "frechet_distance", "features": "random", "against": str(data), **QUIET}
    done = pocketgan.evaluate(shipped_own, **choice)
    assert done.figures == pocketgan.evaluate(own, **choice).figures
    classes = done.comparison.generated.labels
    assert classes is not None and classes.tolist() == draw_classes(own.facts.class_counts, 200, 0).tolist()
    card = card_of(pocketgan.export(own, tmp_path / "measured", format="safetensors", **QUIET))
    assert card.data.eval_results is not None
    assert (card.data.eval_results[0].dataset_name, card.data.eval_results[0].dataset_split) == (data.name, None)
    assert str(data.parent) not in card.content
    run = pocketgan.train(tiny_config("white-background", data=str(data)), out=tmp_path / "run", **QUIET)
    data_gone = pocketgan.export(run, tmp_path / "model", format="safetensors", **QUIET)
    assert "![Samples]" not in card_of(data_gone).text, "an .npz file of one split has no test images to redraw"
    with refused("images to translate gone", "images") as caught:
        pocketgan.translate(data_gone)
    assert caught.value.parts["folder"] == data_gone.folder
    Image.fromarray(np.zeros((28, 28), np.uint8)).save(tmp_path / "picture.png")
    assert len(pocketgan.translate(data_gone, images=[tmp_path / "picture.png"]).pairs) == 2


COMMANDS = [
    ("resume {model}", "'{model}' is an exported model, which holds a generator and no training state"),
    ("export {model} --out {place}/x", "'{model}' is an exported model"),
    ("export {run} --out {run}", "--out: '{run}' already holds a run"),
    ("export {run} --out {model}", "--out: '{model}' isn't empty; choose another folder"),
    ("train minimal --out {model}", "--out: '{model}' isn't empty; choose another folder"),
    (
        "export {run} --out {place}/x --checkpoint 5",
        "--checkpoint: there is no checkpoint '5' in '{run}'; use 'last' or a step",
    ),
    ("export {run} --out {place}/x --format pt", "--format must be one of safetensors, onnx, all (got 'pt')"),
    ("export {place}/none --out {place}/x", "run: '{place}/none' doesn't exist"),
    (
        "export {empty} --out {place}/x",
        "run: '{empty}' has no checkpoint yet; continue training with 'pocketgan resume {empty}'",
    ),
    (
        "generate {model} --checkpoint last",
        "--checkpoint: '{model}' is an exported model, with a single set of weights (step 4)",
    ),
    ("generate {model} --label 5", "--label: there is no class '5'; known: 3, 8"),
    ("translate {model}", "'{model}' generates from noise and doesn't translate images; use 'pocketgan generate'"),
]


@pytest.mark.parametrize(("words", "expected"), COMMANDS, ids=[words for words, _ in COMMANDS])
def test_what_makes_no_sense_is_one_line(
    words: str,
    expected: str,
    shipped: ExportedModel,
    averaged: Run,
    place: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    empty = place / "empty"
    if not empty.exists():
        empty.mkdir()
        for name in ("config.json", "environment.json", "status.json"):
            (empty / name).write_bytes((averaged.folder / name).read_bytes())
    places = {"model": shipped.folder, "run": averaged.folder, "place": place, "empty": empty}
    assert main([word.format(**places) for word in words.split()]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert expected.format(**places) in err
    assert not (place / "x").exists(), "nothing is written"


@pytest.mark.slow
def test_the_commands(
    averaged: Run, redraws: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for run, name in ((averaged, "drawer"), (redraws, "redrawer")):
        assert main(["export", str(run.folder), "--out", name, "--format", "safetensors", "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "next      pocketgan generate drawer --count 64" in out
    assert "next      pocketgan translate redrawer" in out
    assert "pocketgan push drawer user/drawer" in out
    assert main(["generate", "drawer", "--count", "6", "--out", "six.npz"]) == 0
    assert main(["translate", "redrawer", "--count", "2", "--out", "two"]) == 0
    assert main(["evaluate", "redrawer", "--count", "130", "--metrics", "frechet_distance", "--quiet"]) == 0
    assert (tmp_path / "redrawer" / "evaluation" / "evaluation.html").is_file()
    with np.load("six.npz") as archive:
        assert archive["labels"].tolist() == [3, 8] * 3
    capsys.readouterr()
    assert main(["runs", "."]) == 0
    assert capsys.readouterr().out.startswith("no runs in '.'"), "exported models are no damaged runs"


def test_a_full_disk_leaves_no_model(averaged: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []

    def write(path: Path, content: bytes) -> None:
        if path.name == "config.json":
            raise pocketgan.RunFailed("the disk is full")
        written.append(path.name)

    monkeypatch.setattr(folder, "write_atomically", write)
    with pytest.raises(pocketgan.RunFailed):
        pocketgan.export(averaged, tmp_path / "model", format="safetensors", **QUIET)
    assert set(written) == set(FILES) - {"model.onnx", "config.json"}, "config.json is the last"


def test_a_differing_onnx_file_is_not_written(averaged: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def differ(*_: object) -> float:
        raise ExportFailed("the ONNX file differs")

    monkeypatch.setattr(folder, "onnx_file", lambda *_: b"")
    monkeypatch.setattr(folder, "check_onnx", differ)
    with pytest.raises(ExportFailed):
        pocketgan.export(averaged, tmp_path / "model", **QUIET)
    assert not (tmp_path / "model").exists()


def test_the_documented_lines_use_onnxruntime_alone(
    shipped: ExportedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (Path(__file__).parents[1] / "docs" / "how-to" / "export-a-model.md").read_text(encoding="utf-8")
    code = text.partition("```python\n")[2].partition("```")[0]
    assert "pocketgan" not in code and "torch" not in code
    os.symlink(shipped.folder, tmp_path / "my-model")
    monkeypatch.chdir(tmp_path)
    names: dict[str, np.ndarray] = {}
    exec(code, names)
    assert names["images"].shape == (20, 1, 28, 28)
    assert names["images"].dtype == np.uint8

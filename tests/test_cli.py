"""The command line: what it prints, and that every mistake is one line on standard error and exit code 2."""

import gzip
import json
import shlex
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import forks
import pocketgan
from pocketgan.base.errors import UserError
from pocketgan.cli.main import COMMANDS, main
from pocketgan.config.fields import ALIASES, FIELDS
from pocketgan.config.recipes import RECIPES
from pocketgan.images.sets import load_images
from pocketgan.runs.run import Run
from refusals import refused

ROOT = Path(__file__).resolve().parents[1]
TINY = {
    "hidden_dim": 8,
    "duration": "4 steps",
    "batch_size": 4,
    "sample_count": 4,
    "sample_every": "2 steps",
    "evaluate_every": "none",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three small runs: noise, image to image, conditional."""
    place = tmp_path_factory.mktemp("runs")
    pocketgan.train("minimal", out=place / "noise", progress=False, **TINY)
    pocketgan.train("white-background", out=place / "redraw", progress=False, **TINY)
    pocketgan.train("minimal", out=place / "told", progress=False, conditional=True, classes="3,8", **TINY)
    return place


def idx(magic: int, *sizes: int, content: bytes) -> bytes:
    return struct.pack(f">{1 + len(sizes)}I", magic, *sizes) + content


def broken_data(place: Path) -> dict[str, str]:
    """Makes data that can't be used; returns the path of each kind."""
    rng = np.random.default_rng(0)

    def folder_of(name: str, images: bytes, labels: bytes | None = None) -> str:
        (place / name).mkdir()
        (place / name / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(images))
        if labels is not None:
            (place / name / "train-labels-idx1-ubyte").write_bytes(labels)
        return str(place / name)

    pixels = rng.integers(0, 256, 5 * 784, dtype=np.uint8).tobytes()
    made = {
        "magic": folder_of("magic", idx(0x0802, 5, 28, 28, content=pixels)),
        "cut": folder_of("cut", idx(0x0803, 6, 28, 28, content=pixels)),
        "long": folder_of("long", idx(0x0803, 4, 28, 28, content=pixels)),
        "labels": folder_of("labels", idx(0x0803, 5, 28, 28, content=pixels), idx(0x0801, 4, content=b"\0\1\2\3")),
        "odd": folder_of("odd", idx(0x0803, 5, 14, 56, content=pixels)),
    }
    for name in ("empty", "sizes", "undecodable"):
        (place / name).mkdir()
        made[name] = str(place / name)
    for name, side in (("a.png", 28), ("b.png", 32)):
        Image.fromarray(rng.integers(0, 256, (side, side), dtype=np.uint8)).save(place / "sizes" / name)
    (place / "undecodable" / "bad.png").write_bytes(b"\x89PNG no picture")
    np.savez(place / "floats.npz", images=rng.random((3, 28, 28)))
    made["floats"] = str(place / "floats.npz")
    np.savez(place / "thirty.npz", images=np.zeros((8, 30, 30), np.uint8))
    made["thirty"] = str(place / "thirty.npz")
    return made


MISTAKES = [
    ("trian", "'trian' isn't a command; did you mean 'train'?"),
    ("train mpl", "no recipe 'mpl'; did you mean 'mlp'?"),
    ("train mlp --bach-size 3", "--bach-size isn't a flag; did you mean '--batch-size'?"),
    ("train mlp --batch-size abc", "--batch-size must be a whole number (got 'abc')"),
    ("train mlp --batch-size", "--batch-size needs a value"),
    ("train mlp --batch-size 0", "--batch-size must be at least 1 (got 0)"),
    ("train mlp --learning-rate -1", "--learning-rate must be greater than 0 (got -1.0)"),
    ("train mlp --learning-rate nan", "--learning-rate must be a finite number (got nan)"),
    ("train mlp --activation geluu", "(got 'geluu'); did you mean 'gelu'?"),
    ("train mlp --duration 50", "--duration needs a unit (got '50'); write '50 epochs'"),
    ("train mlp --duration 0_epochs", "--duration must be a length above 0 (got '0_epochs')"),
    ("train mlp --sample-every 3", "--sample-every needs a unit (got '3')"),
    ("train mlp --augment foo", "--augment: there is no augmentation 'foo'; known: none, auto, translation"),
    (
        "train mlp --target inverted",
        "--target: 'inverted' needs a generator that reads images; add --generator autoencoder",
    ),
    ("train mlp --iterations", "--iterations needs a value"),
    ("train mlp --iterations many", "--duration must be a duration (got 'many steps')"),
    ("train mlp extra", "'extra' is one word too many"),
    ("train mlp /", "'/' is one word too many; to use this file or folder, write --data /"),
    ("translate run /", "'/' is one word too many; to use this file or folder, write --images /"),
    ("train mlp --steps 5 --epochs 3", "--epochs sets duration, and so does --steps"),
    ("train mlp --duration 0,5_epochs", "--duration must be a duration (got '0,5 epochs')"),
    ("train mlp --classes 11", "--classes: mnist has no class '11'; known: 0, 1, 2"),
    ("train mlp --seed -1", "--seed must be at least 0 (got -1)"),
    ("train --data {place}/nothing", "--data: there is no data '{place}/nothing'"),
    ("train mlp --data {empty}", "--data: {empty} holds no pictures"),
    ("train mlp --data {magic}", "train-images-idx3-ubyte.gz"),
    ("train mlp --data {cut}", "train-images-idx3-ubyte.gz is cut short: it should have 6×28×28 bytes"),
    ("train mlp --data {long}", "train-images-idx3-ubyte.gz is too long: it should have 4×28×28 bytes"),
    ("train mlp --data {labels}", "has 4 labels for 5 images"),
    ("train mlp --data {undecodable}", "--data: can't decode {undecodable}/bad.png"),
    (
        "train dcgan --data {thirty}",
        "--generator: 'dcgan' has no network for images of 30×30; set --size 28 or --size 32",
    ),
    ("train mlp --data {thirty} --classes 1", "has no labels, so '1' can't be selected"),
    (
        "train mlp --out {runs}/noise",
        "--out: '{runs}/noise' already holds a run; choose another folder, or continue it with 'pocketgan resume",
    ),
    ("train mlp --out {magic}", "--out: '{magic}' isn't empty; choose another folder"),
    ("train mlp --out {floats}", "--out: '{floats}' is a file; choose a folder"),
    ("train mlp --out {floats}/x", "--out: can't write to '{floats}/x': Not a directory"),
    ("summary", "recipe: 'summary' needs a recipe; known: pocket"),
    ("resume {place}/nothing", "run: '{place}/nothing' doesn't exist"),
    ("resume {magic}", "'{magic}' isn't a run folder: it has no config.json"),
    ("resume {runs}/noise --duration 5", "--duration needs a unit (got '5')"),
    ("resume {runs}/noise --batch-size 3", "--batch-size isn't a flag"),
    ("generate", "RUN is missing"),
    ("generate {runs}/noise --cuont 3", "--cuont isn't a flag; did you mean '--count'?"),
    ("generate {runs}/noise --count x", "--count must be a whole number (got 'x')"),
    ("generate {runs}/noise --count 0", "--count must be from 1 to 1,000,000 (got 0)"),
    ("generate {runs}/noise --count 1000000000000", "--count must be from 1 to 1,000,000 (got 1,000,000,000,000)"),
    ("translate {runs}/redraw --images", "--images needs at least one file"),
    ("generate {runs}/noise --label 3", "--label: '{runs}/noise' is unconditional"),
    ("generate {runs}/told --label 5", "--label: there is no class '5'; known: 3, 8"),
    (
        "generate {runs}/noise --checkpoint 7",
        "--checkpoint: there is no checkpoint '7' in '{runs}/noise'; use 'last' or a step",
    ),
    ("generate {runs}/noise --checkpoint best", "--checkpoint: '{runs}/noise' was never evaluated"),
    ("generate {runs}/noise --out x.bmp", "--out must end in '.jpg', '.png' or '.npz', or be a folder (got 'x.bmp')"),
    ("generate {runs}/redraw", "translates images and reads no noise; use 'pocketgan translate'"),
    ("translate {runs}/noise", "generates from noise and doesn't translate images; use 'pocketgan generate'"),
    ("translate {runs}/redraw --images {undecodable}/bad.png", "--images: can't decode {undecodable}/bad.png"),
    (
        "translate {runs}/redraw --images {sizes}/b.png",
        "--images: {sizes}/b.png has 32×32 pixels; '{runs}/redraw' needs 28×28",
    ),
    (
        "translate {runs}/redraw --split trian",
        "--split must be one of test, train, validation (got 'trian'); did you mean 'train'?",
    ),
    ("runs {place}/nothing", "there is no folder '{place}/nothing'"),
]


@pytest.fixture(scope="module")
def places(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    place = tmp_path_factory.mktemp("broken")
    return {"runs": str(folder), "place": str(place), **broken_data(place)}


@pytest.mark.parametrize(("words", "expected"), MISTAKES, ids=[words for words, _ in MISTAKES])
def test_a_mistake_is_one_line_and_exit_code_2(
    words: str,
    expected: str,
    places: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    code = main([word.format(**places).replace("_epochs", " epochs") for word in words.split()])
    out, err = capsys.readouterr()
    assert code == 2
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert expected.format(**places).replace("_epochs", " epochs") in err
    assert not list(tmp_path.rglob("config.json")), "nothing is started"


def test_a_folder_without_permission(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made by hand, since whoever runs the tests as root may write anywhere."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    for words in (["--out", str(tmp_path / "run")], []):
        assert main(["train", "minimal", "--duration", "2 steps", "--quiet", *words]) == 2
        err = capsys.readouterr().err
        assert err.count("\n") == 1
        assert "can't write to '" in err and "': Permission denied; choose another folder" in err


def test_a_disk_that_refuses_is_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "somewhere")

    monkeypatch.setattr("pocketgan.images.grids.write_atomically", refuse)
    assert main(["generate", str(folder / "noise"), "--out", "grid.png"]) == 1
    assert capsys.readouterr().err == "error: somewhere: Permission denied\n"


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"  {usage} " in text and about in text for usage, about in COMMANDS.values())
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"pocketgan {pocketgan.__version__}\n"


def test_every_setting_is_a_documented_flag(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--help-all"]) == 0
    text = capsys.readouterr().out
    for name in FIELDS:
        assert f"--{name.replace('_', '-')}" in text, name
    for name in ALIASES:
        assert f"--{name.replace('_', '-')}" in text, name


def test_recipes_lists_all_with_their_parameters(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in RECIPES)
    assert "1,153,712" in text


def test_dry_run_prints_the_resolved_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "comparison", "--z-dim", "50", "--dense_dim=64", "--iterations", "1000", "--sample-interval", "9"]
    assert main([*words, "--dry-run"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["recipe"] == "comparison"
    assert values["network"]["latent_dim"] == 50
    assert values["network"]["hidden_dim"] == 64
    assert values["train"]["duration"] == "1000 steps"
    assert values["pictures"]["sample_every"] == "9 steps"
    assert pocketgan.RunConfig.model_validate(values) == pocketgan.RunConfig.model_validate_json(json.dumps(values))


def test_summary_shows_layers_shapes_and_what_is_frozen(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["summary", "white-background"]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "layers.0 Linear 512 401,920" in lines
    assert "combined (the generator's step) 1,687,217 1,153,712 533,505" in lines


@pytest.mark.usefixtures("figures")
@pytest.mark.slow
def test_train_writes_a_run_and_says_what_comes_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = [w for name, value in TINY.items() for w in (f"--{name.replace('_', '-')}", str(value))]
    assert main(["train", "minimal", *words]) == 0
    out, err = capsys.readouterr()
    assert "pocketgan generate runs/minimal-1" in out
    assert "images/s" in err
    run = Run.open(tmp_path / "runs" / "minimal-1")
    assert {sample.path.name for sample in run.samples()} == {"samples_step_000002.png", "samples_step_000004.png"}
    figures = {p.name for p in (run.folder / "figures").iterdir()}
    assert figures == {"loss_plot.png", "accuracy_plot.png", "samples.gif"}
    row = run.stats()[-1]
    names = {"step", "nimg", "epoch", "seconds", "d_loss", "g_loss", "d_real_accuracy", "d_fake_accuracy"}
    assert names <= row.keys()
    assert row["step"] == 4
    assert row["nimg"] == 16
    assert row["epoch"] == pytest.approx(16 / 60000, abs=1e-6)
    assert main(["train", "minimal", *words, "--quiet"]) == 0
    assert (tmp_path / "runs" / "minimal-2").is_dir()
    assert capsys.readouterr().err == ""


@pytest.mark.slow
def test_flags_may_come_before_the_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--dry_run", "minimal"], ["--no-conditional", "--batch-size", "8", "minimal", "--dry-run"]):
        assert main(["train", *words]) == 0
        assert json.loads(capsys.readouterr().out)["recipe"] == "minimal"
    assert main(["train", "mlp", "--discriminator-depth", "none", "--dry-run"]) == 0
    assert json.loads(capsys.readouterr().out)["network"]["discriminator_depth"] is None


def test_no_runs_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["runs"]) == 0
    assert capsys.readouterr().out.startswith("no runs yet")


DAMAGE = [
    ("status.json", {}),
    ("status.json", {"pid": None}),
    ("status.json", {"updated": None}),
    ("environment.json", {"threads": "abc"}),
    ("environment.json", {"threads": -3}),
    ("environment.json", {"plan": {"steps": 0}}),
    ("environment.json", {"data": {"size": 10**9}}),
    ("config.json", {"format": 99}),
    ("config.json", {"train": 3}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "change"), DAMAGE)
def test_damaged_files_of_a_run_are_one_line(
    name: str, change: dict[str, object], folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(folder / "noise", tmp_path / "runs" / "bad")
    shutil.copytree(folder / "told", tmp_path / "runs" / "good")
    path = tmp_path / "runs" / "bad" / name
    values = json.loads(path.read_text())
    for key, value in change.items():
        values[key] = {**values[key], **value} if isinstance(value, dict) else value
    path.write_text(json.dumps(values if change else {}))
    assert main(["runs", str(tmp_path / "runs")]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "damaged: " in out
    assert "finished" in out
    if name != "status.json":
        assert main(["resume", str(tmp_path / "runs" / "bad"), "--quiet"]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    else:
        assert main(["resume", str(tmp_path / "runs" / "bad"), "--quiet"]) == 0, "status is made anew"


def test_odd_rows_and_copied_checkpoints_are_passed_over(folder: Path, tmp_path: Path) -> None:
    run = Run.open(shutil.copytree(folder / "noise", tmp_path / "run"))
    rows = run.stats()
    with (run.folder / "stats.jsonl").open("a") as file:
        file.write('{"step": "a"}\n{"step": 1}\n[]\n\n' + 100_000 * "[" + "\n" + 100_000 * '{"a":' + "\n")
    assert run.stats() == rows
    shutil.copy(run.checkpoints()[-1], run.folder / "checkpoints" / "step-000000004 copy.safetensors")
    assert len(run.generate(2)) == 2


@pytest.mark.slow
def test_pictures_counted_by_epoch_never_overwrite_each_other(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", images=np.zeros((40, 28, 28), np.uint8))
    small = {**TINY, "duration": "6 steps", "sample_every": "1 steps", "data": str(tmp_path / "data.npz")}
    steps = pocketgan.train("mlp", out=tmp_path / "steps", progress=False, **small)
    assert [sample.path.name for sample in steps.samples()] == [
        f"generated_images_step_00000{step}.png" for step in range(1, 7)
    ]
    small |= {"duration": "11 epochs", "sample_every": "5 epochs"}
    epochs = pocketgan.train("mlp", out=tmp_path / "epochs", progress=False, **small)
    assert [sample.path.name for sample in epochs.samples()] == [
        f"generated_images_epoch_0{e}.png" for e in ("05", "10", "11")
    ]


@pytest.mark.slow
def test_plots_leave_a_notebooks_own_alone() -> None:
    code = (
        "import matplotlib; matplotlib.use('svg'); import pocketgan.pictures.plots; "
        "assert matplotlib.get_backend().lower() == 'svg'; import sys; assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_not_enough_memory_is_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes")

    monkeypatch.setattr("pocketgan.runs.sampling.run_generator", refuse)
    assert main(["generate", str(folder / "noise"), "--out", "grid.png"]) == 1
    assert capsys.readouterr().err.startswith("error: out of memory; try a smaller --batch-size")


def test_the_same_seed_gives_the_same_picture(folder: Path, tmp_path: Path) -> None:
    for name, seed in (("a.png", "1"), ("b.png", "1"), ("c.png", "2")):
        assert main(["generate", str(folder / "noise"), "--seed", seed, "--out", str(tmp_path / name)]) == 0
    a, b, c = ((tmp_path / name).read_bytes() for name in ("a.png", "b.png", "c.png"))
    assert a == b != c


def test_generate_writes_the_public_formats(folder: Path, tmp_path: Path) -> None:
    told = str(folder / "told")
    assert main(["generate", told, "--count", "6", "--out", str(tmp_path / "all.npz")]) == 0
    with np.load(tmp_path / "all.npz") as archive:
        assert archive["images"].shape == (6, 1, 28, 28)
        assert archive["images"].dtype == np.uint8
        assert archive["labels"].tolist() == [3, 8, 3, 8, 3, 8]
    assert main(["generate", told, "--count", "5", "--label", "8", "--out", str(tmp_path / "eight.npz")]) == 0
    with np.load(tmp_path / "eight.npz") as archive:
        assert archive["labels"].tolist() == [8] * 5
    assert main(["generate", str(folder / "noise"), "--count", "3", "--out", str(tmp_path / "single")]) == 0
    assert sorted(p.name for p in (tmp_path / "single").iterdir()) == ["0000.png", "0001.png", "0002.png"]


@pytest.mark.parametrize("split", ["typo", "Test", "", "tset"])
def test_an_unknown_split_is_not_the_test_split(split: str, folder: Path) -> None:
    with pytest.raises(UserError) as caught:
        pocketgan.translate(folder / "redraw", split=split)
    assert str(caught.value).startswith("split: ") and "validation" in str(caught.value)


@pytest.mark.slow
def test_held_out_images_are_translated(folder: Path, tmp_path: Path) -> None:
    with refused("nothing held out", "validation"):
        pocketgan.translate(folder / "redraw", split="validation")
    fields = {"duration": "2 steps", "sample_every": "end", "validation": 400, "hidden_dim": 8, "batch_size": 4}
    run = pocketgan.train("white-background", out=tmp_path / "run", progress=False, **fields)
    inputs = pocketgan.translate(run, split="validation", count=3).inputs
    held_out = load_images(run.config.data, "validation").images[:3].numpy()
    assert np.array_equal(inputs.images, held_out)


def test_translate_writes_input_and_output(folder: Path, tmp_path: Path) -> None:
    assert main(["translate", str(folder / "redraw"), "--count", "3", "--out", str(tmp_path / "made")]) == 0
    assert {p.name for p in (tmp_path / "made").iterdir()} == {
        "side_by_side.png",
        *(f"{kind}_000{index}.png" for kind in ("input", "output") for index in range(3)),
    }
    given = str(tmp_path / "made" / "input_0001.png")
    assert main(["translate", str(folder / "redraw"), "--images", given, "--out", str(tmp_path / "one")]) == 0
    first, second = tmp_path / "made" / "output_0001.png", tmp_path / "one" / "output_0000.png"
    assert first.read_bytes() == second.read_bytes()
    assert (folder / "redraw" / "figures" / "redrawn_test.png").is_file()


def test_runs_shows_states_and_survives_a_damaged_run(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(folder, tmp_path / "runs")
    (tmp_path / "runs" / "told" / "config.json").write_text("{")
    (tmp_path / "runs" / "redraw" / "status.json").write_text("")
    with (tmp_path / "runs" / "noise" / "stats.jsonl").open("a") as file:
        file.write('{"step": 5, "d_lo')
    assert main(["runs"]) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[2].split()[0] == "noise"
    assert "finished" in text
    assert "damaged: runs/told/config.json isn't valid JSON" in text
    assert "damaged: runs/redraw/status.json isn't valid JSON" in text


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [name for name in RECIPES if not name.endswith(("background", "translator"))])
@pytest.mark.parametrize(("size", "channels"), [(28, 3), (32, 1), (32, 3)])
def test_other_images_run_through_every_noise_recipe(recipe: str, size: int, channels: int, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (12, channels, size, size), dtype=np.uint8)
    np.savez(tmp_path / "data.npz", images=images)
    small = {**TINY, "duration": "2 steps", "data": str(tmp_path / "data.npz")}
    run = pocketgan.train(recipe, out=tmp_path / "run", progress=False, **small)
    assert run.generate(3).images.shape == (3, channels, size, size)
    assert run.config.network.conditional is False


def test_a_run_shows_itself_in_a_notebook(folder: Path) -> None:
    run = pocketgan.open_run(folder / "noise")
    assert run._repr_png_() == run.samples()[-1].path.read_bytes()
    assert run.generate(4)._repr_png_().startswith(b"\x89PNG")
    assert "minimal, finished, step 4 of 4" in repr(run)


@pytest.mark.slow
def test_readme_commands_run_as_written(tmp_path: Path) -> None:
    """All but the minute, which is made short here."""
    blocks = (ROOT / "README.md").read_text(encoding="utf-8").split("```sh test\n")[1:]
    script = "\n".join(block.partition("```")[0] for block in blocks).replace('"1 min"', '"30 steps"')
    commands = [shlex.split(line) for line in script.splitlines() if line]
    assert len(commands) >= 3 and {command[0] for command in commands} == {"pocketgan"}
    for _, *words in commands:
        done = forks.run(words, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "digits.png").is_file()
    assert (tmp_path / "runs" / "pocket-1" / "evaluation" / "evaluation.html").is_file()

"""What is printed reaches every stream: code pages that lack letters, and a MPLBACKEND that isn't installed."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import pocketgan
from pocketgan.base.streams import never_fail_to_encode
from pocketgan.cli.main import main
from tiny_studies import Make, as_toml, without_page

CODE_PAGES = ["cp1251", "cp949", "cp950", "cp437", "cp1252", "koi8-r", "ascii", "latin-1", "utf-8"]
SMALL = {"hidden_dim": 8, "batch_size": 8, "sample_count": 8, "evaluate_count": 200}
BACKENDS = ["module://matplotlib_inline.backend_inline", "module://nowhere.backend", "no-such-backend"]


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose classes have names that no code page has all of, and that was evaluated as it trained."""
    place = tmp_path_factory.mktemp("named")
    images = np.random.default_rng(0).integers(0, 256, (600, 1, 8, 8), dtype=np.uint8)
    for index, name in enumerate(("猫", "їжак é", "고양이")):
        for part in ("train", "test"):
            (place / "data" / part / name).mkdir(parents=True)
            for number, image in enumerate(images[index::3]):
                from PIL import Image

                Image.fromarray(image[0]).save(place / "data" / part / name / f"{number}.png")
    pocketgan.train(
        "minimal", out=place / "run", progress=False, conditional=True, data=str(place / "data"),
        duration="4 steps", evaluate_every="2 steps", **SMALL,
    )  # fmt: skip
    return place


every_page = pytest.mark.parametrize("page", CODE_PAGES)
some_pages = pytest.mark.parametrize("page", ["cp1251", "cp949", "ascii"])


def write_in(page: str, monkeypatch: pytest.MonkeyPatch, errors: str = "strict") -> None:
    """Lets standard output and standard error be written in a code page, as a file on Windows is."""
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(io.BytesIO(), encoding=page, errors=errors))


def printed(name: str) -> str:
    """What was written to `stdout` or `stderr`, as its code page reads it."""
    stream = getattr(sys, name)
    stream.flush()
    return stream.buffer.getvalue().decode(stream.encoding)


@pytest.mark.slow
@some_pages
def test_every_command_prints_in_every_code_page(
    named: Path, page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_in(page, monkeypatch)
    run, out = str(named / "run"), str(tmp_path / "out.png")
    words = [
        ["train", "minimal", "--conditional", "--data", str(named / "data"), "--out", str(tmp_path / "猫é"),
         "--duration", "4 steps", "--evaluate-every", "2 steps",
         *(word for name, value in SMALL.items() for word in (f"--{name}", str(value)))],
        ["runs", str(named)],
        ["recipes"],
        ["summary", "minimal"],
        ["generate", run, "--label", "猫", "--out", out],
        ["evaluate", run, "--count", "200", "--features", "random", "--out", str(tmp_path / "é ± 猫")],
        ["studies"],
        ["train", "--help"],
        ["train", "--help-all"],
    ]  # fmt: skip
    for arguments in words:
        assert main(arguments) == 0, printed("stderr")
    assert main(["generate", run, "--label", "狗"]) == 2
    assert printed("stderr").count("\n") >= 1
    text = printed("stdout")
    assert "Fréchet" in text or "Frechet" in text


@pytest.mark.slow
@every_page
def test_json_loses_nothing_in_any_code_page(named: Path, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_in(page, monkeypatch)
    assert main(["train", "minimal", "--data", str(named / "data"), "--classes", "猫,їжак é", "--dry-run"]) == 0
    assert json.loads(printed("stdout"))["data"]["classes"] == "猫,їжак é"


@pytest.mark.slow
@some_pages
def test_a_studys_table_prints_in_every_code_page(
    tiny: Make, page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_page(monkeypatch)
    path = as_toml(tiny(seeds=1, question="é ± 猫?"), tmp_path / "tiny.toml")
    write_in(page, monkeypatch)
    for language in ("en", "uk", "ko", "zh-TW"):
        main(["study", str(path), "--out", str(tmp_path / "study"), "--jobs", "1", "--lang", language])
    assert len(printed("stdout").splitlines()) > 12
    assert "Traceback" not in printed("stderr")


def test_letters_that_are_missing_stay_readable(monkeypatch: pytest.MonkeyPatch) -> None:
    write_in("ascii", monkeypatch)
    never_fail_to_encode()
    sys.stdout.write("Fréchet 3.1 ± 0.2 → 28×28 … Ł 猫")
    assert printed("stdout") == "Frechet 3.1 +/- 0.2 -> 28x28 ... ? ?"


def test_what_the_user_chose_for_missing_letters_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    write_in("ascii", monkeypatch, errors="backslashreplace")
    never_fail_to_encode()
    sys.stdout.write("é")
    assert printed("stdout") == "\\xe9"


def test_a_name_of_a_file_that_is_no_text_comes_out_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    write_in("utf-8", monkeypatch)
    never_fail_to_encode()
    sys.stdout.write(os.fsdecode(b"a\xff.png"))
    sys.stdout.flush()
    assert sys.stdout.buffer.getvalue() == b"a\xff.png"


def typed(*words: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **variables}
    return subprocess.run([sys.executable, "-m", "pocketgan", *words], capture_output=True, env=environment)


@pytest.mark.slow
def test_the_program_itself_prints_in_a_code_page(named: Path) -> None:
    done = typed("evaluate", str(named / "run"), "--count", "200", "--features", "random", PYTHONIOENCODING="cp949")
    assert done.returncode == 0, done.stderr
    assert b"Frechet" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_notebooks_backend_does_not_matter(named: Path, backend: str, tmp_path: Path) -> None:
    """In processes of their own, since here Matplotlib is loaded already."""
    done = typed("plot", str(named / "run"), "--out", str(tmp_path / "plots"), MPLBACKEND=backend)
    assert done.returncode == 0, done.stderr.decode()
    assert len(list((tmp_path / "plots").glob("*.pdf"))) >= 2


@pytest.mark.slow
def test_training_and_evaluating_need_no_backend(named: Path, tmp_path: Path) -> None:
    words = [word for name, value in SMALL.items() for word in (f"--{name}", str(value))]
    words += ["--data", str(named / "data")]
    out = tmp_path / "run"
    words += ["--duration", "4 steps", "--evaluate-every", "2 steps", "--out", str(out)]
    done = typed("train", "minimal", *words, MPLBACKEND=BACKENDS[0])
    assert done.returncode == 0, done.stderr.decode()
    assert (out / "figures" / "quality_plot.png").is_file()
    done = typed("evaluate", str(out), "--count", "200", "--features", "random", MPLBACKEND=BACKENDS[0])
    assert done.returncode == 0, done.stderr.decode()
    assert (out / "evaluation" / "evaluation.html").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("backend", [*BACKENDS, "svg"])
def test_a_notebook_keeps_its_own_backend(named: Path, backend: str, tmp_path: Path) -> None:
    code = (
        "import os, sys, pocketgan\n"
        "pocketgan.plot(sys.argv[1]).save(sys.argv[2], 'png')\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "import matplotlib\n"
        "print(os.environ['MPLBACKEND'], matplotlib.rcParams._get_backend_or_none())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(named / "run"), str(tmp_path)],
        capture_output=True, text=True, env={**os.environ, "MPLBACKEND": backend},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    variable, chosen = done.stdout.split()
    assert variable == backend
    assert chosen == "svg" if backend == "svg" else chosen in ("None", backend)

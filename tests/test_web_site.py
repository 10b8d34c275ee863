"""The page's door to the disk: names that lead nowhere else, and runs read once for all."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pocketgan.base.errors import WebError
from pocketgan.web.reading import Reader
from pocketgan.web.rows import Columns, thinned
from pocketgan.web.site import Site
from refusals import refused
from web_runs import make_run, row, write_lines, write_status

NEEDED = ("step", "d_loss")
HOSTILE = [
    "..", "../secret", "runs/../../secret", "/etc/passwd", "/", "", ".", "runs/one/..", "~", "~/x", "runs\\..\\..",
    "C:\\x", "C:/x", "\0", "runs/one\0", "runs/one\n", "file:///etc/passwd", "%2e%2e/secret", "x" * 5000,
    "runs/missing", "//etc",    "runs/one/samples", "runs/one/config.json", "runs/./../..", "${x}", "\u202e", "con:",
]  # fmt: skip
"""What a browser may say instead of the name of a run."""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A folder with two runs, beside a secret one."""
    make_run(tmp_path / "secret")
    make_run(tmp_path / "dir" / "runs" / "one")
    make_run(tmp_path / "dir" / "studies" / "s" / "runs" / "v" / "seed-0")
    (tmp_path / "dir" / "studies" / "s" / "study.json").write_text("{}")
    return Site(tmp_path / "dir")


def test_runs_and_studies_are_found_below_the_folder(site: Site) -> None:
    assert site.runs() == ["runs/one", "studies/s/runs/v/seed-0"]
    assert site.models() == site.runs()
    assert site.studies() == ["studies/s"]
    assert site.run("runs/one").folder == site.folder / "runs" / "one"
    assert site.study("studies/s") == site.folder / "studies" / "s"


def test_data_sets_are_found_and_runs_own_files_are_not(site: Site) -> None:
    np.savez(site.folder / "mine.npz", images=np.zeros((1, 1, 8, 8), np.uint8))
    np.savez(site.folder / "runs" / "one" / "images.npz", images=np.zeros((1, 1, 8, 8), np.uint8))
    assert site.listing().data == ("mine.npz",)


def test_names_are_sorted_by_their_numbers(site: Site) -> None:
    for number in (10, 9, 100):
        np.savez(site.folder / f"mine-{number}.npz", images=np.zeros((1, 1, 8, 8), np.uint8))
    assert site.listing().data == ("mine-9.npz", "mine-10.npz", "mine-100.npz")


def test_a_list_is_looked_up_again_when_it_is_forgotten(site: Site) -> None:
    before = site.runs()
    make_run(site.folder / "runs" / "two")
    assert site.runs() == before
    site.forget()
    assert site.runs() == ["runs/one", "runs/two", "studies/s/runs/v/seed-0"]


def test_other_peoples_config_files_are_no_runs(site: Site) -> None:
    (site.folder / "theirs").mkdir()
    (site.folder / "theirs" / "config.json").write_text('{"name": "x"}')
    assert "theirs" not in site.runs()


@pytest.mark.parametrize("name", HOSTILE)
def test_names_that_lead_elsewhere_are_refused_in_a_sentence(site: Site, name: str) -> None:
    for ask in (site.resolve, site.run, site.model, site.read, site.study):
        with pytest.raises(WebError) as error:
            ask(name)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", [None, 3, ["runs/one"], {"name": "runs/one"}, b"runs/one"])
def test_what_is_no_text_is_refused(site: Site, name: object) -> None:
    with pytest.raises(WebError):
        site.resolve(name)


@given(name=st.text(st.sampled_from("./\\~ab\0:%"), max_size=12))
@settings(max_examples=300, deadline=None)
def test_no_name_leads_out(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "anything"
    folder.mkdir(exist_ok=True)
    try:
        found = Site(folder).path(name)
    except WebError:
        return
    assert found.resolve().is_relative_to(folder.resolve())


def test_links_out_are_neither_listed_nor_followed(site: Site, tmp_path: Path) -> None:
    (site.folder / "runs" / "link").symlink_to(tmp_path / "secret")
    site.forget()
    assert "runs/link" not in site.runs()
    with pytest.raises(WebError, match="link"):
        site.resolve("runs/link")


@pytest.mark.parametrize("inside", ["stats.jsonl", "samples/samples_step_000010.png", "samples", "config.json"])
def test_a_run_with_a_link_out_in_it_is_not_read(site: Site, tmp_path: Path, inside: str) -> None:
    place = site.folder / "runs" / "one" / inside
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    place.symlink_to(tmp_path / "secret" / inside)
    with pytest.raises(WebError, match="link"):
        site.read("runs/one")


def test_a_link_within_the_folder_may_be_followed(site: Site) -> None:
    (site.folder / "latest").symlink_to(site.folder / "runs" / "one")
    assert site.run("latest").status().step == 50


@pytest.mark.parametrize(
    "file", ["../config.json", "..", "/etc/passwd", ".hidden.png", "missing.png", "a/b.png", "\0.png", "x.json", ""]
)
def test_files_are_those_of_the_folder_asked_for(site: Site, file: str) -> None:
    assert site.file("runs/one", "samples", "samples_step_000010.png", (".png",)).is_file()
    with pytest.raises(WebError):
        site.file("runs/one", "samples", file, (".png",))


def test_a_folder_that_is_not_there_and_an_unknown_language_are_named(tmp_path: Path) -> None:
    with pytest.raises(WebError, match="none") as caught:
        Site(tmp_path / "none")
    assert caught.value.field == "dir"
    with refused("no language", "lang") as unknown:
        Site(tmp_path, "xx")
    assert unknown.value.field == "lang"


def test_a_folder_is_written_from_home(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for home, path in ((site.folder.parent, "~/dir"), *((one, str(site.folder)) for one in (site.folder, "/nowhere"))):
        for name in ("HOME", "USERPROFILE"):
            monkeypatch.setenv(name, str(home))
        assert site.display_path == path


# Rows that grow.


def test_only_what_was_appended_is_read(tmp_path: Path) -> None:
    path = tmp_path / "stats.jsonl"
    columns = Columns(path, NEEDED, ("extra",))
    columns.refresh()
    assert len(columns) == 0
    write_lines(path, [{"step": 1, "d_loss": 2.0}, {"step": 2, "d_loss": 3.0, "extra": 5}])
    columns.refresh()
    version = columns.version
    columns.refresh()
    assert columns.version == version
    with path.open("a") as file:
        file.write('{"step": 3, "d_l')
    columns.refresh()
    assert len(columns) == 2 and columns.damaged == 0
    with path.open("a") as file:
        file.write('oss": 4.0}\n')
    columns.refresh()
    assert columns["step"].tolist() == [1, 2, 3] and columns["d_loss"].tolist() == [2, 3, 4]
    assert np.isnan(columns["extra"][[0, 2]]).all() and columns["extra"][1] == 5


@pytest.mark.parametrize(
    "line", ["{", "[]", "null", '{"step": 1}', '{"step": "1", "d_loss": 2}', '{"step": NaN, "d_loss": 2}', "\x00\x00",
             '{"step": true, "d_loss": 2}', "[" * 100_000],
)  # fmt: skip
def test_damaged_lines_are_left_out_and_counted(tmp_path: Path, line: str) -> None:
    path = tmp_path / "stats.jsonl"
    write_lines(path, [{"step": 1, "d_loss": 2}, line, {"step": 2, "d_loss": 2}])
    columns = Columns(path, NEEDED)
    columns.refresh()
    assert columns["step"].tolist() == [1, 2] and columns.damaged == 1


@pytest.mark.parametrize("rows", [1, 5])
def test_a_file_that_is_written_anew_is_read_anew(tmp_path: Path, rows: int) -> None:
    path, other = tmp_path / "stats.jsonl", tmp_path / "other"
    write_lines(path, [{"step": 1, "d_loss": 2}] * 3)
    columns = Columns(path, NEEDED)
    columns.refresh()
    write_lines(other, [{"step": 7, "d_loss": 2}] * rows)
    os.replace(other, path)
    columns.refresh()
    assert columns["step"].tolist() == [7] * rows
    path.unlink()
    columns.refresh()
    assert len(columns) == 0


def test_thinned_curves_keep_their_mean_and_their_ends() -> None:
    x, y = np.arange(10_000.0), np.zeros(10_000)
    y[5000] = 100.0
    where, mean, low, high = thinned(x, y, 100)
    assert len(where) == 100 and where[0] < 100 and where[-1] > 9900
    assert mean.sum() == pytest.approx(1.0) and high.max() == 100 and low.max() == 0
    few = thinned(x[:5], y[:5], 100)
    assert all(column.tolist() == [*range(5)] if column is few[0] else True for column in few)


# Runs.


def test_a_run_is_read_once_for_all(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, read = Reader(), []
    monkeypatch.setattr("pocketgan.web.reading.Run.open", classmethod(lambda cls, path: read.append(path)))
    for _ in range(5):
        reader.read(site.folder / "runs" / "one")
    assert len(read) == 1


def test_the_version_changes_with_the_run(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pocketgan.web.reading.FRESH_SECONDS", 0.0)
    folder = site.folder / "runs" / "one"
    seen = [site.read("runs/one").version]
    assert site.read("runs/one").version == seen[0]
    with (folder / "stats.jsonl").open("a") as file:
        file.write(json.dumps(row(51)) + "\n")
    seen.append(site.read("runs/one").version)
    write_status(folder, state="failed", message="the disk is full")
    seen.append(site.read("runs/one").version)
    shutil.copy(folder / "samples" / "samples_step_000010.png", folder / "samples" / "samples_step_000040.png")
    seen.append(site.read("runs/one").version)
    assert len(set(seen)) == 4
    assert [sample.step for sample in site.read("runs/one").samples] == [10, 20, 30, 40]


@pytest.mark.parametrize("name", ["config.json", "environment.json", "status.json"])
def test_damaged_files_are_said_and_nothing_fails(site: Site, name: str) -> None:
    (site.folder / "runs" / "one" / name).write_text("{")
    reading = site.read("runs/one")
    assert any(name in problem for problem in reading.problems)
    assert not reading.gone


def test_a_run_that_is_killed_is_seen_to_be(site: Site) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    write_status(site.folder / "runs" / "one", state="running", pid=gone.pid)
    status = site.read("runs/one").status
    assert status is not None and status.state == "killed"


@pytest.mark.slow
def test_a_run_of_100000_rows_opens_within_two_seconds(tmp_path: Path) -> None:
    make_run(tmp_path / "long", rows=100_000)
    site = Site(tmp_path)
    start = time.perf_counter()
    reading = site.read("long")
    assert time.perf_counter() - start < 2.0 * 3, "three times the promise, for busy machines and checked types"
    assert reading.rows is not None and len(reading.rows) == 100_000

"""The worker: what it answers, that it answers the same again, and what becomes of one that dies."""

import io
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import psutil
import pytest
import torch

import pocketgan
from pocketgan.base.errors import RunError, WebError
from pocketgan.pictures.directions import find_directions
from pocketgan.pictures.latents import slerp
from pocketgan.runs.run import Run
from pocketgan.runs.sampling import sample_latents
from pocketgan.web.answers import BATCH, Drawing, answer, draw_images
from pocketgan.web.frames import LENGTHS, MOST_JSON, BadFrame, read_frame, write_frame
from pocketgan.web.judging import spacing
from pocketgan.web.memory import Loaded, Memory, identity
from pocketgan.web.worker import Refused, Worker


@pytest.fixture(scope="module")
def memory():
    return Memory()


@pytest.fixture(scope="module")
def worker():
    found = Worker()
    yield found
    found.end()


def asked(memory, what, arrays=None, **values):
    said, made = answer(memory, {"ask": what, **values}, arrays or {})
    assert "error" not in said, said
    return said, made


def refusal(memory, what, field, **values):
    """Returns why something is refused, which names its field."""
    said = answer(memory, {"ask": what, **values}, {})[0]
    assert said.get("field") == field and said["error"].startswith(field or "")
    return said["error"]


# Frames.


def test_a_frame_comes_back_as_it_was():
    stream = io.BytesIO()
    arrays = {"a": np.arange(6, dtype=np.uint8).reshape(2, 3), "b": np.array([0.1], np.float32)}
    write_frame(stream, {"x": [1, None, "é"]}, arrays)
    write_frame(stream, {})
    stream.seek(0)
    values, found = read_frame(stream)
    assert values == {"x": [1, None, "é"]}
    assert {name: array.dtype for name, array in found.items()} == {"a": np.uint8, "b": np.float32}
    assert all(np.array_equal(found[name], array) for name, array in arrays.items())
    assert read_frame(stream) == ({}, {})
    assert read_frame(stream) is None


@pytest.mark.parametrize(
    "content",
    [
        b"\0",
        LENGTHS.pack(10, 0) + b"{}",
        LENGTHS.pack(2, 0) + b"[]",
        LENGTHS.pack(2, 0) + b"{x",
        LENGTHS.pack(2, 3) + b"{}abc",
        LENGTHS.pack(MOST_JSON + 1, 0),
        LENGTHS.pack(2, 2**32 - 1) + b"{}",
    ],
)
def test_what_is_no_frame_is_told(content):
    with pytest.raises(BadFrame):
        read_frame(io.BytesIO(content))


def test_arrays_that_could_run_code_are_refused():
    buffer = io.BytesIO()
    np.savez(buffer, a=np.array([{}], dtype=object))
    content = buffer.getvalue()
    with pytest.raises(BadFrame):
        read_frame(io.BytesIO(LENGTHS.pack(2, len(content)) + b"{}" + content))
    with pytest.raises(ValueError, match=r"[Oo]bject"):
        write_frame(io.BytesIO(), {}, {"a": np.array([{}], dtype=object)})


# Drawing.


def test_pictures_are_those_that_generate_draws(memory, small_runs):
    for name, label in (("noise", None), ("told", None), ("told", "8")):
        run = Run.open(small_runs / name)
        _, made = asked(memory, "draw", folder=str(run.folder), drawing={"seed": 3, "count": BATCH, "label": label})
        wanted = run.generate(BATCH, seed=3, label=label)
        assert made["images"].tobytes() == wanted.images.tobytes()
        assert np.array_equal(made["latents"], sample_latents(run.config, BATCH, 3).numpy())


def test_the_same_digit_and_seed_are_the_same_picture_byte_for_byte(memory, small_runs):
    folder = str(small_runs / "told")
    first = asked(memory, "draw", folder=folder, drawing={"seed": 11, "count": 64, "label": "8"})[1]["images"]
    for count in (1, 7, 63, 65, 200, 256):
        again = asked(Memory(), "draw", folder=folder, drawing={"seed": 11, "count": count, "label": "8"})[1]["images"]
        shared = min(count, 64)
        assert again[:shared].tobytes() == first[:shared].tobytes(), count
    mixed = asked(memory, "draw", folder=folder, drawing={"seed": 11, "count": 64})[1]
    eights = mixed["labels"] == 1
    assert mixed["images"][eights].tobytes() == first[eights].tobytes(), "also among other digits"
    other = asked(memory, "draw", folder=folder, drawing={"seed": 12, "count": 64, "label": "8"})[1]["images"]
    assert other.tobytes() != first.tobytes()


def test_truncation_and_directions_move_latents(memory, small_runs):
    folder = small_runs / "noise"
    plain = asked(memory, "draw", folder=str(folder), drawing={"seed": 0, "count": 4})[1]
    half = asked(memory, "draw", folder=str(folder), drawing={"seed": 0, "count": 4, "truncation": 0.5})[1]
    assert np.allclose(half["latents"], 0.5 * plain["latents"])
    none = asked(memory, "draw", folder=str(folder), drawing={"seed": 0, "count": 4, "truncation": 0.0})[1]
    assert (none["images"] == none["images"][0]).all()
    moved = asked(memory, "draw", folder=str(folder), drawing={"seed": 0, "count": 4, "steps": [0, 2.0]})[1]
    second = find_directions(Run.open(folder), 2).vectors[1].numpy()
    assert np.allclose(moved["latents"] - plain["latents"], 2 * second, atol=1e-5)
    assert moved["images"].tobytes() != plain["images"].tobytes()


def test_the_strongest_directions(memory, small_runs):
    values, made = asked(memory, "directions", folder=str(small_runs / "noise"))
    assert made["vectors"].shape == (5, 100) and values["shares"] == sorted(values["shares"], reverse=True)


# Looking closely.


def test_a_picture_is_looked_at(memory, small_runs):
    folder = str(small_runs / "told")
    drawing = {"seed": 5, "count": 10}
    values, made = asked(memory, "look", folder=folder, drawing=drawing, index=7)
    drawn = asked(memory, "draw", folder=folder, drawing=drawing)[1]
    assert made["image"].tobytes() == drawn["images"][7].tobytes()
    assert np.array_equal(made["latent"], drawn["latents"][7])
    assert values["label"] == 1 and values["kind"] == "probability"
    assert 0 < values["discriminator"][0] < 1
    assert values["class"][0] in tuple("0123456789") and 0.1 <= values["probability"][0] <= 1


def test_its_nearest_training_images_are_the_nearest(memory, small_runs):
    run = Run.open(small_runs / "told")
    values, made = asked(memory, "look", folder=str(run.folder), drawing={"seed": 5, "count": 10}, index=7, nearest=3)
    from pocketgan.images.sets import load_images

    training = load_images(run.config.data).images.numpy().astype(float)
    distances = np.sqrt(((training - made["image"].astype(float)) ** 2).mean(axis=(1, 2, 3)))
    assert values["places"] == np.argsort(distances, kind="stable")[:3].tolist()
    assert values["distances"] == pytest.approx(np.sort(distances)[:3].tolist(), rel=1e-5)
    assert np.array_equal(made["nearest"], training[values["places"]].astype(np.uint8))
    assert 0 < values["rare"] < values["typical"] < 100


def test_how_far_real_images_are_from_theirs():
    images = torch.randint(256, (150, 1, 6, 6), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    flat = images.flatten(1).double()
    distances = torch.cdist(flat, flat).fill_diagonal_(torch.inf).min(dim=1).values / 6
    found = spacing(images)
    assert found.typical == pytest.approx(distances.median().item(), rel=0.01)
    assert found.rare == pytest.approx(distances.quantile(0.01).item(), rel=0.01)
    assert spacing(images.repeat(2, 1, 1, 1)).typical == pytest.approx(0, abs=0.1), "each has a twin"
    assert spacing(images[:20]) is None, "too few to tell"


def test_training_images_that_may_not_be_read_are_not(memory, small_runs):
    values, made = asked(
        memory, "look", folder=str(small_runs / "told"), drawing={"seed": 5, "count": 1}, index=0, data=False
    )
    assert "nearest" not in made and "distances" not in values


def test_an_exported_model_has_no_discriminator(memory, small_runs, tmp_path):
    pocketgan.export(small_runs / "told", tmp_path / "model", format="safetensors", progress=False)
    drawing = {"seed": 5, "count": 10}
    values, made = asked(memory, "look", folder=str(tmp_path / "model"), drawing=drawing, index=7)
    run = asked(memory, "draw", folder=str(small_runs / "told"), drawing=drawing)[1]
    assert values["kind"] is None and values["discriminator"] is None
    assert made["image"].tobytes() == run["images"][7].tobytes(), "and it draws what its run draws"
    assert len(values["distances"]) == 5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("objective", "kind"), [("relativistic", "against"), ("hinge", "rank"), ("bce", "probability")]
)
def test_the_discriminator_says_what_its_game_lets_it_say(memory, tmp_path, objective, kind):
    run = pocketgan.train(
        "minimal", out=tmp_path / objective, progress=False, objective=objective, discriminator_batches="separate",
        hidden_dim=8, duration="2 steps", batch_size=4, sample_count=4, evaluate_every="none", classes="3",
    )  # fmt: skip
    values, _ = asked(memory, "look", folder=str(run.folder), drawing={"seed": 0, "count": 1}, index=0)
    assert values["kind"] == kind and 0 <= values["discriminator"][0] <= 1


# Walks, numbers, redrawing.


def test_a_walk_goes_from_one_picture_to_the_other_and_back(memory, small_runs):
    from PIL import Image, ImageSequence

    folder, drawing = str(small_runs / "told"), {"seed": 2, "count": 6}
    drawn = asked(memory, "draw", folder=folder, drawing=drawing)[1]["images"]
    values, made = asked(
        memory, "between", folder=folder, first=drawing | {"index": 0}, second=drawing | {"index": 5}, scale=1
    )
    film = Image.open(io.BytesIO(made["gif"].tobytes()))
    frames = [np.asarray(frame.convert("L"))[2:-2, 2:-2] for frame in ImageSequence.Iterator(film)]
    assert len(frames) == values["frames"] == 54
    for place, index in ((0, 0), (27, 5)):
        assert np.abs(frames[place].astype(int) - drawn[index, 0].astype(int)).max() <= 1, "also from class to class"
    assert np.array_equal(frames[1], frames[-1])


def test_between_classes_a_walk_mixes_what_was_learnt_of_both(small_runs):
    from pocketgan.pictures.interpolation import walk_between

    loaded = Loaded(small_runs / "told")
    latents, labels = sample_latents(loaded.model.config, 2, 9), torch.tensor([0, 1])
    film = walk_between(loaded.network, loaded.model.config, latents, labels, frames=3)
    place = loaded.network.input
    middle = torch.cat([slerp(*latents, torch.tensor([0.5])), place.embedding.weight.mean(dim=0)[None]], dim=1)
    wanted = loaded.network.layers(middle).detach().view(28, 28) * 255
    assert np.abs(film.images[1, 0, 0].astype(float) - wanted.numpy()).max() <= 1
    assert not place._forward_hooks, "the network is left as it was"
    same = walk_between(loaded.network, loaded.model.config, latents, torch.tensor([1, 1]), frames=3)
    ends = draw_images(loaded, latents, torch.tensor([1, 1]))
    assert np.abs(same.images[[0, 2], 0].astype(int) - ends.astype(int)).max() <= 1
    with pytest.raises(RunError) as caught:
        walk_between(loaded.network, loaded.model.config, latents, labels, frames=1)
    assert caught.value.field == "frames" and caught.value.parts["value"] == 1


def test_walks_along_directions_pass_the_picture(memory, small_runs):
    folder, drawing = str(small_runs / "noise"), {"seed": 2, "count": 6, "steps": [1.0]}
    drawn = asked(memory, "draw", folder=folder, drawing=drawing)[1]["images"]
    found = asked(memory, "along", folder=folder, picture=drawing | {"index": 4}, steps=5, reach=3.0)[1]["images"]
    assert found.shape == (5, 5, 1, 28, 28)
    assert np.abs(found[:, 2].astype(int) - drawn[4].astype(int)).max() <= 1


def test_a_number_is_written(memory, small_runs):
    values, made = asked(memory, "write", folder=str(small_runs / "told"), text="383", seed=1)
    assert made["images"].shape == (3, 1, 28, 28) and values == {"drawn": 0, "certainty": {}}
    assert np.array_equal(made["images"], pocketgan.write("383", small_runs / "told", seed=1).images.images)


def test_images_are_redrawn(memory, small_runs):
    folder = small_runs / "redraw"
    given = asked(memory, "test_image", folder=str(folder), label="8", index=2)[1]["image"]
    made = asked(memory, "redraw", {"images": given[None]}, folder=str(folder))[1]["images"]
    translation = pocketgan.translate(folder, count=3)
    assert np.array_equal(given, translation.inputs.images[2])
    assert np.abs(made[0].astype(int) - translation.outputs.images[2].astype(int)).max() <= 1


def test_test_images_of_every_digit_after_the_last_the_first(memory, small_runs):
    from pocketgan.images.readers import read_mnist

    test, folder = read_mnist("test"), str(small_runs / "redraw")
    threes = test.images[test.labels == 3]
    values, made = asked(memory, "test_image", folder=folder, label="3", index=len(threes) + 1)
    assert values["count"] == len(threes) and np.array_equal(made["image"], threes[1])
    assert np.array_equal(asked(memory, "test_image", folder=folder, label=None, index=0)[1]["image"], test.images[0])


# Refusals, memory.


def test_refusals(memory, small_runs):
    noise, redraw = str(small_runs / "noise"), str(small_runs / "redraw")
    assert "reads no noise" in refusal(memory, "draw", "run", folder=redraw, drawing={"seed": 0, "count": 1})
    assert "(got 257)" in refusal(memory, "draw", "count", folder=noise, drawing={"seed": 0, "count": 257})
    told = {"seed": 0, "count": 1, "label": "3"}
    assert "unconditional" in refusal(memory, "draw", "label", folder=noise, drawing=told)
    assert "no picture 4" in refusal(memory, "look", "index", folder=noise, drawing={"seed": 0, "count": 4}, index=4)
    assert "no picture -1" in refusal(
        memory, "along", "index", folder=noise, picture={"seed": 0, "count": 4, "index": -1}, steps=3, reach=1.0
    )
    assert "doesn't exist" in refusal(memory, "draw", "run", folder="/nowhere", drawing={"seed": 0, "count": 1})
    assert "'x'" in refusal(memory, "write", "text", folder=noise, text="x", seed=0)
    assert refusal(memory, "draw", None, folder=noise, drawing={}).startswith("worker: TypeError")
    assert answer(memory, {}, {})[0]["error"].startswith("worker: KeyError")
    wrong = answer(memory, {"ask": "redraw", "folder": redraw}, {"images": np.zeros((1, 1, 9, 9), np.uint8)})
    assert wrong[0]["field"] == "images" and "uint8 images of shape (1, 1, 9, 9)" in wrong[0]["error"]


def test_a_model_is_read_again_only_when_its_files_change(small_runs, tmp_path):
    import shutil

    folder = tmp_path / "run"
    shutil.copytree(small_runs / "noise", folder)
    memory = Memory()
    first = memory.model(str(folder))
    assert memory.model(str(folder)) is first
    before, newest = identity(folder), max((folder / "checkpoints").glob("step-*"))
    os.utime(newest, ns=(1, 1))
    assert identity(folder) != before
    assert memory.model(str(folder)) is not first


def test_only_the_last_few_models_stay(small_runs, tmp_path):
    import shutil

    memory = Memory()
    for number in range(5):
        shutil.copytree(small_runs / "noise", tmp_path / str(number))
        memory.model(str(tmp_path / str(number)))
    assert len(memory._loaded) == 4


def test_a_drawing_is_checked():
    assert Drawing.of({"seed": 1, "count": 2, "steps": [1, 2]}).steps == (1, 2)
    with pytest.raises(RunError) as caught:
        Drawing.of({"seed": 1, "count": 0})
    assert caught.value.field == "count" and caught.value.parts["count"] == 0
    with pytest.raises(TypeError):
        Drawing.of({"seed": 1, "count": 1, "path": "/etc"})


# The process.


@pytest.mark.slow
def test_the_page_has_no_torch_and_the_worker_answers_it(worker, small_runs):
    code = textwrap.dedent(f"""
        import sys
        from pocketgan.web.worker import Worker
        worker = Worker()
        found = worker.ask("draw", folder={str(small_runs / "told")!r}, drawing={{"seed": 3, "count": 4}})
        print("torch" in sys.modules, found.arrays["images"].sum())
        worker.end()
    """)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    wanted = worker.ask("draw", folder=str(small_runs / "told"), drawing={"seed": 3, "count": 4})
    assert done.stdout.split() == ["False", str(wanted.arrays["images"].sum())]


@pytest.mark.slow
def test_what_cannot_be_done_is_said_and_the_worker_stays(worker, small_runs):
    worker.ask("draw", folder=str(small_runs / "noise"), drawing={"seed": 3, "count": 1})
    pid = worker.pid
    with pytest.raises(Refused, match=r"text: .* has no class 'x'") as refused:
        worker.ask("write", folder=str(small_runs / "told"), text="x", seed=0)
    assert refused.value.field == "text"
    assert worker.pid == pid


@pytest.mark.slow
def test_a_dead_worker_is_a_sentence_and_then_another(worker, small_runs):
    ask = {"folder": str(small_runs / "noise"), "drawing": {"seed": 3, "count": 1}}
    before = worker.ask("draw", **ask)
    pid = worker.pid
    os.kill(pid, signal.SIGKILL)
    psutil.Process(pid).wait(5) if psutil.pid_exists(pid) else None
    again = worker.ask("draw", **ask)
    assert worker.pid != pid, "killed between two questions, it isn't missed"
    assert again.arrays["images"].tobytes() == before.arrays["images"].tobytes()


DIES = (sys.executable, "-c", "import sys; sys.stdin.buffer.read(9); sys.exit(3)")
SLEEPS = (sys.executable, "-c", "import time; time.sleep(60)")
BABBLES = (sys.executable, "-c", "print('hello, hello, hello, hello')")
COUNTS = (
    sys.executable,
    "-c",
    "import os, sys\nfrom pocketgan.web.frames import *\n"
    "while read_frame(sys.stdin.buffer): write_frame(sys.stdout.buffer, {'pid': os.getpid()})",
)


def test_one_that_dies_once_of_a_question_is_asked_again(tmp_path):
    code = (
        "import os, pathlib, sys\nfrom pocketgan.web.frames import *\nread_frame(sys.stdin.buffer)\n"
        f"first = pathlib.Path({str(tmp_path / 'first')!r})\n"
        "if not first.exists(): first.touch(); os.kill(os.getpid(), 9)\n"
        "write_frame(sys.stdout.buffer, {'pid': os.getpid()})"
    )
    worker = Worker(command=(sys.executable, "-c", code))
    assert worker.ask("anything").values["pid"] == worker.pid
    assert (tmp_path / "first").exists()
    worker.end()


def test_one_that_is_ended_is_not_asked_again(tmp_path):
    code = (
        "import pathlib, sys, time\nfrom pocketgan.web.frames import *\nread_frame(sys.stdin.buffer)\n"
        f"place = pathlib.Path({str(tmp_path)!r})\n(place / str(len(list(place.iterdir())))).touch()\ntime.sleep(60)"
    )
    worker = Worker(command=(sys.executable, "-c", code))
    ender = threading.Thread(target=lambda: (wait_for(tmp_path / "0"), worker.kill()))
    ender.start()
    with pytest.raises(WebError):
        worker.ask("anything")
    ender.join()
    assert [path.name for path in tmp_path.iterdir()] == ["0"]


def test_one_that_waits_too_long_for_its_turn_is_a_sentence(tmp_path):
    code = f"import pathlib, time\npathlib.Path({str(tmp_path / 'begun')!r}).touch()\ntime.sleep(60)"
    worker = Worker(command=(sys.executable, "-c", code), turn=0.1)

    def ask_and_fail():
        with pytest.raises(WebError):
            worker.ask("anything")

    first = threading.Thread(target=ask_and_fail)
    first.start()
    wait_for(tmp_path / "begun")
    with pytest.raises(WebError, match="before this one"):
        worker.ask("anything")
    worker.kill()
    first.join()


def wait_for(path):
    for _ in range(600):
        if path.exists():
            return
        time.sleep(0.05)
    pytest.fail(f"{path} doesn't appear")


@pytest.mark.parametrize("command", [DIES, BABBLES, ("/nowhere/python",)])
def test_one_that_dies_of_a_question_is_a_sentence(command):
    worker = Worker(command=command)
    for _ in range(2):
        with pytest.raises(WebError, match="stopped unexpectedly"):
            worker.ask("anything")
    assert worker.pid is None


def test_one_that_takes_too_long_is_ended():
    worker = Worker(command=SLEEPS, longest=0.3)
    began = time.monotonic()
    with pytest.raises(WebError, match="took longer than"):
        worker.ask("anything")
    assert time.monotonic() - began < 10 and worker.pid is None


def test_a_question_that_is_asked_twice_has_no_more_time():
    ends = []

    class Dying(Worker):
        def _exchange(self, question, arrays, end):
            ends.append(end)

    with pytest.raises(WebError, match="stopped unexpectedly"):
        Dying().ask("anything")
    assert len(ends) == 2 and ends[0] == ends[1]


@pytest.mark.slow
def test_one_that_idles_is_ended_and_the_next_question_starts_another():
    worker = Worker(command=COUNTS, idle=0.2)
    first = worker.ask("anything").values["pid"]
    assert worker.ask("anything").values["pid"] == first
    for _ in range(100):
        if not psutil.pid_exists(first):
            break
        time.sleep(0.05)
    assert worker.pid is None and not psutil.pid_exists(first)
    assert worker.ask("anything").values["pid"] != first
    worker.end()


@pytest.mark.slow
def test_the_worker_goes_with_the_page(small_runs):
    code = (
        "import os, sys\nfrom pocketgan.web.worker import Worker\nworker = Worker()\n"
        f"worker.ask('draw', folder={str(small_runs / 'noise')!r}, drawing={{'seed': 0, 'count': 1}})\n"
        "print(worker.pid, flush=True)\nos.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    pid = int(done.stdout)
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            break
        time.sleep(0.05)
    else:
        pytest.fail("it outlives the page")


@pytest.mark.slow
def test_a_warm_grid_of_64_takes_a_fraction_of_a_second(worker, small_runs):
    ask = {"folder": str(small_runs / "told"), "drawing": {"seed": 3, "count": 64, "steps": [1.0]}}
    worker.ask("draw", **ask)
    taken = []
    for seed in range(5):
        began = time.monotonic()
        worker.ask("draw", **ask | {"drawing": ask["drawing"] | {"seed": seed}})
        taken.append(time.monotonic() - began)
    assert min(taken) < 0.3

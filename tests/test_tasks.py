"""Pairs of input and target: made from images by a task, or read from a folder."""

from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from PIL import Image

from pocketgan.base.errors import DataError
from pocketgan.config.data_section import DataConfig
from pocketgan.config.translating import Task, task_of
from pocketgan.images.batches import Batches
from pocketgan.images.pair_sets import pairs_in, targets_in
from pocketgan.images.sets import ImageSet, load_images
from pocketgan.images.tasks import CLOSED_FORMS, TASKS, batch_random, judged, pairs_of

Images = Callable[..., ImageSet]
CPU = torch.device("cpu")


def data_for(task: str, **fields: object) -> DataConfig:
    return DataConfig.model_validate({"task": task, **fields})


def made(task: str, images: ImageSet, seed: int = 0):
    return pairs_of(data_for(task), images.images, images.inputs, images.labels, batch_random(seed, 0, CPU))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("task", TASKS)
def test_every_task_makes_pairs_of_the_images_shape(task: str, channels: int, tiny_images: Images) -> None:
    images = tiny_images(6, channels=3 if task == "colorize" else channels, size=10)
    before = images.images.clone()
    pairs = made(task, images)
    for part in (pairs.inputs, pairs.targets):
        assert part.shape == images.images.shape and part.dtype == torch.uint8
    assert torch.equal(images.images, before)
    assert task in get_args(Task)


@pytest.mark.parametrize("task", TASKS)
def test_a_seed_gives_the_same_pairs(task: str, tiny_images: Images) -> None:
    images = tiny_images(6, channels=3, size=8)
    first, again, other = made(task, images, 1), made(task, images, 1), made(task, images, 2)
    assert torch.equal(first.inputs, again.inputs) and torch.equal(first.targets, again.targets)
    assert torch.equal(first.inputs, other.inputs) == (task not in ("denoise", "inpaint"))


def test_known_answers() -> None:
    square = torch.zeros(1, 1, 8, 8, dtype=torch.uint8)
    square[0, 0, 3:5, 3:5] = 200
    images = ImageSet(square, None, (), "square")
    assert torch.equal(made("invert", images).targets, 255 - square)
    thick = made("thicken", images).targets
    assert (thick[0, 0, 2:6, 2:6] == 200).all() and thick.count_nonzero() == 16
    shifted = made("upscale", images).inputs
    assert shifted[0, 0, 2, 2] == 50 and torch.equal(shifted[..., ::2, ::2], shifted[..., 1::2, 1::2])
    hidden = made("inpaint", images).inputs == 128
    assert hidden.sum() == 16 and hidden.flatten(2).any(dim=2).all()
    lines = made("edges", images).inputs
    assert set(lines.unique().tolist()) == {0, 255} and lines[0, 0, 0, 0] == 0


def test_noise_has_the_promised_deviation() -> None:
    gray = ImageSet(torch.full((50, 1, 16, 16), 128, dtype=torch.uint8), None, (), "gray")
    noisy = made("denoise", gray).inputs.float()
    inside = noisy[(noisy > 0) & (noisy < 255)]
    assert 50 < inside.std() < 76.5 and abs(noisy.mean() - 128) < 3


def test_gray_images_get_the_color_of_their_class() -> None:
    digits = torch.full((12, 3, 4, 4), 255, dtype=torch.uint8)
    images = ImageSet(digits, torch.arange(12), tuple(map(str, range(12))), "flat")
    pairs = made("colorize", images)
    colors = {tuple(color) for color in pairs.targets[:, :, 0, 0].tolist()}
    assert len(colors) == 12 and torch.equal(pairs.inputs, digits)
    assert torch.equal(pairs.targets.amax(dim=1), digits[:, 0])


def test_colors_become_gray(tiny_images: Images) -> None:
    images = tiny_images(4, channels=3)
    pairs = made("colorize", images)
    assert torch.equal(pairs.targets, images.images)
    assert (pairs.inputs == pairs.inputs[:, :1]).all()


def test_digits_are_read_in_color_to_be_colorized() -> None:
    data = data_for("colorize", classes="0")
    images = load_images(data, "test")
    assert data.color == "rgb" and images.images.shape[1] == 3
    shown = targets_in(data, images)
    assert shown.images.shape[1] == 1 and torch.equal(shown.images, images.images[:, :1])


@pytest.mark.parametrize("task", ["invert", "thicken"])
def test_exact_closed_forms_solve_their_task(task: str, tiny_images: Images) -> None:
    pairs = made(task, tiny_images(5))
    assert torch.equal(CLOSED_FORMS[task](pairs.inputs), pairs.targets)


@pytest.mark.parametrize("task", CLOSED_FORMS)
def test_closed_forms_keep_the_shape(task: str, tiny_images: Images) -> None:
    images = tiny_images(3, channels=3, size=10).images
    assert CLOSED_FORMS[task](images).shape == images.shape


def test_inverted_is_the_task_invert(tiny_images: Images) -> None:
    old, new, images = DataConfig(target="inverted"), data_for("invert"), tiny_images()
    assert task_of(old) == task_of(new) == "invert"
    assert torch.equal(judged(old, 255 - images.images), images.images)
    assert targets_in(new, images) is images


@pytest.mark.parametrize("task", ["denoise", "inpaint", "thicken"])
def test_a_batch_depends_on_its_place_alone(task: str, tiny_images: Images) -> None:
    data, images = data_for(task), tiny_images()
    first, second = (Batches(images, data, batch_size=8, seed=3, device="cpu") for _ in range(2))
    first.at(0)
    ours, theirs = first.at(24), second.at(24)
    assert torch.equal(ours.source, theirs.source) and torch.equal(ours.real, theirs.real)
    assert not torch.equal(ours.source, ours.real)
    if task != "thicken":
        assert not torch.equal(first.at(24 + len(images)).source[:8], ours.source)


# Folders of pairs.


def write(path: Path, seed: int = 0, size: tuple[int, int] = (8, 8), color: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(256, size=(*size[::-1], 3) if color else size[::-1], dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def two_folders(folder: Path, count: int = 12, classes: bool = False) -> Path:
    for number in range(count):
        inner = f"{number % 2}/" if classes else ""
        write(folder / "input" / f"{inner}{number:02d}.png", number)
        write(folder / "target" / f"{inner}{number:02d}.bmp", 100 + number)
    return folder


def read(folder: Path, **fields: object) -> ImageSet:
    return load_images(DataConfig.model_validate({"pairs": str(folder), **fields}))


def refusal(folder: Path) -> DataError:
    with pytest.raises(DataError) as error:
        read(folder)
    assert len(str(error.value).splitlines()) == 1 and error.value.field == "pairs"
    return error.value


@pytest.mark.parametrize("classes", [False, True])
def test_two_folders_by_name(classes: bool, tmp_path: Path) -> None:
    images = read(two_folders(tmp_path, classes=classes))
    assert images.inputs is not None and images.images.shape == images.inputs.shape == (12, 1, 8, 8)
    names = sorted(range(12), key=lambda number: (number % 2, number)) if classes else range(12)
    for place, number in enumerate(names):
        expected = np.asarray(Image.open(next(tmp_path.rglob(f"{number:02d}.png"))))
        assert (images.inputs[place, 0].numpy() == expected).all()
    assert images.class_names == (("0", "1") if classes else ())
    pairs = pairs_in(DataConfig(pairs=str(tmp_path)), images)
    assert torch.equal(pairs.inputs, images.inputs) and torch.equal(pairs.targets, images.images)


def test_pairs_stay_together_in_every_part(tmp_path: Path) -> None:
    images = read(two_folders(tmp_path, classes=True))
    assert images.inputs is not None
    order = torch.tensor([5, 1, 7])
    part = images.part(order)
    assert part.inputs is not None and torch.equal(part.inputs, images.inputs[order])
    chosen = images.select("1")
    assert chosen.inputs is not None and torch.equal(chosen.inputs, images.inputs[images.labels == 1])
    assert part.digest() != ImageSet(part.images, part.labels, part.class_names, part.source).digest()


def test_splits_around_the_folders(tmp_path: Path) -> None:
    two_folders(tmp_path / "train", 4)
    two_folders(tmp_path / "test", 2)
    data = DataConfig(pairs=str(tmp_path))
    assert [len(load_images(data, part)) for part in ("train", "test")] == [4, 2]


def test_pictures_side_by_side(tmp_path: Path) -> None:
    for number in range(3):
        write(tmp_path / f"{number}.png", number, (16, 8), color=True)
    images = read(tmp_path)
    assert images.inputs is not None and images.images.shape == images.inputs.shape == (3, 3, 8, 8)
    whole = np.asarray(Image.open(tmp_path / "1.png")).transpose(2, 0, 1)
    assert (images.inputs[1].numpy() == whole[..., :8]).all() and (images.images[1].numpy() == whole[..., 8:]).all()


def test_gray_inputs_of_color_targets_become_color(tmp_path: Path) -> None:
    write(tmp_path / "input" / "a.png")
    write(tmp_path / "target" / "a.png", color=True)
    images = read(tmp_path)
    assert images.inputs is not None and images.inputs.shape == images.images.shape == (1, 3, 8, 8)


def test_problems_of_pairing_are_one_line(tmp_path: Path) -> None:
    folder = two_folders(tmp_path / "a")
    write(folder / "input" / "lonely.png")
    assert refusal(folder).key == "no target" and "lonely.png" in str(refusal(folder))
    (folder / "input" / "lonely.png").rename(folder / "target" / "lonely.png")
    assert refusal(folder).key == "no input"
    write(folder / "input" / "lonely.png", size=(9, 9))
    assert refusal(folder).key == "pair sizes"
    write(folder / "input" / "lonely.bmp")
    assert refusal(folder).key == "pair name twice"
    write(tmp_path / "b" / "input" / "x.png")
    assert refusal(tmp_path / "b").key == "half only"
    write(tmp_path / "c" / "x.png", size=(12, 8))
    assert refusal(tmp_path / "c").key == "not two halves"
    assert refusal(tmp_path / "nothing").key == "pairs no folder"

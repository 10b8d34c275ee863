"""The space `inception`, with a stand-in for the network: what it is fed, and that a weights file never runs code."""

import pickle
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from pocketgan.base.errors import DataError
from pocketgan.metrics import features, inception
from refusals import refused

PROJECT = Path(__file__).parents[1] / "pyproject.toml"
NETWORK = "torchmetrics.image.fid.NoTrainInceptionV3"


class StandIn(nn.Module):
    """Takes what Inception-v3 takes and loads weights as torch-fidelity does: features are pixels times a weight."""

    made: list[dict[str, Any]]
    seen: list[tuple[int, ...]]

    def __init__(self, name: str, features_list: list[str], feature_extractor_weights_path: str | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.arange(2048.0))
        StandIn.made.append({"name": name, "features": features_list, "path": feature_extractor_weights_path})
        if feature_extractor_weights_path is not None:
            self.load_state_dict(torch.load(feature_extractor_weights_path, weights_only=False))

    def forward(self, images: Tensor) -> Tensor:
        assert images.dtype == torch.uint8
        assert images.shape[1] == 3
        StandIn.seen.append(tuple(images.shape))
        colours = images.float().mean(dim=(2, 3))
        return (colours @ torch.tensor([1.0, 10.0, 100.0]))[:, None] * self.weight


@pytest.fixture
def _stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    StandIn.made, StandIn.seen = [], []
    monkeypatch.setattr(NETWORK, StandIn)


class Bomb:
    """Makes a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


@pytest.mark.usefixtures("_stand_in")
def test_grey_images_are_repeated_to_three_channels() -> None:
    space = features.inception()
    grey = torch.randint(256, (5, 1, 28, 28), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    seen = space(grey)
    assert seen.features.shape == (5, 2048)
    assert seen.probabilities is None
    assert torch.equal(seen.features, space(grey.repeat(1, 3, 1, 1)).features)
    assert not seen.features.requires_grad


@pytest.mark.slow
@pytest.mark.usefixtures("_stand_in")
def test_colours_are_left_as_they_are_and_come_in_batches() -> None:
    images = torch.zeros(120, 3, 4, 4, dtype=torch.uint8)
    images[:, 1] = torch.arange(120, dtype=torch.uint8)[:, None, None]
    seen = features.inception()(images).features
    torch.testing.assert_close(seen[:, 1], 10 * torch.arange(120.0))
    assert [shape[0] for shape in StandIn.seen] == [50, 50, 20]


@pytest.mark.usefixtures("_stand_in")
def test_the_space_says_what_it_is(tmp_path: Path) -> None:
    space = features.inception()
    assert (space.name, space.width, space.class_names) == ("inception", 2048, ())
    assert len(space.hash) == 12
    assert space.hash == features.inception().hash
    assert "legacy" in space.note
    assert StandIn.made[0] == {"name": "inception-v3-compat", "features": ["2048"], "path": None}
    torch.save({"weight": torch.ones(2048)}, tmp_path / "weights.pth")
    assert features.inception(tmp_path / "weights.pth").hash != space.hash
    assert StandIn.made[-1]["path"] == str(tmp_path / "weights.pth")


def test_without_torch_fidelity_the_packages_of_the_extra_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torchmetrics.image.fid._TORCH_FIDELITY_AVAILABLE", False)
    with refused("no torch-fidelity", "features") as raised:
        features.inception()
    needed = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"]["inception"]
    installed = str(raised.value).partition("pip install ")[2]
    assert all(re.match(r"[\w-]+", requirement)[0] in installed for requirement in needed)


@pytest.mark.parametrize("error", [OSError("no network\nat all"), RuntimeError("the server said 503")])
def test_weights_that_cannot_be_downloaded_are_one_line(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(NETWORK, refuse)
    with refused("no inception weights", "features") as raised:
        features.inception()
    assert str(error).partition("\n")[0] == raised.value.parts["why"]
    assert "\n" not in str(raised.value)


@pytest.mark.usefixtures("_stand_in")
@pytest.mark.parametrize("form", ["pickle", "torch", "old torch"])
def test_a_file_that_holds_code_is_refused_and_never_run(form: str, tmp_path: Path) -> None:
    path, mark = tmp_path / "weights.pth", tmp_path / "ran"
    content = {"weight": torch.ones(2048), "more": Bomb(mark)}
    if form == "pickle":
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=form == "torch")
    with refused("no weights file", "inception_weights") as raised:
        features.inception(path)
    assert "\n" not in str(raised.value)
    assert not mark.exists()
    assert StandIn.made == []


@pytest.mark.usefixtures("_stand_in")
@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04 cut short", b"\x80\x02}q\x00", b"\0" * 4000])
def test_a_damaged_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "weights.pth").write_bytes(content)
    with refused("no weights file", "inception_weights") as raised:
        features.inception(tmp_path / "weights.pth")
    assert "\n" not in str(raised.value)
    assert StandIn.made == []


@pytest.mark.usefixtures("_stand_in")
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.pth", tmp_path):
        with refused("unreadable", "inception_weights") as raised:
            features.inception(path)
        assert raised.value.parts["path"] == path
    assert StandIn.made == []


@pytest.mark.usefixtures("_stand_in")
@pytest.mark.parametrize(
    "content",
    [{"other": torch.ones(3)}, {"weight": torch.ones(3)}, {"weight": 5}, torch.ones(3), [1, 2], {}],
    ids=["other names", "another shape", "a number", "a tensor", "a list", "nothing"],
)
def test_weights_of_another_network_are_one_line(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "weights.pth")
    with pytest.raises(DataError, match=r"inception[-_]weights") as raised:
        features.inception(tmp_path / "weights.pth")
    assert "\n" not in str(raised.value)


def test_a_good_file_passes_the_check(tmp_path: Path) -> None:
    torch.save({"weight": torch.ones(2048)}, tmp_path / "weights.pth")
    inception.check_weights(tmp_path / "weights.pth")

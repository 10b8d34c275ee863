"""One's own parts in the page: what the person who serves it handed over, and nothing else."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pocketgan.base.errors import ConfigError
from pocketgan.config import parts
from pocketgan.config.code import load_code
from pocketgan.config.fields import replace
from pocketgan.config.recipes import recipe
from pocketgan.web.site import Site
from pocketgan.web.train import starting
from pocketgan.web.train.form import field_of, read, shown
from pocketgan.web.train.tab import choosable

SOURCE = """
from torch import nn
from pocketgan.config import recipes
from pocketgan.config.fields import replace

class Own(nn.Module):
    def __init__(self, latent_dim, shape, *, hidden: int = 4):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(latent_dim, hidden), nn.Linear(hidden, shape.pixels), nn.Tanh())

    def forward(self, z):
        return self.layers(z)

def recipe():
    return replace(recipes.mlp(), recipe="own", generator=Own, generator_options={"hidden": 3})
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site whose server was started with `--code mine.py`."""
    monkeypatch.delenv("POCKETGAN_CODE", raising=False)
    (tmp_path / "mine.py").write_text(SOURCE)
    with parts.own_table():
        load_code(tmp_path / "mine.py")
        site = Site(tmp_path)
        yield site
        site.worker.end()


def test_the_form_offers_what_was_handed_over(own: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert choosable()[-1] == "mine.py:recipe"
    assert "mine.py:Own" in field_of("generator").choices
    started: list[list[str]] = []
    monkeypatch.setattr(own.trainings, "add", lambda name, words, language: started.append(list(words)))
    values = shown(recipe("mine.py:recipe")) | {"batch_size": "16"}
    config = read(own, "mine.py:recipe", "mnist", values)
    assert config == replace(recipe("mine.py:recipe"), batch_size=16)
    starting.start(own, config, "runs/one", "mine.py:recipe")
    assert started[0][:3] == ["train", "mine.py:recipe", "--batch-size=16"]


@pytest.mark.parametrize("name", ["os:system", "../../x.py:main", "/etc/x.py:main", "torch.nn:Linear", "other.py:Own"])
def test_a_request_that_names_something_else_is_refused(own: Site, name: str) -> None:
    for field in ("generator", "discriminator", "objective", "optimizer", "schedule"):
        with pytest.raises(ConfigError) as info:
            read(own, "mlp", "mnist", shown(recipe("mlp")) | {field: name})
        assert len(str(info.value).splitlines()) == 1
    with pytest.raises(ConfigError):
        read(own, name, "mnist", shown(recipe("mlp")))

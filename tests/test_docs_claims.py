"""Statements of the documentation that the code decides: lists of recipes, sizes, defaults, keys and papers."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import get_args, get_type_hints

import numpy
import pytest

from pocketgan.base.errors import ConfigError
from pocketgan.config.data_section import DataConfig
from pocketgan.config.recipes import RECIPES
from pocketgan.config.sections import RunConfig
from pocketgan.images.intake.sizes import SIDES
from pocketgan.metrics.real_images import SPACES, choose_space
from pocketgan.networks.layers import ImageShape, pyramid

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
SOURCES = [path for folder in ("src", "examples") for path in (ROOT / folder).rglob("*.py")]
PROPERTIES: dict[str, Callable[[RunConfig], bool]] = {
    "the learning rate falls": lambda config: config.train.schedule != "constant",
    "the learning rate is constant": lambda config: config.train.schedule == "constant",
    "weights are averaged": lambda config: config.train.ema_half_life != "none",
    "images are held out": lambda config: config.data.validation > 0,
    "bfloat16": lambda config: config.train.precision == "auto",
    "rollbacks": lambda config: config.watchdog.on_failure == "auto",
    "class-conditional": lambda config: config.network.conditional,
    "one generated batch": lambda config: config.objective.reuse_fake_batch,
}
LISTS = [
    (
        "how-to/choose-a-checkpoint.md",
        r"Do not use it with (.+?)\. Their learning rate decays",
        "the learning rate falls",
    ),
    (
        "understand/why-losses-mislead.md",
        r"best checkpoint.{60,120}? (`.{,80}?) are different",
        "the learning rate falls",
    ),
    ("how-to/stop-and-resume.md", r"\| ([^|]+) \| decays to zero", "the learning rate falls"),
    ("how-to/stop-and-resume.md", r"\| ([^|]+) \| constant \|", "the learning rate is constant"),
    ("how-to/choose-a-checkpoint.md", r"EMA generator\]\S+ of (.+?), the weights", "weights are averaged"),
    ("how-to/choose-a-checkpoint.md", r"never the test split\. (.+?) hold out", "images are held out"),
    ("how-to/own-images.md", r"becomes the test split\. (.+?) also hold out", "images are held out"),
    ("how-to/fix-a-failing-run.md", r"Recipes other than (.+?) need `--validation", "images are held out"),
    ("understand/measuring-image-quality.md", r"training images\. (.+?) hold out 5,000", "images are held out"),
    ("reference/recipes.md", r"\*\*Validation set\.\*\* (.+?) hold out 5,000", "images are held out"),
    ("reference/diagnoses.md", r"which only (.+?) have by default", "images are held out"),
    ("how-to/gpu-or-slow-machine.md", r"both devices before you decide\. (.+?) compute in", "bfloat16"),
    ("how-to/reproduce-a-result.md", r"\| `--precision auto` in (.+?) \|", "bfloat16"),
    ("how-to/reproduce-a-result.md", r"On your own images, (.+?) allow them by default", "rollbacks"),
    ("how-to/fix-a-failing-run.md", r"It is the default of (.+?)\. By default", "rollbacks"),
    ("reference/diagnoses.md", r"\(default, except for (.+?)\)", "rollbacks"),
    ("reference/diagnoses.md", r"`auto` \(default of (.+?)\)", "rollbacks"),
    ("understand/what-is-a-gan.md", r"In Pocketgan, (.+?) are class-conditional", "class-conditional"),
    ("how-to/own-images.md", r"training:\*\* (.+?) use your labels", "class-conditional"),
    ("how-to/labels.md", r"All runs are of the recipe (.+?) uses? the classes", "class-conditional"),
    ("reference/recipes.md", r"generates its own batch\. (.+?) reuse one", "one generated batch"),
]
"""Pages, a pattern around a list of recipes, and what the listed recipes have in common."""
CITATION = re.compile(r"([^\W\d_][\w-]+) (?:et al\.|(?:and|&) [^\W\d_][\w-]+),? \(?((?:19|20)\d\d)\b")


def read(page: str) -> str:
    """A page as one line."""
    return " ".join((DOCS / page).read_text(encoding="utf-8").split())


@pytest.mark.parametrize(("page", "pattern", "name"), LISTS, ids=[f"{page}: {name}" for page, _, name in LISTS])
def test_lists_of_recipes_are_those_of_the_code(page: str, pattern: str, name: str) -> None:
    found = re.findall(pattern, read(page))
    assert len(found) == 1
    listed = set(re.findall(r"`([\w-]+)`", found[0]))
    assert listed == {recipe for recipe, make in RECIPES.items() if PROPERTIES[name](make())}


def test_every_paper_that_is_cited_is_in_the_bibliography() -> None:
    entries = read("understand/bibliography.md").split("- **")
    pages = [page for page in DOCS.rglob("*.md") if page.name != "bibliography.md"]
    cited = {
        found
        for path in [*pages, *SOURCES]
        for found in CITATION.findall(" ".join(path.read_text(encoding="utf-8").split()))
    }
    assert len(cited) > 40
    assert [one for one in sorted(cited) if not any(one[0] in entry and one[1] in entry for entry in entries)] == []


def test_every_variable_and_every_event_is_on_its_page() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    variables, events = set(re.findall(r"POCKETGAN_[A-Z]+", code)), set(re.findall(r'log_event\([^"]+?, "(\w+)"', code))
    assert len(variables) > 3 and len(events) > 7
    page = read("reference/exit-codes.md")
    assert [name for name in sorted(variables) if f"| `{name}` |" not in page] == []
    page = read("reference/run-folder.md")
    assert [name for name in sorted(events) if f"| `{name}` |" not in page] == []


def test_the_files_of_the_cache_are_on_the_page() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
    found = re.findall(r'cache_folder\(\) / "([\w.]+)"', code)
    found += [f"{name}-*.safetensors" for name in re.findall(r'stored_space\(\s+f"([a-z-]+)-', code)]
    assert len(found) > 4
    assert [name for name in found if f"| `{name}` |" not in read("reference/exit-codes.md")] == []


def test_the_rules_of_held_out_images_are_named_as_they_are_resolved() -> None:
    values = set(get_args(get_type_hints(DataConfig)["validation_split"])) - {"auto"}
    (sentence,) = re.findall(r"`validation_split` is ([^.]+)\.", read("reference/run-folder.md"))
    assert set(re.findall(r"`(\w+)`", sentence)) == values


def test_the_feature_space_of_unlabeled_images_is_that_of_the_code(tmp_path: Path) -> None:
    numpy.savez(tmp_path / "own.npz", images=numpy.random.default_rng(0).integers(0, 256, (60, 16, 16), numpy.uint8))
    name = choose_space("auto", DataConfig(data=str(tmp_path / "own.npz"))).name
    page = (DOCS / "understand/measuring-image-quality.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([\w-]+)` \| [^|]+ \| ([^|]+) \|$", page, re.MULTILINE))
    assert set(rows) == {*SPACES, "--features"} - {"auto"}
    assert [space for space, default in rows.items() if default.startswith("unlabeled data")] == [name]
    for guide in ("how-to/own-images.md", "how-to/measure-other-images.md"):
        assert f"`{name}`. With `--features self-supervised`" in read(guide)


@pytest.mark.parametrize("page", ["how-to/other-sizes.md", "how-to/own-images.md"])
def test_the_sizes_of_convolutional_networks_are_those_of_the_code(page: str) -> None:
    (listed,) = re.findall(r"`drifting` and `dcgan` take ([\d, and]+)\.", read(page))
    assert tuple(map(int, re.findall(r"\d+", listed))) == SIDES
    for name in ("pocket", "class-translator", "drifting", "dcgan"):
        accepted = [side for side in range(SIDES[0], SIDES[-1] + 1) if accepts(name, side)]
        assert tuple(accepted) == SIDES


def accepts(name: str, side: int) -> bool:
    """Whether a recipe's generator has a network for images of this side."""
    try:
        pyramid(RECIPES[name]().network, ImageShape(1, side), "generator", name)
    except ConfigError:
        return False
    return True

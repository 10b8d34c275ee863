"""What a study asks: its variants, its seeds, its durations, and that every mistake is one line that helps."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pocketgan.base.errors import ConfigError
from pocketgan.config.fields import differences
from pocketgan.config.recipes import RECIPES
from pocketgan.metrics.registry import METRICS
from pocketgan.metrics.words import READINGS
from pocketgan.studies import running
from pocketgan.studies.backends import count_jobs
from pocketgan.studies.config import MOST_VARIANTS, StudyConfig, named, slug, study_config
from pocketgan.studies.predeclared import STUDIES, read_study
from pocketgan.studies.running import check
from pocketgan.studies.seeds import default_seeds
from pocketgan.studies.study import Study
from refusals import refused

BASE: dict[str, Any] = {"name": "tiny", "recipe": "minimal"}


def made(**fields: Any) -> StudyConfig:
    return study_config(BASE | fields)


def toml(folder: Path, text: str, name: str = "question.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


# Variants.


def test_a_grid_is_every_combination_in_order() -> None:
    configs = made(factors={"latent_dim": [4, 6], "hidden_dim": [8, 16, 32]}).configs()
    assert list(configs) == [f"latent_dim={latent}, hidden_dim={hidden}" for latent in (4, 6) for hidden in (8, 16, 32)]
    for name, config in configs.items():
        assert name == f"latent_dim={config.network.latent_dim}, hidden_dim={config.network.hidden_dim}"
        others = [text.partition(":")[0] for text in differences(RECIPES["minimal"](), config)]
        assert set(others) <= {"latent_dim", "hidden_dim", "threads"}
        assert config.train.threads == 1
        assert config.seed == 0


def test_aliases_are_factors_too() -> None:
    configs = made(factors={"z_dim": [4, 6], "iterations": [10, 20]}).configs()
    assert list(configs) == [f"z_dim={latent}, iterations={steps}" for latent in (4, 6) for steps in (10, 20)]
    found = [(config.network.latent_dim, config.train.duration) for config in configs.values()]
    assert found == [(4, "10 steps"), (4, "20 steps"), (6, "10 steps"), (6, "20 steps")]


def test_the_recipe_may_be_a_factor() -> None:
    configs = made(factors={"recipe": list(RECIPES)}).configs()
    assert [config.recipe for config in configs.values()] == list(RECIPES)


def test_variants_have_fields_names_and_recipes_of_their_own() -> None:
    config = made(
        settings={"batch_size": 4},
        variants=[{}, {"hidden_dim": 8}, {"name": "wide", "hidden_dim": 64}, {"name": "other", "recipe": "mlp"}],
    )
    configs = config.configs()
    assert list(configs) == ["as the recipe", "hidden_dim=8", "wide", "other"]
    assert [each.recipe for each in configs.values()] == ["minimal"] * 3 + ["mlp"]
    assert [each.network.hidden_dim for each in configs.values()] == [256, 8, 64, 256]
    assert {each.train.batch_size for each in configs.values()} == {4}
    assert config.variants[2] == {"name": "wide", "hidden_dim": 64}, "reading the variants leaves the study as it was"


def test_settings_hold_for_all_variants_and_a_variant_for_itself() -> None:
    configs = made(
        settings={"threads": 2, "activation": "elu", "latent_dim": 9},
        variants=[{"name": "a"}, {"name": "b", "activation": "tanh"}],
    ).configs()
    assert [each.network.activation for each in configs.values()] == ["elu", "tanh"]
    assert [each.network.latent_dim for each in configs.values()] == [9, 9]
    assert [each.train.threads for each in configs.values()] == [2, 2]


@pytest.mark.parametrize("setting", [{}, {"duration": "3 epochs"}, {"iterations": 50}, {"epochs": 2}, {"steps": 7}])
def test_the_studys_duration_is_that_of_every_run(setting: dict[str, Any]) -> None:
    config = made(settings=setting, factors={"latent_dim": [4, 6]}, duration="12 steps")
    assert {each.train.duration for each in config.configs().values()} == {"12 steps"}


def test_without_one_it_is_the_recipes_or_the_settings() -> None:
    assert made(factors={"latent_dim": [4, 6]}).configs()["latent_dim=4"].train.duration == "10000 steps"
    config = made(settings={"epochs": 3}, factors={"latent_dim": [4, 6]})
    assert config.configs()["latent_dim=4"].train.duration == "3 epochs"


@pytest.mark.parametrize("factor", ["iterations", "steps", "epochs"])
def test_a_duration_that_would_undo_a_factor_is_refused(factor: str) -> None:
    """Else both variants would train equally long, and their names would say otherwise."""
    with refused("duration replaced", "duration"):
        made(factors={factor: [10, 20]}, duration="5 steps")
    with refused("duration replaced", "duration"):
        made(factors={"duration": ["10 steps", "20 steps"]}, duration="5 steps")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("latent_dim=50", "latent_dim-50"),
        ("latent_dim=50, hidden_dim=64", "latent_dim-50-hidden_dim-64"),
        ("learning_rate=0.001", "learning_rate-0.001"),
        ("digit 3", "digit-3"),
        ("../../etc", "etc"),
        ("größer", "gr-er"),
        ("...", "variant"),
        ("200,000 iterations", "200-000-iterations"),
    ],
)
def test_slugs_are_names_of_folders(name: str, expected: str) -> None:
    assert slug(name) == expected


def test_long_names_are_names_of_folders_too() -> None:
    """A dozen factors make a name that is longer than a file system takes, and end in what tells them apart."""
    names = [named({f"setting_number_{number}": 0.123456 for number in range(20)} | {"last": last}) for last in (1, 2)]
    slugs = {slug(name) for name in names}
    assert len(slugs) == 2
    assert all(len(each) <= 255 for each in slugs)


def test_names_of_variants() -> None:
    assert named({"latent_dim": 50, "activation": "elu"}) == "latent_dim=50, activation=elu"
    assert named({}) == "as the recipe"


def test_a_value_that_is_equal_after_reading_is_there_twice() -> None:
    """50 and 50.0 are one latent_dim: two names for the same runs."""
    with refused("same runs", "factors"):
        made(factors={"latent_dim": [50, 50.0]})


# Seeds.


def test_seeds_default_to_what_shows_a_difference(tmp_path: Path) -> None:
    for variants in (2, 3, 5):
        config = made(factors={"latent_dim": list(range(4, 4 + variants))})
        pairs = variants * (variants - 1) // 2
        assert len(Study(tmp_path, config, config.configs()).seeds()) == default_seeds(pairs)
    assert made(factors={"latent_dim": [4, 6]}).seed_list(0) == list(range(default_seeds(1)))


def test_comparing_with_one_variant_takes_fewer_seeds(tmp_path: Path) -> None:
    config = made(factors={"latent_dim": [4, 5, 6, 7, 8]}, compare_with="latent_dim=4")
    assert len(Study(tmp_path, config, config.configs()).seeds()) == default_seeds(4) < default_seeds(10)


def test_variants_with_data_of_their_own_are_not_compared(tmp_path: Path) -> None:
    config = made(variants=[{"name": name, "classes": name} for name in "0123"], moments=[10])
    assert len(Study(tmp_path, config, config.configs()).seeds()) == default_seeds(4), "moments: one test a variant"


def test_seeds_asked_for() -> None:
    assert made(factors={"latent_dim": [4, 6]}, seeds=3, first_seed=7).seed_list(1) == [7, 8, 9]


@pytest.mark.parametrize(("first", "seeds"), [(0, 1000), (123, 5), (2**30 - 1, 1000)])
def test_fresh_seeds_are_none_of_the_others(first: int, seeds: int) -> None:
    config = made(factors={"latent_dim": [4, 6]}, seeds=seeds, first_seed=first, fresh_seeds=1000)
    fresh = config.fresh_seed_list()
    assert len(set(fresh)) == 1000
    assert not set(fresh) & set(config.seed_list(1))
    assert max(fresh) < 2**31, "the largest seed that a run takes"
    assert made(factors={"latent_dim": [4, 6]}, fresh_seeds=0).fresh_seed_list() == []


# The predeclared studies.


@pytest.mark.parametrize("name", STUDIES)
def test_predeclared_studies_are_valid(name: str, tmp_path: Path) -> None:
    config = read_study(name)
    assert config.name == name
    assert config == STUDIES[name]()
    assert study_config(config.model_dump()) == config
    assert config.question.endswith("?")
    study = Study.begin(config, tmp_path / "study")
    assert study.variants
    assert Study.open(study.folder) == study
    assert len({job.folder for job in study.jobs()}) == len(study.variants) * len(study.seeds())
    for variant in study.variants.values():
        assert variant.train.threads == 1
        assert variant.evaluation.evaluate_every != "none", "quality is followed"


@pytest.mark.parametrize(
    ("name", "section", "field", "values"),
    [("latent-dim", "network", "latent_dim", [50, 100, 150]), ("hidden-dim", "network", "hidden_dim", [64, 128, 256])],
)
def test_the_comparisons_of_the_course_work(name: str, section: str, field: str, values: list[int]) -> None:
    configs = list(read_study(name).configs().values())
    assert [getattr(getattr(config, section), field) for config in configs] == values
    for config in configs:
        assert config.recipe == "comparison"
        assert {text.partition(":")[0] for text in differences(RECIPES["comparison"](), config)} <= {field, "threads"}


def test_the_long_run() -> None:
    config = read_study("long-run")
    (variant,) = config.configs().values()
    assert variant.recipe == "comparison"
    assert variant.train.duration == "200000 steps"
    assert variant.pictures.sample_every == "10000 steps"
    assert variant.evaluation.evaluate_every == "10000 steps"
    assert 20_000 in config.moments


def test_digit_by_digit() -> None:
    """Each digit, and all ten, with the recipe's own settings and with others."""
    config = read_study("digit-by-digit")
    configs = list(config.configs().values())
    for rate in {variant.train.learning_rate for variant in configs}:
        classes = [variant.data.classes for variant in configs if variant.train.learning_rate == rate]
        assert classes == [*"0123456789", "all"]
    assert RECIPES["white-background"]().train.learning_rate in {variant.train.learning_rate for variant in configs}
    assert {variant.recipe for variant in configs} == {"white-background"}
    assert {variant.train.duration for variant in configs} == {"5001 steps"}
    assert {variant.evaluation.evaluate_every for variant in configs} == {"500 steps"}
    assert 3500 in config.moments


def test_stability_gives_the_six_recipes_equal_minutes() -> None:
    configs = read_study("stability").configs()
    assert list(configs) == [
        name for name in RECIPES if not name.endswith("translator") and name not in ("stacked", "drifting")
    ]
    assert [config.recipe for config in configs.values()] == list(configs)
    assert len({config.train.duration for config in configs.values()}) == 1
    assert configs["pocket"].train.duration.endswith("min")


# Files.


def test_a_file_is_a_study(tmp_path: Path) -> None:
    path = toml(
        tmp_path,
        """
        question = "Is 6 better than 4?"
        recipe = "minimal"
        seeds = 3
        duration = "20 steps"
        metric = "modes"
        direction = "higher"
        compare_with = "latent_dim=4"
        [settings]
        hidden_dim = 8
        [factors]
        latent_dim = [4, 6]
        """,
        "my question.toml",
    )
    config = read_study(path)
    assert config.name == "my-question"
    assert not config.lower_is_better
    assert [variant.network.latent_dim for variant in config.configs().values()] == [4, 6]
    assert {variant.network.hidden_dim for variant in config.configs().values()} == {8}
    assert read_study(str(path)) == config


def test_a_list_of_variants_in_a_file(tmp_path: Path) -> None:
    text = '[[variants]]\nname = "a"\nlatent_dim = 4\n[[variants]]\nname = "b"\nrecipe = "mlp"\n'
    assert list(read_study(toml(tmp_path, text)).configs()) == ["a", "b"]


@pytest.mark.parametrize("name", ["2.layers.toml", "_draft.toml", "größer.toml"])
def test_any_file_name_gives_the_study_a_name(name: str, tmp_path: Path) -> None:
    assert read_study(toml(tmp_path, "factors = {latent_dim = [4, 6]}", name)).name


def test_a_search_draws_from_ranges_and_lists() -> None:
    config = made(
        search="tpe",
        factors={"learning_rate": {"low": 1e-4, "high": 1e-2, "log": True}, "activation": ["relu", "elu"]},
    )
    assert config.configs() == {}
    assert config.model_dump()["factors"]["learning_rate"] == {"low": 1e-4, "high": 1e-2, "log": True}
    assert study_config(config.model_dump()) == config


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_says_which_way_is_better_or_is_refused(metric: str) -> None:
    better, ideal = METRICS[metric].better, METRICS[metric].ideal
    assert better is None or ideal is None
    reading = READINGS[metric]
    assert ("higher is better" in reading) <= (better == "higher")
    assert ("lower is better" in reading) <= (better == "lower")
    if better is None and ideal is None:
        with refused("no direction", "direction"):
            made(factors={"latent_dim": [4, 6]}, metric=metric)
    else:
        config = made(factors={"latent_dim": [4, 6]}, metric=metric)
        assert config.lower_is_better == (better != "higher")
        assert config.judged(0.75) == (0.75 if better else abs(0.75 - ideal))
    for direction in ("lower", "higher"):
        config = made(factors={"latent_dim": [4, 6]}, metric=metric, direction=direction)
        assert config.lower_is_better == (direction == "lower")
        assert config.contradicts == (better not in (None, direction))


# Mistakes.

MISTAKES: list[tuple[dict[str, Any], list[str]]] = [
    ({"factors": {"latent_dims": [4, 6]}}, ["factors: 'latent_dims' isn't", "did you mean 'latent_dim'?"]),
    ({"factors": {"seed": [1, 2]}}, ["factors: 'seed' isn't a setting"]),
    ({"variants": [{"hiden_dim": 3}]}, ["variants: 'hiden_dim' isn't", "did you mean 'hidden_dim'?"]),
    ({"factors": {"latent_dim": [4, 0]}}, ["variant 'latent_dim=0'", "latent_dim must be at least 1 (got 0)"]),
    (
        {"factors": {"activation": ["relu", "geluu"]}},
        ["variant 'activation=geluu'", "activation must be", "'gelu'", "(got 'geluu')"],
    ),
    (
        {"factors": {"duration": ["5 steps", "5"]}},
        ["variant 'duration=5'", "duration needs a unit (got '5')", "'50 epochs'"],
    ),
    ({"factors": {"z_dim": [4, 6]}, "settings": {"latent_dim": 5}}, ["variant 'z_dim=4'", "z_dim sets latent_dim"]),
    ({"factors": {"latent_dim": [4, 6]}, "duration": "5"}, ["duration needs a unit (got '5')", "'50 epochs'"]),
    ({"variants": [{"recipe": "mpl"}]}, ["recipe: there is no recipe 'mpl'", "did you mean 'mlp'?"]),
    ({"recipe": "mpl", "factors": {"latent_dim": [4]}}, ["recipe: there is no recipe 'mpl'", "did you mean 'mlp'?"]),
    ({"factors": {"latent_dim": []}}, ["factors: latent_dim has no values", "at least two"]),
    ({"factors": {"latent_dim": [4, 6, 4]}}, ["factors: latent_dim has the same value twice: [4, 6, 4]"]),
    ({}, ["factors: ", "nothing to compare", "give factors or variants"]),
    ({"factors": {}}, ["factors: ", "nothing to compare", "give factors or variants"]),
    ({"factors": {"latent_dim": {"low": 4, "high": 9}}}, ["latent_dim is a range", "list of values", "search = 'tpe'"]),
    ({"factors": {"latent_dim": [4]}, "variants": [{}]}, ["variants: give factors or variants, not both"]),
    ({"variants": [{"name": "a"}, {"name": "a"}]}, ["variants: 'a' is there twice", "its own name"]),
    ({"variants": [{"name": "a b", "depth": 2}, {"name": "a-b"}]}, ["variants: two names differ only in punctuation"]),
    (
        {"factors": {"latent_dim": [4, 6]}, "compare_with": "latent_dim=5"},
        ["compare_with: there is no variant 'latent_dim=5'", "did you mean", "latent_dim=4, latent_dim=6"],
    ),
    (
        {"factors": {"latent_dim": list(range(1, 41)), "hidden_dim": list(range(1, 41))}},
        ["1,600 combinations are too many", f"at most {MOST_VARIANTS:,}", "search = 'tpe'"],
    ),
    ({"search": "tpe"}, ["search: 'tpe' needs factors", "learning_rate = {low = 1e-4, high = 1e-2}"]),
    ({"search": "tpe", "variants": [{"name": "a"}]}, ["search: 'tpe' needs factors"]),
    (
        {"search": "tpe", "factors": {"latent_dim": {"low": 9, "high": 4}}},
        ["factors.latent_dim: low must be below high (got 9 and 4)"],
    ),
    (
        {"search": "tpe", "factors": {"latent_dim": {"low": 0, "high": 4, "log": True}}},
        ["factors.latent_dim: ", "logarithmic", "must start above 0 (got 0)"],
    ),
    ({"factors": {"latent_dim": [4]}, "metrc": "modes"}, ["metrc isn't a field of a study", "did you mean 'metric'"]),
    ({"factors": {"latent_dim": [4, 6]}, "trials": 10}, ["trials isn't for a grid", "search = 'tpe'"]),
    (
        {"search": "tpe", "factors": {"latent_dim": {"low": 4, "high": 9}}, "compare_with": "trial-0000"},
        ["compare_with isn't possible in a search"],
    ),
    (
        {"search": "tpe", "factors": {"latent_dim": {"low": 4, "high": 9}}, "seeds": 3},
        ["seeds isn't possible in a search"],
    ),
    ({"factors": {"latent_dim": [4, 6]}, "seed": 3}, ["seed isn't a field of a study; first_seed"]),
    ({"factors": {"latent_dim": [4, 6]}, "learning_rate": 0.1}, ["learning_rate isn't a field", "[settings]"]),
    ({"factors": {"latent_dim": [4]}, "zzzzzz": 1}, ["zzzzzz isn't a field of a study", "fields: name, question"]),
]


@pytest.mark.parametrize(("fields", "expected"), MISTAKES, ids=[expected[0] for _, expected in MISTAKES])
def test_a_mistake_is_one_line(fields: dict[str, Any], expected: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        made(**fields)
    message = str(caught.value)
    assert "\n" not in message
    for part in expected:
        assert part in message


def test_names_that_differ_in_capitals_need_folders_that_do(monkeypatch: pytest.MonkeyPatch) -> None:
    letters = {"factors": {"classes": ["A", "a"]}}
    monkeypatch.setattr("pocketgan.studies.config.CASELESS", False)
    assert list(made(**letters).configs()) == ["classes=A", "classes=a"]
    monkeypatch.setattr("pocketgan.studies.config.CASELESS", True)
    with refused("names alike", "factors"):
        made(**letters)


def test_a_study_with_fields_without_effect_of_an_older_version_opens_and_continues(tmp_path: Path) -> None:
    study = Study.begin(made(factors={"latent_dim": [4, 6]}), tmp_path / "study")
    path = study.folder / "study.json"
    values = json.loads(path.read_text())
    values["study"] |= {"pruning": "none", "trials": 50, "moments": [10**6]}
    path.write_text(json.dumps(values))
    there = Study.open(study.folder).config
    assert (there.pruning, there.trials) == ("none", 50)
    again = Study.begin(made(factors={"latent_dim": [4, 6]}, moments=[10**6]), study.folder)
    assert again.config.trials == 30, "the fields have no effect, so they may go"


def test_moments_must_come_before_the_end(data: Path) -> None:
    settings = {"data": str(data), "evaluate_every": "1 step", "validation": 0}
    late = made(factors={"latent_dim": [4, 6]}, settings=settings, duration="5 steps", moments=[5], against="train")
    with refused("moment too late", "moments"):
        check(late)
    check(late, begun=True)


WRONG_VALUES = [
    ("seeds", 0, "1"),
    ("seeds", "many", "whole number"),
    ("seeds", 2000, "1000"),
    ("first_seed", -1, "0"),
    ("fresh_seeds", -2, "0"),
    ("direction", "up", "lower"),
    ("features", "inception", "digits"),
    ("checkpoint", "first", "last"),
    ("search", "random", "grid"),
    ("pruning", "hard", "median"),
    ("count", 10, "200"),
    ("trials", 0, "1"),
    ("name", "a b", "letters"),
    ("moments", "soon", "list"),
    ("factors", {"latent_dim": 50}, "list"),
    ("factors", {"latent_dim": [[50]]}, "latent_dim"),
]


@pytest.mark.parametrize(("field", "value", "would_do"), WRONG_VALUES, ids=[f"{f}={v}" for f, v, _ in WRONG_VALUES])
def test_a_wrong_value_is_named_with_its_field_and_what_would_do(field: str, value: object, would_do: str) -> None:
    with pytest.raises(ConfigError) as caught:
        made(**({"factors": {"latent_dim": [4, 6]}} | {field: value}))
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(field)
    assert would_do in message.lower()
    assert ("50" if isinstance(value, dict) else str(value)) in message.partition(field)[2], "the value is named"


def test_a_mistake_in_the_settings_is_not_called_a_factor() -> None:
    with refused("no setting of a variant", "settings") as caught:
        made(settings={"batch_sise": 4}, factors={"latent_dim": [4, 6]})
    assert caught.value.field == "settings"


def test_an_unknown_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with refused("no study", "study"):
        read_study("latent-dims")
    toml(tmp_path, "factors = {latent_dim = [4, 6]}", "question.txt")
    with refused("no study", "study"):
        read_study("question.txt")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("factors = {latent_dim = [4, 6}", "isn't valid TOML"),
        ("\x00", "isn't valid TOML"),
        ("factors = {latent_dim = [4, 6]}\nseedz = 3", "seedz isn't a field of a study; did you mean 'seeds'?"),
        ("factors = {latent_dims = [4, 6]}", "factors: 'latent_dims' isn't a setting; did you mean 'latent_dim'?"),
        ("", "factors: there is nothing to compare"),
    ],
)
def test_a_files_mistake_names_the_file(text: str, expected: str, tmp_path: Path) -> None:
    path = toml(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        read_study(path)
    message = str(caught.value)
    assert str(path) in message
    assert expected in message
    assert "\n" not in message


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with refused("unreadable", "study"):
        read_study(tmp_path / "nothing.toml")
    (tmp_path / "folder.toml").mkdir()
    with refused("unreadable", "study"):
        read_study(tmp_path / "folder.toml")
    (tmp_path / "latin.toml").write_bytes('question = "größer"'.encode("latin-1"))
    with refused("no toml", "study"):
        read_study(tmp_path / "latin.toml")


def test_a_study_is_frozen_and_closed() -> None:
    config = made(factors={"latent_dim": [4, 6]})
    with pytest.raises(ValidationError, match="frozen"):
        config.seeds = 3  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(("threads", "at_once"), [(1, 4), (2, 2), (0, 1), ("auto", 1)])
def test_runs_at_once_share_the_cores(threads: int | str, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("joblib.cpu_count", lambda: 4)
    monkeypatch.setattr(running, "cpu_count", lambda: 4)
    assert (
        count_jobs("auto", running.threads_each(made(factors={"latent_dim": [4, 8]}, settings={"threads": threads})))
        == at_once
    )

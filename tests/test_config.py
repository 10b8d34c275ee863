import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pocketgan.base.errors import ConfigError, UserError
from pocketgan.config.data_section import split
from pocketgan.config.fields import ALIASES, FIELDS, SECTIONS, differences, flatten, rename, replace, validated
from pocketgan.config.plan import make_plan, needs_speed
from pocketgan.config.recipes import RECIPES, recipe
from pocketgan.config.sections import RunConfig
from refusals import refused

BASE = RunConfig(recipe="test")


def refusal(**fields):
    """Returns the error, whose message must be one line that begins with its field."""
    with pytest.raises(ConfigError) as caught:
        replace(BASE, **fields)
    text, field = str(caught.value), caught.value.field
    assert len(text.splitlines()) == 1, text
    assert field is None or text.startswith((f"{field} ", f"{field}: ")), text
    return caught.value


def message(**fields):
    return str(refusal(**fields))


# Replacing fields.


def test_a_field_is_replaced_whatever_its_section():
    changed = replace(BASE, classes="8", latent_dim=50, r1=0.5, batch_size=32, layout="strip", seed=7)
    assert changed.data.classes == "8"
    assert changed.network.latent_dim == 50
    assert changed.objective.r1 == 0.5
    assert changed.train.batch_size == 32
    assert changed.pictures.layout == "strip"
    assert changed.seed == 7


def test_what_is_not_replaced_stays():
    changed = replace(BASE, batch_size=32)
    assert differences(BASE, changed) == ["batch_size: 128 -> 32"]
    assert BASE.train.batch_size == 128
    assert replace(BASE) == BASE


@pytest.mark.parametrize(
    ("alias", "value", "field", "result"),
    [
        ("z_dim", 50, "latent_dim", 50),
        ("dense_dim", 64, "hidden_dim", 64),
        ("steps", 200, "duration", "200 steps"),
        ("iterations", 200_000, "duration", "200000 steps"),
        ("epochs", 50, "duration", "50 epochs"),
        ("epochs", 0.5, "duration", "0.5 epochs"),
        ("sample_interval", 10_000, "sample_every", "10000 steps"),
    ],
)
def test_an_alias_sets_its_field(alias, value, field, result):
    assert rename(alias, value)[0] == field
    assert flatten(replace(BASE, **{alias: value})) == {**flatten(BASE), field: result}


def test_every_alias_stands_for_a_field_and_hides_none():
    assert {field for field, _ in ALIASES.values()} <= set(FIELDS)
    assert not set(ALIASES) & {"recipe", "seed", *FIELDS}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"latent_dim": 50}, {"z_dim": 60}),
        ({"hidden_dim": 50}, {"dense_dim": 50}),
        ({"duration": "5 epochs"}, {"epochs": 5}),
        ({"epochs": 5}, {"steps": 5}),
        ({"steps": 5}, {"iterations": 5}),
        ({"sample_interval": 5}, {"sample_every": "5 steps"}),
    ],
)
def test_a_field_set_twice_is_refused(first, second):
    error = refusal(**first, **second)
    assert error.key == "sets both"
    assert all(name in str(error) for name in (*first, *second))
    assert str(error) == message(**first, **second)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("latent_dims", "latent_dim"),
        ("batchsize", "batch_size"),
        ("learning_rat", "learning_rate"),
        ("sample_intervall", "sample_interval"),
        ("epoch", "epochs"),
        ("z_dimension", "z_dim"),
        ("sed", "seed"),
    ],
)
def test_an_unknown_field_names_the_nearest(name, near):
    error = refusal(**{name: 1})
    assert (error.field, error.key, error.parts["hint"].parts) == (name, "no such setting", {"name": near})
    assert str(error).endswith(f"'{near}'?")


def test_a_field_like_no_other_gets_no_suggestion():
    error = refusal(qqqqqqqqqqqq=1)
    assert (error.field, error.key, error.parts) == ("qqqqqqqqqqqq", "no such setting", {"hint": ""})


def test_a_section_or_the_recipe_is_no_field():
    for name in ("network", "train", "pictures", "recipe"):
        error = refusal(**{name: {}})
        assert (error.field, error.key) == (name, "no such setting")


# Values out of range.


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seed", -1),
        ("seed", 2**31),
        ("seed", "x"),
        ("data", 5),
        ("classes", ""),
        ("classes", " , "),
        ("classes", []),
        ("classes", True),
        ("pixel_range", "float"),
        ("sampling", "sorted"),
        ("target", "upside-down"),
        ("generator", "stylegan"),
        ("discriminator", "autoencoder"),
        ("latent_dim", 0),
        ("latent_dim", 4097),
        ("latent_dim", 10.5),
        ("hidden_dim", -1),
        ("width", 0.0),
        ("width", 65.0),
        ("depth", 0),
        ("discriminator_depth", 17),
        ("activation", "sigmoid"),
        ("discriminator_activation", "softmax"),
        ("negative_slope", -0.1),
        ("dropout", 1.0),
        ("weight_init", "he"),
        ("conditional", "perhaps"),
        ("objective", "bse"),
        ("discriminator_batches", "thrice"),
        ("r1", -1.0),
        ("r2", float("nan")),
        ("gradient_penalty", float("inf")),
        ("duration", "0 epochs"),
        ("duration", "-3 epochs"),
        ("duration", "50"),
        ("duration", "50 moons"),
        ("duration", 50),
        ("batch_size", 0),
        ("batch_size", 65537),
        ("batch_size", "many"),
        ("learning_rate", 0.0),
        ("learning_rate", 2.0),
        ("learning_rate", float("nan")),
        ("discriminator_learning_rate", -1e-3),
        ("beta1", 1.0),
        ("beta2", -0.5),
        ("epsilon", 0.0),
        ("schedule", "steps"),
        ("warmup", "soon"),
        ("warmup", "5 min"),
        ("ema_half_life", "10 lightyears"),
        ("ema_half_life", "10 min"),
        ("ema_half_life", "0%"),
        ("ema_half_life", "101%"),
        ("ema_half_life", "some%"),
        ("augment", "flip"),
        ("augment", ""),
        ("device", "tpu"),
        ("precision", "float16"),
        ("decay_start", 1.0),
        ("penalty_batch_fraction", 0.0),
        ("reuse_fake_batch", "twice"),
        ("threads", -1),
        ("log_every", "none"),
        ("log_every", "5 min"),
        ("checkpoint_every", "never"),
        ("sample_every", "0 steps"),
        ("sample_count", 0),
        ("layout", "spiral"),
        ("sample_name", "../up"),
        ("sample_name", ""),
        ("count_by", "image"),
    ],
)
def test_a_value_out_of_range_names_field_and_value(field, value):
    error = refusal(**{field: value})
    assert error.field == field
    assert repr(value) in str(error)


@pytest.mark.parametrize("field", ["warmup", "ema_half_life"])
def test_end_is_for_samples_alone(field):
    assert field in message(**{field: "end"})
    assert replace(BASE, sample_every="end").pictures.sample_every == "end"


@pytest.mark.parametrize("field", ["duration", "augment", "classes", "sample_name", "generator", "warmup"])
def test_a_value_with_a_line_break_makes_no_second_line(field):
    if field == "classes":
        assert replace(BASE, classes="0\n,1").data.classes == "0,1"
    else:
        assert refusal(**{field: "a\nb"}).field == field


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"conditional": True, "generator": "autoencoder"}, ["conditional", "autoencoder"]),
        ({"target": "inverted"}, ["target", "inverted", "autoencoder"]),
        (
            {"objective": "relativistic", "discriminator_batches": "two-step"},
            ["relativistic", "concatenated", "separate"],
        ),
        ({"r1": 1.0, "discriminator_batches": "two-step"}, ["two-step", "r1"]),
        ({"gradient_penalty": 1.0, "discriminator_batches": "two-step"}, ["two-step", "gradient_penalty"]),
    ],
)
def test_fields_that_exclude_each_other_are_named_without_the_rest(fields, named):
    text = message(**fields)
    assert all(name in text for name in named)
    assert "{" not in text


def test_a_config_error_is_the_users_and_a_value_error():
    assert issubclass(ConfigError, UserError) and issubclass(ConfigError, ValueError)
    assert ConfigError.exit_code == 2


@settings(deadline=None)
@given(
    st.sampled_from(["seed", *FIELDS, *ALIASES]),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers(0, 9)),
)
def test_any_value_is_taken_or_refused_with_a_config_error(name, value):
    try:
        config = replace(BASE, **{name: value})
    except ConfigError:
        return
    assert validated(json.loads(json.dumps(config.model_dump(), allow_nan=False))) == config


# Lists from Python and from the command line.


@pytest.mark.parametrize(
    ("given_value", "text"),
    [([0, 1, 7], "0,1,7"), ((3,), "3"), (8, "8"), ("0, 1 ,7,", "0,1,7"), (["cat", "dog"], "cat,dog"), ("8,8", "8")],
)
def test_classes_may_be_numbers_lists_or_text(given_value, text):
    assert replace(BASE, classes=given_value).data.classes == text


@pytest.mark.parametrize(
    ("given_value", "text"),
    [
        ("none", "none"),
        ("cutout", "cutout"),
        (["translation", "cutout"], "translation,cutout"),
        ("rotation, cutout,rotation", "rotation,cutout"),
    ],
)
def test_augmentations_may_be_lists_or_text(given_value, text):
    assert replace(BASE, augment=given_value).train.augment == text


def test_an_unknown_augmentation_names_the_nearest():
    text = message(augment="cutout,rotatoin")
    assert "'rotatoin'" in text and "did you mean 'rotation'?" in text


def test_split_leaves_out_blanks():
    assert split(" a, b ,,c ") == ["a", "b", "c"]
    assert split(" , ") == []


def test_durations_are_kept_in_one_spelling():
    changed = replace(BASE, duration="10,000 Steps", sample_every="1 epochs", warmup="1kimg")
    assert changed.train.duration == "10000 steps"
    assert changed.pictures.sample_every == "1 epoch"
    assert changed.train.warmup == "1 kimg"


# Every recipe.


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_says_its_name_and_goes_through_json(name):
    config = recipe(name)
    assert config.recipe == name
    assert validated(json.loads(json.dumps(config.model_dump(), allow_nan=False))) == config


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_can_be_planned(name):
    config = recipe(name)
    plan = make_plan(config, images=60000, steps_per_second=20.0 if needs_speed(config) else None)
    assert plan.duration == config.train.duration
    assert 1 <= plan.log_every < plan.steps
    assert 1 <= plan.checkpoint_every < plan.steps
    assert plan.sample_every is None or 1 <= plan.sample_every <= plan.steps


def test_an_unknown_recipe_names_the_nearest():
    with refused("no recipe", "recipe"):
        recipe("dcgam")


# Reading what was saved.


def test_an_unknown_saved_field_is_named_with_its_section():
    values = BASE.model_dump()
    values["train"]["batchsize"] = 3
    with refused("no such setting", "train.batchsize") as caught:
        validated(values)
    assert (caught.value.field, caught.value.key) == ("train.batchsize", "no such setting")


def test_a_wrong_saved_value_is_named():
    values = BASE.model_dump()
    values["network"]["latent_dim"] = "wide"
    with refused("refused", "latent_dim") as caught:
        validated(values)
    assert (caught.value.field, caught.value.key, caught.value.parts["value"]) == ("latent_dim", "refused", "'wide'")
    assert caught.value.parts["why"].key == "int_parsing"


def test_a_missing_recipe_is_named():
    values = BASE.model_dump()
    del values["recipe"]
    with refused("missing", "recipe") as caught:
        validated(values)
    assert "{" not in str(caught.value)


@pytest.mark.parametrize("values", [{}, {"recipe": "a", "train": 3}, {"recipe": "a", "train": None}, {"recipe": 5}])
def test_what_is_no_configuration_is_refused_in_one_line(values):
    with pytest.raises(ConfigError) as caught:
        validated(values)
    assert len(str(caught.value).splitlines()) == 1


# The configuration itself.


def test_a_configuration_is_frozen():
    with pytest.raises(ValidationError):
        BASE.seed = 1
    for section in SECTIONS:
        part = getattr(BASE, section)
        name = next(iter(type(part).model_fields))
        with pytest.raises(ValidationError):
            setattr(part, name, getattr(part, name))


def test_field_names_are_unique_over_the_sections():
    names = [name for section in SECTIONS for name in type(getattr(BASE, section)).model_fields]
    assert len(names) == len(set(names)) == len(FIELDS)
    assert not {"seed", "recipe"} & set(names)
    assert all(name in type(getattr(BASE, section)).model_fields for name, section in FIELDS.items())


def test_the_sections_are_all_of_a_configuration():
    assert set(RunConfig.model_fields) == {"recipe", "seed", "kind", "parts", "settings", *SECTIONS}


@pytest.mark.parametrize("section", SECTIONS)
def test_every_field_is_described(section):
    for name, field in type(getattr(BASE, section)).model_fields.items():
        assert field.description, f"{section}.{name} has no docstring"
        assert field.description.strip().endswith("."), f"{section}.{name}: {field.description!r}"


def test_seed_and_recipe_are_described():
    assert RunConfig.model_fields["seed"].description and RunConfig.model_fields["recipe"].description


def test_the_flat_form_has_every_field_once():
    flat = flatten(BASE)
    assert list(flat) == ["recipe", "seed", *FIELDS]
    assert flat["batch_size"] == BASE.train.batch_size


def test_differences_are_listed_field_by_field():
    assert differences(BASE, BASE) == []
    assert differences(BASE, replace(BASE, z_dim=50, seed=3, duration="2 epochs")) == [
        "seed: 0 -> 3",
        "latent_dim: 100 -> 50",
        "duration: 10 epochs -> 2 epochs",
    ]


def test_only_the_autoencoder_reads_images():
    assert recipe("white-background").reads_images
    assert not recipe("mlp").reads_images


@pytest.mark.parametrize("name", ["../../evil", "a/b", "..", ".hidden", "", "a b", "a\\b", "C:evil", "/x", "a\nb"])
def test_a_recipes_name_is_no_path(name: str) -> None:
    """It becomes the name of a folder of runs."""
    with refused("refused", "recipe"):
        validated(recipe("minimal").model_dump() | {"recipe": name})


@pytest.mark.parametrize("name", ["pocket", "white-background", "my_gan.2", "Ж", "2nd"])
def test_a_recipe_can_have_any_other_name(name: str) -> None:
    assert validated(recipe("minimal").model_dump() | {"recipe": name}).recipe == name


@pytest.mark.parametrize("field", ["log_every", "warmup", "ema_half_life", "checkpoint_every", "duration"])
@pytest.mark.parametrize("value", ["5 min", "x", "5", "5 lightyears", "0 steps", "0%"])
def test_what_an_error_recommends_is_taken(field: str, value: str) -> None:
    """Every example in the message about a field can be typed there."""
    try:
        replace(recipe("minimal"), **{field: value})
    except ConfigError as error:
        examples = re.findall(r"'([0-9]+%? ?[a-z]*)'", str(error).replace(f"'{value}'", ""))
        assert len(examples) >= 3
        for example in examples:
            replace(recipe("minimal"), **{field: example})

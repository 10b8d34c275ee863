"""Configuration of a study: base recipe, variants, seeds and deciding metric. Doesn't import torch."""

import hashlib
import itertools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from pocketgan.base.errors import ConfigError, nearest
from pocketgan.base.messages import in_words
from pocketgan.config.fields import ALIASES, FIELDS, NAMES, explain, rename, replace
from pocketgan.config.recipes import RECIPES, recipe
from pocketgan.config.sections import PACKAGED, RunConfig, Section
from pocketgan.metrics.words import BETTER, IDEALS
from pocketgan.studies.seeds import default_seeds

Value = bool | int | float | str
MOST_VARIANTS = 1000
LONGEST_SLUG = 100


class Range(Section):
    """Range of values for a search."""

    low: int | float
    """The lowest value."""
    high: int | float
    """The highest value."""
    log: bool = False
    """Whether values are sampled on a logarithmic scale."""

    @model_validator(mode="after")
    def _check(self) -> "Range":
        if not self.low < self.high:
            raise ConfigError("low must be below high (got {low} and {high})", low=self.low, high=self.high)
        if self.log and self.low <= 0:
            raise ConfigError("a logarithmic range must start above 0 (got {low})", low=self.low)
        return self


class StudyConfig(Section):
    """Complete configuration of a study."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    """Name of the study: letters, digits, - and _."""
    question: str = ""
    """The question that the study answers, in one sentence."""
    recipe: str = "pocket"
    """The base recipe."""
    settings: dict[str, Value] = Field(default={})
    """Settings shared by all variants."""
    factors: dict[str, list[Value] | Range] = Field(default={})
    """Settings and their values: the variants are all combinations. A search also accepts ranges."""
    variants: list[dict[str, Value]] = Field(default=[])
    """Instead of factors: a list of variants, each with settings, and optionally with its own name and recipe."""
    seeds: int | None = Field(default=None, ge=1, le=1000)
    """Runs per variant; by default the number needed to show a difference (`seeds.default_seeds`)."""
    first_seed: int = Field(default=0, ge=0, lt=2**30)
    """The first seed; the others follow consecutively."""
    fresh_seeds: int = Field(default=5, ge=0, le=1000)
    """Confirmation seeds: runs of the chosen variant on seeds that had no part in the choice; 0: no confirmation."""
    duration: str | None = None
    """Duration of each run; by default the duration of the recipe."""
    metric: str = "frechet_distance"
    """The metric that decides."""
    direction: Literal["lower", "higher"] | None = None
    """Direction of better values; by default that of the metric: lower, higher, or closest to its best value."""
    metrics: list[str] = Field(default=["frechet_distance", "modes", "class_kl"])
    """Further metrics measured at the end of each run."""
    against: str = "test"
    """The real images that scores are measured against."""
    features: Literal["auto", "digits", "classifier", "random"] = "auto"
    """The feature space."""
    count: int = Field(default=10_000, ge=200, le=1_000_000)
    """Images generated per score (for image-to-image translation, at most as many as there are real images)."""
    checkpoint: Literal["last", "best"] = "last"
    """Generator to measure: the one at the end of the run, or the best one by the run's own evaluations."""
    compare_with: str | None = None
    """Baseline variant for all comparisons; by default all pairs that use the same data are compared."""
    moments: list[int] = Field(default=[])
    """Steps at which each variant's quality is compared with its quality at the end of the run."""
    search: Literal["grid", "tpe"] = "grid"
    """`grid`: all combinations. `tpe`: Optuna's tree-structured Parzen estimator proposes them."""
    trials: int = Field(default=30, ge=1, le=100_000)
    """Number of trials of a search."""
    pruning: Literal["median", "hyperband", "none"] = "median"
    """Rule for stopping trials of a search early, based on the run's own evaluations, never on the test split."""
    storage: str = ""
    """URL of an Optuna storage for a search that a team shares; by default a file in the study's folder."""

    @field_validator("recipe")
    @classmethod
    def _known_recipe(cls, name: str) -> str:
        if name not in RECIPES:
            raise ConfigError("no recipe", name=name, hint=nearest(name, RECIPES), known=", ".join(RECIPES))
        return name

    @model_validator(mode="after")
    def _check(self) -> "StudyConfig":
        if self.factors and self.variants:
            raise ConfigError("give factors or variants, not both", field="variants")
        if self.search == "tpe" and (self.variants or not self.factors):
            raise ConfigError("'tpe' needs factors, such as learning_rate = {low = 1e-4, high = 1e-2}", field="search")
        for field, values in self.factors.items():
            if isinstance(values, Range):
                if self.search == "grid":
                    raise ConfigError(
                        "{what} is a range; a grid needs a list of values (ranges are for search = 'tpe')",
                        field="factors",
                        what=field,
                    )
            elif not values:
                raise ConfigError("{what} has no values; give at least two", field="factors", what=field)
            elif len(set(map(repr, values))) < len(values):
                raise ConfigError(
                    "{what} has the same value twice: {values}", field="factors", what=field, values=values
                )
        if self.better == "nearest" and self.metric not in IDEALS:
            raise ConfigError(
                "'{metric}' is best where real images are, neither lower nor higher; set 'lower' or "
                "'higher', or choose another metric",
                field="direction",
                metric=self.metric,
            )
        if self.search == "grid" and not self.factors and not self.variants:
            raise ConfigError("there is nothing to compare; give factors or variants", field="factors")
        return self

    @property
    def better(self) -> Literal["lower", "higher", "nearest"]:
        """Direction of better values of the deciding metric: the setting, or else the metric's own direction."""
        return self.direction or BETTER.get(self.metric, "lower") or "nearest"

    @property
    def contradicts(self) -> bool:
        """True if the setting `direction` contradicts the metric's own direction."""
        return self.direction is not None and BETTER.get(self.metric) not in (None, self.direction)

    @property
    def ideal(self) -> float | None:
        """Best value of the deciding metric, if values closest to it are better; else None."""
        return IDEALS[self.metric] if self.better == "nearest" else None

    def judged(self, figure: float) -> float:
        """Returns the value that variants are ranked by: a score, or its distance from the metric's best value."""
        return figure if self.ideal is None else abs(figure - self.ideal)

    @property
    def lower_is_better(self) -> bool:
        """True if the lower of two ranked values is better."""
        return self.better != "higher"

    def configs(self) -> dict[str, RunConfig]:
        """Returns each variant's configuration by name, with seed 0 and by default one thread.

        Raises:
            ConfigError: a factor is unknown, or its recipe rejects a value; the message names the variant.
        """
        if self.search == "tpe":
            return {}
        configs: dict[str, RunConfig] = {}
        for fields in self.variants or grid(self.factors):
            fields = dict(fields)
            name = str(fields.pop("name", "") or named(fields))
            if name in configs:
                raise ConfigError(
                    "'{name}' is there twice; give each variant its own name", field="variants", name=name
                )
            configs[name] = self.configure(name, fields)
        for name, config in configs.items():
            twin = next(other for other in configs if configs[other] == config)
            if self.factors and twin != name:
                raise ConfigError(
                    "'{twin}' and '{name}' are the same runs; leave one out", field="factors", twin=twin, name=name
                )
        if len({slug(name) for name in configs}) < len(configs):
            raise ConfigError(
                "two names differ only in punctuation, so their folders would be the same", field="variants"
            )
        if self.compare_with is not None and self.compare_with not in configs:
            hint = nearest(self.compare_with, configs)
            raise ConfigError(
                "there is no variant '{compare_with}'{hint}; known: {known}",
                field="compare_with",
                compare_with=self.compare_with,
                hint=hint,
                known=", ".join(configs),
            )
        return configs

    def configure(self, name: str, fields: Mapping[str, Value]) -> RunConfig:
        """Returns the configuration of one variant.

        Raises:
            ConfigError: a field is unknown, or the recipe rejects a value.
        """
        given = {"threads": 1, **self.settings, **fields}
        base = recipe(str(given.pop("recipe", self.recipe)))
        for field in given:
            if field not in NAMES:
                place = "settings" if field in self.settings else "factors" if self.factors else "variants"
                raise ConfigError(
                    "'{what}' isn't a setting{hint}", field=place, what=field, hint=nearest(field, [*FIELDS, *ALIASES])
                )
        if self.duration is not None:
            if any(rename(field, value)[0] == "duration" for field, value in fields.items()):
                raise ConfigError(
                    "'{duration}' would replace the durations that the variants set",
                    field="duration",
                    duration=self.duration,
                )
            given = {key: value for key, value in given.items() if rename(key, value)[0] != "duration"}
            given["duration"] = self.duration
        if given.get("data", "mnist") not in PACKAGED:
            given["data"] = str(Path(str(given["data"])).expanduser().absolute())
        try:
            return replace(base, **given)
        except ConfigError as error:
            raise ConfigError("variant '{name}': {error}", name=name, error=error) from None

    def seed_list(self, tests: int) -> list[int]:
        """Returns the seeds of each variant in a study that makes this number of tests."""
        count = self.seeds if self.seeds is not None else default_seeds(max(1, tests))
        return list(range(self.first_seed, self.first_seed + count))

    def fresh_seed_list(self) -> list[int]:
        """Returns the confirmation seeds of the chosen variant, which no other run of the study uses."""
        start = self.first_seed + 1_000_000
        return list(range(start, start + self.fresh_seeds))


def grid(factors: Mapping[str, Any]) -> list[dict[str, Value]]:
    """Returns all combinations of the factors' values.

    Raises:
        ConfigError: there are too many combinations.
    """
    count = 1
    for values in factors.values():
        count *= len(values)
    if count > MOST_VARIANTS:
        raise ConfigError(
            "{count:,} combinations are too many (at most {most_variants:,}); use fewer values, or search = 'tpe'",
            field="factors",
            count=count,
            most_variants=MOST_VARIANTS,
        )
    return [dict(zip(factors, chosen, strict=True)) for chosen in itertools.product(*factors.values())]


def named(fields: Mapping[str, Value]) -> str:
    """Returns a variant's name made from its fields: `latent_dim=50, hidden_dim=64`."""
    return ", ".join(f"{field}={value}" for field, value in fields.items()) or "as the recipe"


def slug(name: str) -> str:
    """Returns a folder name for a variant's name: `latent_dim-50-hidden_dim-64`."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name.replace("=", "-")).strip("-.") or "variant"
    if len(plain) <= LONGEST_SLUG:
        return plain
    return f"{plain[:LONGEST_SLUG]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def study_config(values: Mapping[str, Any]) -> StudyConfig:
    """Creates a study's configuration from plain values.

    Raises:
        ConfigError: names the first field that is unknown or has an invalid value.
    """
    unknown = [key for key in values if key not in StudyConfig.model_fields]
    if unknown:
        hint = nearest(unknown[0], StudyConfig.model_fields)
        raise ConfigError(
            "isn't a field of a study{hint}",
            field=unknown[0],
            hint=hint or "; fields: " + ", ".join(StudyConfig.model_fields),
        )
    try:
        config = StudyConfig.model_validate(values)
    except ValidationError as error:
        problems = error.errors()
        first = next((item for item in problems if item["type"] == "value_error"), problems[0])
        place, cause = ".".join(str(part) for part in first["loc"][:2]), first.get("ctx", {}).get("error")
        if not place:
            raise explain(error) from None
        if isinstance(cause, ConfigError):
            raise ConfigError(cause.reason, field=cause.field or place) from None
        raise ConfigError("refused", field=place, value=repr(first["input"]), why=in_words(first)) from None
    config.configs()
    return config

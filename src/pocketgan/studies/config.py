"""Configuration of a study: base recipe, variants, seeds and deciding metric. Doesn't import torch."""

import hashlib
import itertools
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from pocketgan.base.errors import ConfigError, nearest
from pocketgan.base.messages import in_words, problem
from pocketgan.config import parts
from pocketgan.config.data_section import PACKAGED, Section, split
from pocketgan.config.fields import ALIASES, FIELDS, NAMES, explain, rename, replace
from pocketgan.config.recipes import RECIPES, recipe
from pocketgan.config.sections import RunConfig
from pocketgan.metrics.words import BETTER, IDEALS
from pocketgan.studies.commands import check_command, script_config
from pocketgan.studies.own_metrics import OwnMetric, with_own_metrics
from pocketgan.studies.seeds import default_seeds

Value = bool | int | float | str
MOST_VARIANTS = 1000
LONGEST_SLUG = 100
OF_RECIPES = ("recipe", "duration", "against", "features", "count")
"""Fields that a study over a script can't have: the script decides them."""
CASELESS = sys.platform in ("win32", "darwin")
"""Whether folders whose names differ in capitals alone are usually the same."""
NOT_OF = {"grid": ("trials", "pruning", "storage"), "tpe": ("seeds", "compare_with")}
"""Fields that would have no effect, by the kind of search."""


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
            raise ConfigError("low below high", low=self.low, high=self.high)
        if self.log and self.low <= 0:
            raise ConfigError("logarithmic range", low=self.low)
        return self


class StudyConfig(Section):
    """Complete configuration of a study."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    """Name of the study: letters, digits, - and _."""
    question: str = ""
    """The question that the study answers, in one sentence."""
    recipe: str = "pocket"
    """The base recipe."""
    command: list[str] = Field(default=[])
    """Instead of a recipe: the command that starts a script which calls `pocketgan.record`, word by word, with
    placeholders such as `{learning_rate}` for all factors and settings, and `{seed}`."""
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
    """The metric that decides: one of the package, or your own, such as `my_gan.py:sharpness`."""
    direction: Literal["lower", "higher"] | None = None
    """Direction of better values; by default that of the metric: lower, higher, or closest to its best value."""
    metrics: list[str] = Field(default=["frechet_distance", "modes", "class_kl"])
    """Further metrics measured at the end of each run."""
    own_metrics: dict[str, OwnMetric] = Field(default={})
    """What the study's own metrics are, by their names in files; filled in when the study is made."""
    against: str = "test"
    """The real images that scores are measured against."""
    features: Literal["auto", "digits", "classifier", "self-supervised", "random"] = "auto"
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
    def _known_recipe(cls, name: str, info: Any) -> str:
        if name not in RECIPES and not (info.context or {}).get("reading"):
            recipe(name)
        return name

    @model_validator(mode="after")
    def _check(self, info: Any) -> "StudyConfig":
        reading = bool((info.context or {}).get("reading"))
        for field in () if reading else NOT_OF[self.search]:
            usual = (StudyConfig.model_fields[field].default, *([1] if field == "seeds" else []))
            if getattr(self, field) not in usual:
                raise ConfigError("not in a search" if self.search == "tpe" else "not in a grid", field=field)
        for field in OF_RECIPES if self.command else ():
            if getattr(self, field) != StudyConfig.model_fields[field].default:
                raise ConfigError("decided by the script", field=field)
        if self.factors and self.variants:
            raise ConfigError("factors or variants", field="variants")
        if self.search == "tpe" and (self.variants or not self.factors):
            raise ConfigError("tpe needs factors", field="search", example="{low = 1e-4, high = 1e-2}")
        for field, values in self.factors.items():
            if isinstance(values, Range):
                if self.search == "grid":
                    raise ConfigError("range in a grid", field="factors", setting=field)
            elif not values:
                raise ConfigError("no values", field="factors", setting=field)
            elif len(set(map(repr, values))) < len(values):
                raise ConfigError("same value twice", field="factors", setting=field, values=values)
        if self.better == "nearest" and self.ideal is None:
            raise ConfigError("no direction", field="direction", metric=self.metric)
        if self.search == "grid" and not self.factors and not self.variants:
            raise ConfigError("nothing to compare", field="factors")
        return self

    @property
    def better(self) -> Literal["lower", "higher", "nearest"]:
        """Direction of better values of the deciding metric: the setting, or else the metric's own direction."""
        return self.direction or self._usual or "nearest"

    @property
    def _usual(self) -> Literal["lower", "higher"] | None:
        """The better direction of the deciding metric itself; None if its best value lies in between."""
        own = self.own_metrics.get(self.metric)
        return BETTER.get(self.metric, "lower") if own is None else own.better

    @property
    def contradicts(self) -> bool:
        """True if the setting `direction` contradicts the metric's own direction."""
        return self.direction is not None and self._usual not in (None, self.direction)

    @property
    def ideal(self) -> float | None:
        """Best value of the deciding metric, if values closest to it are better and it is known; else None."""
        if self.better != "nearest":
            return None
        own = self.own_metrics.get(self.metric)
        return IDEALS.get(self.metric) if own is None else own.ideal

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
                raise ConfigError("name twice", field="variants", name=name)
            configs[name] = self.configure(name, fields)
        for name, config in configs.items():
            twin = next(other for other in configs if configs[other] == config)
            if self.factors and twin != name:
                raise ConfigError("same runs", field="factors", twin=twin, name=name)
        alike = str.casefold if CASELESS else str
        if len({alike(slug(name)) for name in configs}) < len(configs):
            raise ConfigError("names alike", field="factors" if self.factors else "variants")
        if self.compare_with is not None and self.compare_with not in configs:
            of_message = {"name": self.compare_with, "hint": nearest(self.compare_with, configs)}
            raise ConfigError("no variant", field="compare_with", **of_message, known=", ".join(configs))
        return configs

    def configure(self, name: str, fields: Mapping[str, Value]) -> RunConfig:
        """Returns the configuration of one variant.

        Raises:
            ConfigError: a field is unknown, or the recipe rejects a value.
        """
        place = "factors" if self.factors else "variants"
        if self.command:
            check_command(self.command, self.settings, fields, place)
            return script_config(self.command, {**self.settings, **fields})
        given = {"threads": 1, **self.settings, **fields}
        if own := self._evaluated_by():
            given["metrics"] = ",".join(dict.fromkeys([*split(str(given.get("metrics", ""))), own]))
        base = recipe(str(given.pop("recipe", self.recipe)))
        for field in given:
            if field not in NAMES and field.partition(".")[0] not in parts.OPTIONS:
                place = "settings" if field in self.settings else place
                hint = nearest(field, [*FIELDS, *ALIASES])
                raise ConfigError("no setting of a variant", field=place, setting=field, hint=hint)
        if self.duration is not None:
            if any(rename(field, value)[0] == "duration" for field, value in fields.items()):
                raise ConfigError("duration replaced", field="duration", duration=self.duration)
            given = {key: value for key, value in given.items() if rename(key, value)[0] != "duration"}
            given["duration"] = self.duration
        if given.get("data", "mnist") not in PACKAGED:
            given["data"] = str(Path(str(given["data"])).expanduser().absolute())
        try:
            return replace(base, **given)
        except ConfigError as error:
            raise ConfigError("in variant", name=name, why=error) from None

    def _evaluated_by(self) -> str:
        """Returns the metric of one's own by which the runs of a search must be evaluated; empty if there is none."""
        own = self.own_metrics.get(self.metric)
        return own.part if own is not None and self.search == "tpe" else ""

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
        raise ConfigError("too many combinations", field="factors", count=count, most=MOST_VARIANTS)
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


def with_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the fields of a study with names instead of objects, and with options of parts one by one.

    `generator=Painter` becomes `my_gan.py:Painter`, and `generator_options={"channels": 8}` becomes
    `generator_options.channels`.
    """

    def settings(given: Mapping[str, Any]) -> dict[str, Any]:
        """Returns settings, factors or a variant in this form."""
        results: dict[str, Any] = {}
        for name, value in given.items():
            if name in parts.OPTIONS and isinstance(value, Mapping):
                results |= {f"{name}.{option}": one for option, one in value.items()}
            elif name == "metrics" and not isinstance(value, str):
                several = value if isinstance(value, list) else [value]
                results[name] = ",".join(parts.name_of("metric", one) for one in several)
            elif name in (*parts.NAMED, "recipe"):
                several = isinstance(value, list)
                results[name] = [named_part(name, one) for one in value] if several else named_part(name, value)
            else:
                results[name] = value
        return results

    def named_part(kind: Any, value: Any) -> Any:
        return value if isinstance(value, str | Mapping) else parts.hand_over(kind, value)

    results = dict(values)
    if results.get("command"):  # Names of a script's settings are its own.
        return results
    if callable(results.get("recipe")):
        results["recipe"] = parts.hand_over("recipe", results["recipe"])
    for field in ("settings", "factors"):
        if isinstance(results.get(field), Mapping):
            results[field] = settings(results[field])
    if isinstance(results.get("variants"), list):
        results["variants"] = [settings(one) if isinstance(one, Mapping) else one for one in results["variants"]]
    return results


def study_config(values: Mapping[str, Any], *, reading: bool = False) -> StudyConfig:
    """Creates a study's configuration from plain values.

    Args:
        values: the fields. Classes and objects of one's own are accepted where names of parts are.
        reading: whether the values are those of a study in its folder, whose own parts needn't be there.

    Raises:
        ConfigError: names the first field that is unknown or has an invalid value.
    """
    values = with_own_metrics(with_names(values))
    unknown = [key for key in values if key not in StudyConfig.model_fields]
    if unknown:
        known, name = StudyConfig.model_fields, unknown[0]
        if name == "seed":
            raise ConfigError("seed of studies", field=name)
        if rename(name, "")[0] in FIELDS and not values.get("command"):
            raise ConfigError("setting beside fields", field=name)
        hint = nearest(unknown[0], known) or problem("study fields", known=", ".join(known))
        raise ConfigError("no study field", field=unknown[0], hint=hint)
    try:
        config = StudyConfig.model_validate(values, context={"reading": reading})
    except ValidationError as error:
        problems = error.errors()
        first = next((item for item in problems if item["type"] == "value_error"), problems[0])
        place, cause = ".".join(str(part) for part in first["loc"][:2]), first.get("ctx", {}).get("error")
        if not place:
            raise explain(error) from None
        if isinstance(cause, ConfigError):
            raise ConfigError(cause.key, field=cause.field or place, **cause.parts) from None
        raise ConfigError("refused", field=place, value=repr(first["input"]), why=in_words(first)) from None
    try:
        config.configs()
    except ConfigError as error:
        if not (reading and parts.is_missing(error)):
            raise
    return config

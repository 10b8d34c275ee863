"""The table of parts: what the names of networks, losses, optimizers and schedules in a configuration stand for.

A configuration only ever names a part. The table holds the package's own parts and those that the person handed over:
an object in Python, a file given on the command line (see `code.py`), an entry point of an installed package. Nothing
that is read (a run folder, a study, an exported model, a request from a browser) adds to it, so nothing that is read
can run code.
"""

import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from pocketgan.base.errors import ConfigError, nearest
from pocketgan.config.code import RESERVED, Code, code_of, load_from_environment, loaded, name_of_object, spelled_before
from pocketgan.config.metric_names import METRICS
from pocketgan.config.options import Value, converted, hints_of, literal, parameters_of

Kind = Literal["generator", "discriminator", "objective", "optimizer", "schedule", "metric", "recipe"]
NAMED: tuple[Kind, ...] = ("generator", "discriminator", "objective", "optimizer", "schedule")
"""The kinds that a configuration names, each in the field of the same name. Its field `metrics` names several."""
OPTIONS: dict[str, Kind] = {
    "generator_options": "generator",
    "discriminator_options": "discriminator",
    "optimizer_options": "optimizer",
}
"""The settings that hold options of a part, and the part's kind."""
PATTERN = re.compile(rf"\w[^{re.escape(RESERVED)}\x00-\x1f\x7f]*(:[^\W\d]\w*)?")
"""A part's name: a name of the package or of an entry point, or `file.py:Name`; never a path."""
FILLED = ("config", "shape", "pixels", "latent_dim", "z_dim", "classes", "num_classes")
"""Arguments of a network's constructor that Pocketgan fills in wherever they are named."""
FILLED_IF_NEEDED = ("channels", "size")
"""Arguments that Pocketgan fills in if they have no default."""


class PartFacts(BaseModel):
    """What the program asks about a part. A run stores it, so that it can be read without the part's code.

    Attributes:
        reads_images: of a generator: whether it translates images, instead of starting from noise.
        takes_class: of a generator: whether it can receive a class; one's own is asked when it is built.
        reads_pairs: of a discriminator: whether it sees the input of a translation beside each image.
        boundary: of an objective: the logit above which an image counts as real; None if only differences between
            logits have a meaning.
        logits: of an objective: what a logit means. `probability`: σ(logit) is the probability that the image is real.
            `score`: the logit itself is 0 for generated and 1 for real images. `critic`: neither.
        relativistic: of an objective: whether the generator's loss needs the logits of real images.
        separable: of an objective: whether the discriminator's loss is a sum of a term for real and one for generated
            images.
        needs_discriminator: of an objective: whether a discriminator is trained beside the generator.
        unit: of an objective: the unit of its losses, such as `nats`; empty if they have none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    reads_images: bool = False
    takes_class: bool = True
    reads_pairs: bool = False
    boundary: float | None = 0.0
    logits: Literal["probability", "score", "critic"] = "critic"
    relativistic: bool = False
    separable: bool = True
    needs_discriminator: bool = True
    unit: str = ""


_NOTHING = PartFacts()
BUILT_IN: dict[Kind, dict[str, PartFacts]] = {
    "generator": {
        "mlp": _NOTHING,
        "dcgan": _NOTHING,
        "autoencoder": PartFacts(reads_images=True, takes_class=False),
        "pocket": _NOTHING,
        "translator": PartFacts(reads_images=True, takes_class=False),
        "class-translator": PartFacts(reads_images=True),
    },
    "discriminator": {
        "mlp": _NOTHING,
        "dcgan": _NOTHING,
        "pocket": _NOTHING,
        "translator": PartFacts(reads_pairs=True),
        "none": _NOTHING,
    },
    "objective": {
        "bce": PartFacts(logits="probability", unit="nats"),
        "minimax": PartFacts(logits="probability", unit="nats"),
        "msle": PartFacts(logits="probability"),
        "least_squares": PartFacts(boundary=0.5, logits="score"),
        "hinge": _NOTHING,
        "wasserstein": PartFacts(boundary=None),
        "relativistic": PartFacts(boundary=None, relativistic=True, separable=False, unit="nats"),
        "drifting": PartFacts(boundary=None, separable=False, needs_discriminator=False),
    },
    "optimizer": dict.fromkeys(("adam", "adamw", "sgd", "rmsprop"), _NOTHING),
    "schedule": dict.fromkeys(("constant", "linear", "cosine"), _NOTHING),
    "metric": dict.fromkeys(METRICS, _NOTHING),
}
"""The package's own parts, by kind and name. Tests compare these facts with the parts themselves."""


@dataclass(frozen=True)
class Part:
    """A part that the person handed over.

    Attributes:
        kind, name: what it is, and its name in configurations.
        value: the class, function or object.
        code: its source, if it is known.
    """

    kind: Kind
    name: str
    value: Any
    code: Code | None

    @property
    def facts(self) -> PartFacts:
        """What the program asks about the part.

        Raises:
            ConfigError: the object isn't a part of this kind.
        """
        if self.kind == "objective":
            facts = getattr(self.value, "facts", None)
            if not isinstance(facts, PartFacts):
                raise ConfigError("not an objective", field=self.kind, name=self.name)
            return facts
        if self.kind == "metric":
            if not is_metric(self.value):
                raise ConfigError("not a metric", field="metrics", name=self.name)
            return _NOTHING
        if not callable(self.value) and self.kind != "recipe":
            raise ConfigError("not a class", field=self.kind, name=self.name)
        if self.kind == "generator":
            return PartFacts(reads_images=bool(getattr(self.value, "reads_images", False)))
        if self.kind == "discriminator":
            return PartFacts(reads_pairs=bool(getattr(self.value, "reads_pairs", False)))
        return _NOTHING


_objects: dict[tuple[Kind, str], Part] = {}


@contextmanager
def own_table() -> Iterator[None]:
    """Empties the table for the time of the context; what was handed over inside is forgotten afterwards."""
    objects, codes = dict(_objects), dict(loaded)
    _objects.clear()
    loaded.clear()
    try:
        yield
    finally:
        for table, before in ((_objects, objects), (loaded, codes)):
            table.clear()
            table.update(before)  # pyright: ignore[reportArgumentType, reportCallIssue]


def hand_over(kind: Kind, value: Any) -> str:
    """Adds an object to the table; a later one of the same name replaces it.

    Args:
        kind: what the object is.
        value: a class or a function; for objectives and metrics, an object of these classes.

    Returns:
        Its name in configurations: `my_gan.py:Painter`, or `notebook:Painter` if it isn't from a file.

    Raises:
        ConfigError: the object isn't a part of this kind.
    """
    part = Part(kind, name_of_object(value, kind), value, code_of(value))
    _ = part.facts
    _objects[kind, part.name] = part
    return part.name


def name_of(kind: Kind, value: Any) -> str:
    """Returns the name of a part: of an object that is handed over by this call, or the name itself if it is valid.

    Raises:
        ConfigError: it isn't a valid name, or the object isn't a part of this kind.
    """
    if not isinstance(value, str):
        return hand_over(kind, value)
    if not PATTERN.fullmatch(value):
        raise ConfigError("no part name", field=field_of(kind), name=repr(value))
    return value


def field_of(kind: Kind) -> str:
    """Returns the setting that names parts of a kind."""
    return "metrics" if kind == "metric" else kind


def find(kind: Kind, name: str) -> Part | None:
    """Returns a part that the person handed over; None if there is none of this name.

    Raises:
        ConfigError: the file that was handed over has no such part.
    """
    known = next((one for one in _objects if one[0] == kind and name in (one[1], spelled_before(one[1]))), None)
    if known is not None:
        return _objects[known]
    file, separator, attribute = name.partition(":")
    if separator and file not in loaded and file.endswith(".py"):
        load_from_environment()
    code = loaded.get(file) or next((loaded[one] for one in loaded if spelled_before(f"{one}:") == f"{file}:"), None)
    if separator and code is not None:
        return Part(kind, name, code.attribute(attribute, field_of(kind)), code)
    if separator or kind not in (*NAMED, "metric", "recipe"):
        return None
    for point in installed(kind):
        if point.name != name:
            continue
        try:
            value = point.load()
        except Exception as error:
            why = f"{type(error).__name__}: {error}".splitlines()[0]
            raise ConfigError(
                "entry point broken", field=field_of(kind), name=name, value=point.value, why=why
            ) from None
        return Part(kind, name, value, code_of(value))
    return None


def get(kind: Kind, name: str) -> Part:
    """Returns a part that the person handed over; see `find`.

    Raises:
        ConfigError: there is none of this name; the message says how to hand it over.
    """
    part = find(kind, name)
    if part is None:
        raise unknown(kind, name)
    return part


def objects() -> list[Part]:
    """Returns the parts that were handed over as objects."""
    return list(_objects.values())


def put(part: Part) -> None:
    """Adds a part that another process handed over."""
    _objects[part.kind, part.name] = part


def unknown(kind: Kind, name: str) -> ConfigError:
    """Returns the error for a name that is not in the table."""
    file, separator, _ = name.partition(":")
    field = field_of(kind)
    if separator and file.endswith(".py"):
        shown = f'"{file}"' if " " in file else file
        return ConfigError("code missing", field=field, name=name, file=shown)
    if separator:
        return ConfigError("object missing", field=field, name=name)
    if file.endswith(".py"):
        return ConfigError("part of file", field=field, file=file)
    known = names(kind)
    return ConfigError("no part", field=field, name=name, hint=nearest(name, known), known=", ".join(known))


def is_missing(error: ConfigError) -> bool:
    """Returns whether an error says that a part isn't in the table, perhaps about one variant of a study."""
    cause = error.parts.get("why")
    return error.key in ("code missing", "object missing", "part of file", "no part") or (
        isinstance(cause, ConfigError) and is_missing(cause)
    )


def names(kind: Kind) -> list[str]:
    """Returns the names of all parts of a kind that can be chosen: the package's, then the person's own."""
    own = [name for known, name in _objects if known == kind]
    own += [f"{file}:{name}" for file, code in loaded.items() for name in code.names() if looks_like(kind, code, name)]
    return list(dict.fromkeys([*BUILT_IN.get(kind, {}), *(point.name for point in installed(kind)), *own]))


def installed(kind: Kind) -> tuple[EntryPoint, ...]:
    """Returns the entry points of a kind that installed packages offer."""
    return _entry_points(f"pocketgan.{kind}s", tuple(sys.path))


@lru_cache
def _entry_points(group: str, search_path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """Returns a group's entry points, read once for each search path: that takes some 40 ms."""
    return tuple(entry_points(group=group))


def looks_like(kind: Kind, code: Code, name: str) -> bool:
    """Returns whether what a file calls `name` can be a part of a kind, as far as can be told without PyTorch."""
    value = code.attribute(name, kind)
    if kind == "objective":
        return isinstance(getattr(value, "facts", None), PartFacts)
    if kind == "metric":
        return is_metric(value)
    bases = bases_of(value)[1:]
    if kind in ("generator", "discriminator"):
        return "torch.nn.modules.module.Module" in bases
    if kind == "optimizer":
        return "torch.optim.optimizer.Optimizer" in bases
    if not inspect.isfunction(value):
        return False
    if kind == "schedule":
        return required_arguments(value) == ["progress"]
    return kind == "recipe" and "recipe" in name and not parameters_of(value)


def required_arguments(function: Any) -> list[str]:
    """Returns the names of a function's arguments without a default value."""
    return [name for name, parameter in parameters_of(function).items() if parameter.default is parameter.empty]


def is_metric(value: Any) -> bool:
    """Returns whether an object is a `pocketgan.metrics.Metric`, whose module isn't imported here."""
    return "pocketgan.metrics.metric.Metric" in bases_of(type(value))


def bases_of(value: Any) -> list[str]:
    """Returns the full names of a class and of all its bases; empty for what isn't a class."""
    return [f"{base.__module__}.{base.__name__}" for base in getattr(value, "__mro__", ())]


def facts_of(kind: Kind, name: str, stored: PartFacts | None) -> PartFacts | None:
    """Returns the facts of a part that isn't the package's: its own, or else those that a run stored.

    Args:
        kind, name: the part.
        stored: the facts in the file that names the part, if there are any.

    Returns:
        None for a part of the package.

    Raises:
        ConfigError: there is no such part, and nothing is stored.
    """
    if name in BUILT_IN[kind]:
        return None
    part = find(kind, name)
    if part is None and stored is None:
        raise unknown(kind, name)
    return stored if part is None else part.facts


def typed_options(kind: Kind, name: str, options: Mapping[str, Value]) -> dict[str, Value]:
    """Returns the options of a part, converted to the types that its constructor declares.

    Options of a part whose code isn't there are returned unchanged.

    Raises:
        ConfigError: the part has no such option, or an option can't have this value.
    """
    field = f"{kind}_options"
    if not options:
        return {}
    part = None if name in BUILT_IN[kind] else find(kind, name)
    if part is None:
        if name in BUILT_IN[kind] and kind != "optimizer":
            raise ConfigError("no options", field=field, name=name)
        return {option: literal(value) for option, value in options.items()}
    parameters = parameters_of(part.value)
    known = [one for one, parameter in parameters.items() if parameter.kind is not parameter.VAR_KEYWORD]
    known = [one for one in known if one not in FILLED]
    open_ended = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    hints = hints_of(part.value)
    results: dict[str, Value] = {}
    for option, value in options.items():
        if option not in known and not open_ended:
            hint = nearest(option, known)
            raise ConfigError("no option", field=field, option=option, name=name, hint=hint, known=", ".join(known))
        hint = hints.get(option)
        results[option] = literal(value) if hint is None else converted(field, option, value, hint)
    return results

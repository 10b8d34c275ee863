"""Checks of a person's own parts against the contract of the package's parts."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn
from torch.optim import Optimizer

from pocketgan.api.part_checks import metric_checks, objective_checks, optimizer_checks, schedule_checks
from pocketgan.base.errors import ConfigError, PocketganError, UserError
from pocketgan.base.messages import problem
from pocketgan.config import parts
from pocketgan.config.code import Code, file_name, load_code, place_of
from pocketgan.config.parts import Kind, PartFacts, Value
from pocketgan.config.recipes import recipe
from pocketgan.config.sections import NetworkConfig, RunConfig
from pocketgan.images.sets import Pixels
from pocketgan.metrics.metric import Metric
from pocketgan.networks.contract import RIGHT_SHAPE, Check, Contract
from pocketgan.networks.layers import ImageShape
from pocketgan.runs.records import DataFacts
from pocketgan.training.objectives import Objective, SetObjective


@dataclass(frozen=True)
class Report:
    """The checks of one part.

    Attributes:
        kind, name: the part.
        checks: what was checked, in order.
        fits: whether the part is what it was checked as, such as a generator.
    """

    kind: Kind
    name: str
    checks: list[Check]
    fits: bool = True

    @property
    def problems(self) -> list[Check]:
        """The checks that found something to mend."""
        return [check for check in self.checks if check.problem]

    def remarked(self) -> "Report":
        """Returns the report with remarks instead of problems."""
        return replace(self, checks=[Check(one.name, note=one.problem or one.note) for one in self.checks])


def check(path: str | Path, name: str | None = None) -> list[Report]:
    """Checks the networks, objectives, optimizers, schedules, metrics and recipes of a file.

    Parts that a recipe of the file uses are checked with the recipe's options and sizes, and others with the default
    ones. A class that is neither a generator nor a discriminator, such as a layer, gets a remark. It is passed over if
    a sound recipe says which networks count, and it is a problem if it is named or nothing else is there to check.
    A function counts as a schedule if its argument is called `progress`, or if it is named.

    Args:
        path: the file, which is run.
        name: the only class, function, object or recipe to check; None for all.

    Returns:
        A report for each part.

    Raises:
        UserError: the file can't be loaded, there is nothing to check in it, or its code ends the program.
    """
    code = load_code(path)
    try:
        return reports_of(code, name)
    except SystemExit as error:
        raise UserError("code exits", field="file", place=place_of_exit(error, code)) from None


def place_of_exit(error: SystemExit, code: Code) -> str:
    """Returns where a file's code ended the program, as `my_gan.py, line 3`."""
    assert code.path is not None
    return place_of(error, [code.path.parent]) or code.path.name


def reports_of(code: Code, name: str | None) -> list[Report]:
    """Returns what was found out about each part of a file, or about one; see `check`."""
    assert code.path is not None
    file = file_name(code.path)
    chosen = [name] if name else code.names()
    reports: dict[tuple[Kind, str], Report] = {}
    for one in chosen:
        if parts.looks_like("recipe", code, one):
            for report in check_recipe(f"{file}:{one}"):
                reports[report.kind, report.name] = report
    scores = any(facts.logits == "score" for facts in facts_of_objectives(code))
    sound = any(report.kind == "recipe" and not report.problems for report in reports.values())
    for one in chosen:
        kind, full = kind_of(code, one, named=name is not None), f"{file}:{one}"
        if kind is None or any(known == full for _, known in reports):
            continue
        value = code.attribute(one, "code")
        report = check_network(value, full, scores=scores) if kind == "generator" else check_part(kind, full, value)
        if report.fits or not sound:
            reports[report.kind, full] = report
    if name is None and any(report.fits for report in reports.values()):
        reports = {key: report if report.fits else report.remarked() for key, report in reports.items()}
    if not reports and name is not None and isinstance(code.attribute(name, "code"), nn.Module):
        raise UserError("an instance", field="file", name=name)
    if not reports:
        raise UserError("nothing to check", field="file", file=code.path)
    return list(reports.values())


def kind_of(code: Code, name: str, *, named: bool) -> Kind | None:
    """Returns as what a part of a file is checked; None if it isn't one. A network counts as a generator at first.

    Args:
        code: the file.
        name: what the file calls the part.
        named: whether the person named it, so that any function of one argument counts as a schedule.
    """
    kinds: tuple[Kind, ...] = ("objective", "generator", "optimizer", "metric", "schedule")
    for kind in kinds:
        if parts.looks_like(kind, code, name):
            return kind
    value = code.attribute(name, "code")
    one = inspect.isfunction(value) and len(parts.required_arguments(value)) == 1
    return "schedule" if named and one else None


def facts_of_objectives(code: Code) -> list[PartFacts]:
    """Returns what is known about the objectives of a file."""
    return [code.attribute(one, "code").facts for one in code.names() if parts.looks_like("objective", code, one)]


def check_recipe(name: str) -> Iterator[Report]:
    """Checks a recipe, and the parts of one's own that it uses."""
    try:
        config = recipe(name)
    except PocketganError as error:
        yield Report("recipe", name, [Check("returns a configuration", error.reason)])
        return
    yield Report("recipe", name, [Check("returns a configuration")])
    options = {"generator": config.network.generator_options, "discriminator": config.network.discriminator_options}
    scores = config.facts("objective").logits == "score"
    for kind, name_of_part in config.own_parts():
        value = parts.get(kind, name_of_part).value
        if kind in options:
            sizes = (config.network, config.data.pixel_range, onnx_exporter(), scores)
            yield Report(kind, name_of_part, list(Contract(kind, value, options[kind], *sizes).run()))
        else:
            yield check_part(kind, name_of_part, value, config.train.optimizer_options)


def check_part(kind: Kind, name: str, value: Any, options: Mapping[str, Value] | None = None) -> Report:
    """Checks an objective, optimizer, schedule or metric.

    Args:
        kind, name, value: the part.
        options: options of an optimizer's constructor.
    """
    if kind == "optimizer" and value.step is Optimizer.step:  # A base class of others, perhaps.
        return Report(kind, name, [Check("takes steps", problem("no step"))], fits=False)
    checks = {
        "objective": lambda: objective_checks(value),
        "optimizer": lambda: optimizer_checks(name, options),
        "schedule": lambda: schedule_checks(name),
        "metric": lambda: metric_checks(value),
    }
    return Report(kind, name, list(checks[kind]()))


def check_network(value: type[nn.Module], name: str, *, scores: bool = False) -> Report:
    """Checks a class as the generator or the discriminator that it is; one that is neither doesn't fit.

    Args:
        value, name: the class.
        scores: whether the objective takes scores around [0, 1] instead of logits.
    """
    failed = []
    for kind in ("generator", "discriminator"):
        try:
            checks = list(Contract(kind, value, exporter=onnx_exporter(), scores=scores).run())
        except ConfigError as error:
            checks = [Check("is created", error.reason)]
        if any(check.key in RIGHT_SHAPE or not check.problem for check in checks):
            return Report(kind, name, checks)
        failed.append(f"{kind}: {checks[0].problem}")
    return Report("generator", name, [Check("is a generator or a discriminator", " / ".join(failed))], fits=False)


def onnx_exporter() -> Any:
    """Returns a function that exports a generator to ONNX and compares it with PyTorch; None without the extra."""
    from pocketgan.exports.onnx import check_extra, check_onnx, onnx_file

    try:
        check_extra()
    except UserError:
        return None

    def export(network: nn.Module, config: NetworkConfig, shape: ImageShape, pixels: Pixels) -> None:
        names = tuple(map(str, range(shape.classes)))
        facts = DataFacts(
            source="check", images=1, channels=shape.channels, size=shape.size, class_names=names, digest=""
        )
        run = RunConfig(recipe="check", network=config.model_copy(update={"conditional": bool(shape.classes)}))
        run = run.model_copy(update={"data": run.data.model_copy(update={"pixel_range": pixels})})
        check_onnx(onnx_file(network, run, facts), network, run, facts)

    return export


# For the tests of packages.


def check_generator(value: type[nn.Module], options: Mapping[str, Value] | None = None, **sizes: Any) -> None:
    """Checks a class against the contract of generators.

    Args:
        value: the class.
        options: options of its constructor.
        **sizes: fields of `NetworkConfig`, such as `latent_dim=64`.

    Raises:
        AssertionError: a check fails; the message has a line for each.
    """
    demand("generator", value, options, sizes)


def check_discriminator(value: type[nn.Module], options: Mapping[str, Value] | None = None, **sizes: Any) -> None:
    """Checks a class against the contract of discriminators; see `check_generator`."""
    demand("discriminator", value, options, sizes)


def check_objective(objective: Objective | SetObjective) -> None:
    """Checks the losses of an objective.

    Raises:
        AssertionError: a check fails; the message has a line for each.
    """
    complain([one for one in objective_checks(objective) if one.problem])


def check_optimizer(value: type[Optimizer], options: Mapping[str, Value] | None = None) -> None:
    """Checks the steps of an optimizer, the effect of the learning rate, and the saved state.

    Args:
        value: the class.
        options: options of its constructor.

    Raises:
        AssertionError: a check fails; the message has a line for each.
    """
    complain([one for one in optimizer_checks(parts.hand_over("optimizer", value), options) if one.problem])


def check_schedule(function: Callable[[float], float]) -> None:
    """Checks the factors of a schedule; see `check_objective`."""
    complain([one for one in schedule_checks(parts.hand_over("schedule", function)) if one.problem])


def check_metric(metric: Metric) -> None:
    """Checks the values of a metric on random images; see `check_objective`."""
    complain([one for one in metric_checks(metric) if one.problem])


def demand(kind: Kind, value: type[nn.Module], options: Mapping[str, Value] | None, sizes: dict[str, Any]) -> None:
    """Runs the checks of a network, and raises what they find as an AssertionError."""
    contract = Contract(kind, value, options, NetworkConfig(**sizes), exporter=onnx_exporter())
    complain([one for one in contract.run() if one.problem])


def complain(found: list[Check]) -> None:
    """Raises an AssertionError with a line for each problem, if there are any."""
    if found:
        raise AssertionError("\n".join(f"{one.name}: {one.problem}" for one in found))

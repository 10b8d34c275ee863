"""Checks of a person's own parts against the contract of the package's parts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from pocketgan.api.part_checks import objective_checks
from pocketgan.base.errors import ConfigError, PocketganError, UserError
from pocketgan.config import parts
from pocketgan.config.code import load_code
from pocketgan.config.parts import Kind, Value
from pocketgan.config.recipes import recipe
from pocketgan.config.sections import NetworkConfig, RunConfig
from pocketgan.images.sets import Pixels
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
    """Checks the networks, objectives and recipes of a file.

    Networks that a recipe of the file uses are checked with the recipe's options and sizes, and others with the default
    ones. A class that is neither a generator nor a discriminator, such as a layer, gets a remark. It is passed over if
    a sound recipe says which networks count, and it is a problem if it is named or nothing else is there to check.

    Args:
        path: the file, which is run.
        name: the only class, objective or recipe to check; None for all.

    Returns:
        A report for each part.

    Raises:
        UserError: the file can't be loaded, or there is nothing to check in it.
    """
    code = load_code(path)
    assert code.path is not None
    file = code.path.name
    chosen = [name] if name else code.names()
    reports: dict[tuple[Kind, str], Report] = {}
    for one in chosen:
        if parts.looks_like("recipe", code, one):
            for report in check_recipe(f"{file}:{one}"):
                reports[report.kind, report.name] = report
    for one in chosen:
        value, full = code.attribute(one, "code"), f"{file}:{one}"
        if parts.looks_like("objective", code, one):
            reports["objective", full] = Report("objective", full, list(objective_checks(value)))
        elif parts.looks_like("generator", code, one) and not any(known == full for _, known in reports):
            report = check_network(value, full)
            sound = any(one.kind == "recipe" and not one.problems for one in reports.values())
            if report.fits or not sound:
                reports[report.kind, full] = report
    if name is None and any(report.fits for report in reports.values()):
        reports = {key: report if report.fits else report.remarked() for key, report in reports.items()}
    if not reports:
        raise UserError("nothing to check", field="file", file=path)
    return list(reports.values())


def check_recipe(name: str) -> Iterator[Report]:
    """Checks a recipe, and the networks of one's own that it uses."""
    try:
        config = recipe(name)
    except PocketganError as error:
        yield Report("recipe", name, [Check("returns a configuration", error.reason)])
        return
    yield Report("recipe", name, [Check("returns a configuration")])
    options = {"generator": config.network.generator_options, "discriminator": config.network.discriminator_options}
    for kind in ("generator", "discriminator"):
        if kind in config.parts:
            part = parts.get(kind, config.name_of(kind))
            contract = Contract(
                kind, part.value, options[kind], config.network, config.data.pixel_range, onnx_exporter()
            )
            yield Report(kind, part.name, list(contract.run()))


def check_network(value: type[nn.Module], name: str) -> Report:
    """Checks a class as the generator or the discriminator that it is; one that is neither doesn't fit."""
    failed = []
    for kind in ("generator", "discriminator"):
        try:
            checks = list(Contract(kind, value, exporter=onnx_exporter()).run())
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


def demand(kind: Kind, value: type[nn.Module], options: Mapping[str, Value] | None, sizes: dict[str, Any]) -> None:
    """Runs the checks of a network, and raises what they find as an AssertionError."""
    contract = Contract(kind, value, options, NetworkConfig(**sizes), exporter=onnx_exporter())
    complain([one for one in contract.run() if one.problem])


def complain(found: list[Check]) -> None:
    """Raises an AssertionError with a line for each problem, if there are any."""
    if found:
        raise AssertionError("\n".join(f"{one.name}: {one.problem}" for one in found))

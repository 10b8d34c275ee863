"""Metrics of one's own in a study: what its files say of them, and the metrics that its names stand for."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from pocketgan.base.errors import ConfigError
from pocketgan.config import parts

if TYPE_CHECKING:
    from pocketgan.metrics.metric import Metric


class OwnMetric(BaseModel):
    """What a study stores of a metric of one's own, so that it can be read without the metric's code.

    Attributes:
        part: the part that it is, such as `my_gan.py:sharpness`.
        title: its title.
        better: its better direction; None if the best value lies in between.
        ideal: that best value, if it is the same for all data.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    part: str
    title: str
    better: Literal["lower", "higher"] | None = None
    ideal: float | None = None


def with_own_metrics(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the fields of a study with the names that metrics have in files instead of parts and objects.

    `metric="my_gan.py:sharp"` becomes `metric="sharpness"`, and `own_metrics` then says what `sharpness` is.

    Raises:
        ConfigError: there is no such part, it isn't a metric, or two metrics have the same name.
    """
    results = dict(values)
    own: dict[str, Any] = dict(results.get("own_metrics") or {})

    def key_of(field: str, one: Any) -> Any:
        """Returns the name of a metric in files; what isn't a metric of one's own unchanged."""
        named = isinstance(one, str)
        if (named and one in (*parts.BUILT_IN["metric"], *own)) or not (named or parts.is_metric(one)):
            return one
        found = parts.find("metric", parts.name_of("metric", one))
        if found is None:
            if ":" in one:
                raise parts.unknown("metric", one)
            return one
        from pocketgan.metrics.registry import RESERVED

        _, metric = found.facts, found.value
        stored = OwnMetric(part=found.name, title=metric.title, better=metric.better, ideal=metric.ideal).model_dump()
        taken = metric.name in RESERVED or metric.name in parts.BUILT_IN["metric"]
        if taken or own.get(metric.name, stored) != stored:
            raise ConfigError("metric twice", field=field, name=metric.name)
        own[metric.name] = stored
        return metric.name

    if "metric" in results:
        results["metric"] = key_of("metric", results["metric"])
    if isinstance(results.get("metrics"), list):
        results["metrics"] = [key_of("metrics", one) for one in results["metrics"]]
    return results | ({"own_metrics": own} if own else {})


def metrics_of(own: Mapping[str, OwnMetric]) -> "dict[str, Metric]":
    """Returns all metrics that a study can name, by their names in files.

    Args:
        own: those of one's own.

    Raises:
        ConfigError: the code of one isn't there.
    """
    from pocketgan.metrics.registry import METRICS

    return METRICS | {name: parts.get("metric", one.part).value for name, one in own.items()}

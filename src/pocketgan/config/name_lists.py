"""Settings that are lists of names, separated by commas: augmentations, and further metrics."""

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from pocketgan.base.errors import ConfigError, nearest
from pocketgan.config import parts
from pocketgan.config.data_section import check_list, join_list, split

AUGMENTATIONS = ("translation", "rotation", "cutout")


def _check_augment(text: str) -> str:
    if text in ("none", "auto"):
        return text
    for name in split(text):
        if name in ("none", "auto"):
            raise ConfigError("stands alone", name=name)
        if name not in AUGMENTATIONS:
            known = ", ".join(["none", "auto", *AUGMENTATIONS])
            raise ConfigError("no augmentation", name=repr(name), hint=nearest(name, AUGMENTATIONS), known=known)
    return check_list(text)


AugmentList = Annotated[str, BeforeValidator(join_list), AfterValidator(_check_augment)]


def _name_metrics(value: Any) -> Any:
    """Returns names of metrics, separated by commas; objects among them are handed over."""
    several = split(value) if isinstance(value, str) else value if isinstance(value, list | tuple) else [value]
    return ",".join(parts.name_of("metric", one) for one in several)


MetricList = Annotated[str, BeforeValidator(_name_metrics), AfterValidator(check_list)]

"""Old files to today's settings, so that what an older version saved opens for ever.

Every file that holds settings says its format: a run's `config.json`, a checkpoint's header, an exported model, a
study's `study.json`. A setting that is renamed, removed or given another meaning raises `FORMAT` and adds a function
below; a file of an older format goes through them one after the other when it is read. `tests/old_runs/` holds files
of older formats.
"""

import copy
import re
from collections.abc import Callable, Mapping
from typing import Any

FORMAT = 4
"""The format of the settings that this version writes."""

Values = dict[str, Any]


RENAMED: dict[str, tuple[str, dict[str, Any]]] = {
    "discriminator_update": (
        "discriminator_batches",
        {"joint": "concatenated", "halves": "separate", "two_updates": "two-step"},
    ),
    "generator_update": ("reuse_fake_batch", {"fresh": False, "shared": True}),
    "hold": ("decay_start", {}),
    "initialisation": ("weight_init", {}),
    "mismatch": ("mismatched_label_weight", {}),
    "order": ("sampling", {"shuffled": "epoch"}),
    "penalty_share": ("penalty_batch_fraction", {}),
    "pixels": ("pixel_range", {}),
    "tick_every": ("log_every", {}),
}
"""By the names that settings had until format 2: today's, and today's words for their values."""


def known_format(found: object) -> int | None:
    """Returns a file's format as a number; None where this version doesn't read it. Checkpoints have it as text."""
    text = found if isinstance(found, str) else str(found) if type(found) is int else ""
    return int(text) if text.isascii() and text.isdecimal() and 1 <= int(text) <= FORMAT else None


def upgrade(values: Mapping[str, Any], number: int) -> Values:
    """Returns the settings of a file of an older format as today's.

    Args:
        values: sections of fields, as in `config.json`, not yet checked; what isn't there is left to the check.
        number: the file's format.
    """
    upgraded = copy.deepcopy(dict(values))
    for older in range(number, FORMAT):
        UPGRADES[older](upgraded)
    return upgraded


def as_of(values: Mapping[str, Any], number: int) -> Values:
    """Returns today's settings as a file of an older format would give them back: what it lacked has its old meaning.

    Args:
        values: sections of fields, complete.
        number: the format.
    """
    older = copy.deepcopy(dict(values))
    for later in range(number + 1, FORMAT + 1):
        for section, names in NEW_FIELDS[later].items():
            for name in names:
                older[section].pop(name)
    return upgrade(older, number)


def _from_1(values: Values) -> None:
    """Format 1, version 0.1.0.

    Images were held out at random whatever their class, and every checkpoint was kept. `sample_every: none` wrote the
    last sample all the same, as `end` does. A recipe could have any name, also one that leaves the folder of runs.
    """
    sections = {name: values[name] for name in ("data", "train", "pictures") if isinstance(values.get(name), dict)}
    if "data" in sections:
        sections["data"].setdefault("validation_split", "random")
    if "train" in sections:
        sections["train"].setdefault("keep_checkpoints", "all")
        sections["train"].setdefault("threads", 0)
    if sections.get("pictures", {}).get("sample_every") == "none":
        sections["pictures"]["sample_every"] = "end"
    if isinstance(values.get("recipe"), str):
        values["recipe"] = re.sub(r"[^\w.-]", "-", values["recipe"]).lstrip("-.") or "unnamed"


def _from_2(values: Values) -> None:
    """Format 2: some settings had other names."""
    for fields in values.values():
        for old, (new, words) in RENAMED.items() if isinstance(fields, dict) else ():
            if old in fields:
                value = fields.pop(old)
                fields.setdefault(new, words.get(value, value) if isinstance(value, str) else value)


def _from_3(values: Values) -> None:
    """Format 3: data without a test split had none, and convolutional networks always had two stages."""
    sections = {name: values[name] for name in ("data", "network") if isinstance(values.get(name), dict)}
    if "data" in sections:
        sections["data"].setdefault("test", 0)
        sections["data"].setdefault("fold", 0)
    if "network" in sections:
        sections["network"].setdefault("stages", 2)


UPGRADES: dict[int, Callable[[Values], None]] = {1: _from_1, 2: _from_2, 3: _from_3}
"""By format: what makes its settings those of the next one, in place."""
NEW_FIELDS: dict[int, dict[str, tuple[str, ...]]] = {
    2: {"data": ("validation_split",), "train": ("keep_checkpoints", "replan")},
    3: {},
    4: {
        "data": (
            "size", "fit", "color", "background", "value_range", "channels_at", "orientation", "labels", "condition",
            "skip_damaged",
            "test", "fold", "balance",
        ),
        "network": ("stages",),
    },
}  # fmt: skip
"""By format: the fields that the one before didn't have, by section."""

"""The types of the settings as keywords."""

from typing import get_type_hints

import train_fields

from pocketgan.config.fields import ALIASES, FIELDS
from pocketgan.config.train_fields import TrainFields


def test_the_file_is_todays() -> None:
    assert train_fields.FILE.read_text(encoding="utf-8") == train_fields.content(), "run tools/train_fields.py"


def test_every_setting_and_every_other_name_has_a_type() -> None:
    hints = get_type_hints(TrainFields)
    assert set(hints) == {*FIELDS, *ALIASES, "seed"} - {"from"}
    assert hints["batch_size"] is int and hints["z_dim"] is int and hints["duration"] is str

"""Where a configuration's data lies."""

from pathlib import Path

from pocketgan.config.data_section import HUB, PACKAGED, DataConfig
from pocketgan.config.translating import NONE


def named(data: str) -> bool:
    """Returns whether data has a name instead of a path: in the package, of the Hub, or none at all."""
    return data in (*PACKAGED, NONE) or data.startswith(HUB)


def located(config: DataConfig) -> DataConfig:
    """Returns the configuration with absolute paths of the data, its pairs, its labels and its target domain."""
    if len(config.sources) > 1 and not named(config.to):
        config = config.model_copy(update={"to": str(Path(config.to).expanduser().absolute())})
    if named(config.data):
        return config
    path = Path(config.data).expanduser().absolute()
    tables = {name: getattr(config, name) for name in ("labels", "condition")}
    for name, table in tables.items():
        for file in (table, table.rpartition(":")[0]):  # With and without a column.
            if table not in ("auto", "none") and file and Path(file).expanduser().is_file():
                tables[name] = str(Path(file).expanduser().absolute()) + table[len(file) :]
                break
    pairs = config.pairs if config.pairs == "none" else str(path)
    return config.model_copy(update={"data": str(path), "pairs": pairs, **tables})

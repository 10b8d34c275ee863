"""Where a configuration's data lies."""

from pathlib import Path

from pocketgan.config.data_section import HUB, PACKAGED, DataConfig


def located(config: DataConfig) -> DataConfig:
    """Returns the configuration with absolute paths of the data, its pairs and its labels."""
    if config.data in PACKAGED or config.data.startswith(HUB):
        return config
    path = Path(config.data).expanduser().absolute()
    tables = {name: getattr(config, name) for name in ("labels", "condition")}
    for name, table in tables.items():
        if table not in ("auto", "none") and Path(table).expanduser().is_file():
            tables[name] = str(Path(table).expanduser().absolute())
    pairs = config.pairs if config.pairs == "none" else str(path)
    return config.model_copy(update={"data": str(path), "pairs": pairs, **tables})

"""Where a configuration's data lies."""

from pathlib import Path

from pocketgan.config.sections import HUB, PACKAGED, DataConfig


def located(config: DataConfig) -> DataConfig:
    """Returns the configuration with absolute paths of the data, its pairs and its labels."""
    if config.data in PACKAGED or config.data.startswith(HUB):
        return config
    path = Path(config.data).expanduser().absolute()
    labels = config.labels
    if labels not in ("auto", "none") and Path(labels).expanduser().is_file():
        labels = str(Path(labels).expanduser().absolute())
    pairs = config.pairs if config.pairs == "none" else str(path)
    return config.model_copy(update={"data": str(path), "labels": labels, "pairs": pairs})

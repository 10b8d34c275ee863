"""Inception-v3 from torch-fidelity, for the feature space `inception`."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from pocketgan.base.errors import DataError

BATCH = 50
FEATURES = "2048"


def inception_features(weights: str | Path | None) -> tuple[Callable[[Tensor], Tensor], dict[str, Tensor]]:
    """Loads the network of the usual FID: the TensorFlow port of Inception-v3 (Heusel et al. 2017).

    Args:
        weights: a file of torch-fidelity's weights, or None to let torch-fidelity download them.

    Returns:
        A function from uint8 images (N, C, H, W), gray or RGB, to features (N, 2048), and the weights by name.

    Raises:
        DataError: torch-fidelity isn't installed, or the file can't be read.
    """
    if weights is not None:
        check_weights(Path(weights))
    try:
        from torchmetrics.image.fid import NoTrainInceptionV3

        network = NoTrainInceptionV3(
            name="inception-v3-compat",
            features_list=[FEATURES],
            feature_extractor_weights_path=None if weights is None else str(weights),
        )
    except ModuleNotFoundError:
        raise DataError("no torch-fidelity", field="features") from None
    except (OSError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError("no inception weights", field="features", why=reason) from None
    network.eval()

    @torch.no_grad()
    def embed(images: Tensor) -> Tensor:
        colours = images if images.shape[1] == 3 else images.expand(-1, 3, -1, -1)
        return torch.cat([network(piece).reshape(len(piece), -1) for piece in colours.split(BATCH)])

    return embed, dict(network.state_dict())


def check_weights(path: Path) -> None:
    """Checks that a file contains only tensors, so that loading it can't run code.

    Raises:
        DataError: the file has other contents, or can't be read.
    """
    try:
        result = torch.load(path, map_location="meta", weights_only=True)
    except OSError as error:
        raise DataError("unreadable", field="inception_weights", path=path, why=error.strerror) from None
    except Exception as error:  # The unpickler raises many kinds of errors on a damaged file.
        reason = str(error).partition("\n")[0]
        raise DataError("no weights file", field="inception_weights", path=path, why=reason) from None
    if not isinstance(result, dict) or not all(isinstance(value, Tensor) for value in result.values()):
        raise DataError("weights without names", field="inception_weights", path=path)

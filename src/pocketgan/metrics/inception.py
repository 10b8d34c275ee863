"""Inception-v3 as torch-fidelity keeps it, behind the feature space `inception`."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from pocketgan.base.errors import DataError

BATCH = 50
FEATURES = "2048"


def inception_features(weights: str | Path | None) -> tuple[Callable[[Tensor], Tensor], dict[str, Tensor]]:
    """Loads the network that "FID" stands for: the TensorFlow port of Inception-v3 (Heusel et al. 2017).

    Args:
        weights: a file of torch-fidelity's weights, or None to let it download them.

    Returns:
        From uint8 images (N, C, H, W), grey or RGB, to features (N, 2048); and the weights by name.

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
        raise DataError(
            "'inception' needs torch-fidelity; pip install 'pocketgan[inception]'", field="features"
        ) from None
    except (OSError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(
            "Inception's weights can't be had ({reason}); give --inception-weights", field="features", reason=reason
        ) from None
    network.eval()

    @torch.no_grad()
    def embed(images: Tensor) -> Tensor:
        colours = images if images.shape[1] == 3 else images.expand(-1, 3, -1, -1)
        return torch.cat([network(piece).reshape(len(piece), -1) for piece in colours.split(BATCH)])

    return embed, dict(network.state_dict())


def check_weights(path: Path) -> None:
    """Checks that a file holds tensors alone, so that loading it can run no code.

    Raises:
        DataError: it doesn't, or can't be read.
    """
    try:
        result = torch.load(path, map_location="meta", weights_only=True)
    except OSError as error:
        raise DataError(
            "{path} can't be read: {strerror}", field="inception_weights", path=path, strerror=error.strerror
        ) from None
    except Exception as error:  # The unpickler raises whatever a damaged file leads it to.
        reason = str(error).partition("\n")[0]
        raise DataError(
            "{path} is no file of weights ({reason})", field="inception_weights", path=path, reason=reason
        ) from None
    if not isinstance(result, dict) or not all(isinstance(value, Tensor) for value in result.values()):
        raise DataError(
            "{path} holds no named weights; torch-fidelity's file would do", field="inception_weights", path=path
        )

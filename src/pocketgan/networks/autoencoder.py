"""Generator for image-to-image translation: a fully connected autoencoder."""

from jaxtyping import Float
from torch import Tensor, nn

from pocketgan.config.sections import NetworkConfig
from pocketgan.networks.layers import Dropout, ImageShape, as_images, generator_activation, output_activation, scaled


class AutoencoderGenerator(nn.Module):
    """Autoencoder: an image → `depth` dense layers halving from twice `hidden_dim`, then doubling again → an image.

    Dropout follows every hidden layer except the middle one. With `hidden_dim` 256 and depth 5, the widths are 512,
    256, 128, 64, 32, 64, …, 512.
    """

    reads_images = True

    def __init__(self, config: NetworkConfig, shape: ImageShape, pixels: str) -> None:
        super().__init__()
        down = [scaled(max(1, 2 * config.hidden_dim // 2**layer), config) for layer in range(config.depth)]
        widths = down + down[-2::-1]
        layers: list[nn.Module] = []
        features = shape.pixels
        for index, width in enumerate(widths):
            layers += [nn.Linear(features, width), generator_activation(config)]
            if index != config.depth - 1:
                layers.append(Dropout(config.dropout))
            features = width
        layers += [nn.Linear(features, shape.pixels), output_activation(pixels)]
        self.layers = nn.Sequential(*layers)
        self.shape = shape

    def forward(self, images: Float[Tensor, "n c h w"], labels: Tensor | None = None) -> Float[Tensor, "n c h w"]:
        return as_images(self.layers(images.flatten(1)), self.shape)

"""The result of an image-to-image translation."""

from dataclasses import dataclass
from pathlib import Path

from pocketgan.images.grids import Images, make_folder, save_picture, to_picture


@dataclass(frozen=True)
class Translation:
    """Translated images, which a notebook displays as pairs of input and output.

    Attributes:
        pairs: each input, and its output to the right of it.
        inputs, outputs: uint8 images [0, 255], shape (N, C, H, W).
    """

    pairs: Images
    inputs: Images
    outputs: Images

    def __len__(self) -> int:
        return len(self.outputs)

    def __repr__(self) -> str:
        count, channels, height, width = self.outputs.images.shape
        return f"Translation({count} of {channels}×{height}×{width})"

    def _repr_png_(self) -> bytes:
        return self.pairs._repr_png_()

    def save(self, folder: str | Path) -> Path:
        """Writes `side_by_side.png`, and each input and output as a picture, into a folder.

        Returns:
            The path of `side_by_side.png`.

        Raises:
            RunError: the folder can't be created.
            StorageError: a file can't be written.
        """
        out = Path(folder)
        make_folder(folder, out)
        digits = max(4, len(str(len(self) - 1)))
        for name, images in (("input", self.inputs), ("output", self.outputs)):
            for index, image in enumerate(images.images):
                save_picture(to_picture(image.transpose(1, 2, 0)), out / f"{name}_{index:0{digits}d}.png")
        save_picture(self.pairs.picture(), out / "side_by_side.png")
        return out / "side_by_side.png"

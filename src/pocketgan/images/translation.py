"""The result of an image-to-image translation."""

import re
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from pocketgan.base.errors import RunError
from pocketgan.base.files import write_atomically
from pocketgan.base.messages import Problem
from pocketgan.images.grids import Images, make_folder, save_picture, to_picture

PICTURE = re.compile(r"(input|output)_\d+.*\.png")
"""Names of pictures that `save` writes."""
LONGEST_NAME = 40
"""Characters of a class's name in the name of a file, at most."""
NOT_IN_NAMES = re.compile(r"[^\w-]+")
"""What names of classes may have, and names of files may not."""


@dataclass(frozen=True)
class Translation:
    """Translated images, which a notebook displays as pairs of input and output.

    Attributes:
        pairs: each input, and its output to the right of it.
        inputs, outputs: uint8 images [0, 255], shape (N, C, H, W).
        targets: the known targets of the inputs; None if there are none, as for single pictures.
        labels: the classes of the inputs, int64 (N,), as indices into `class_names`; None if they aren't known.
        class_names: the names of the classes.
        requested: of translation between classes, the class of each output, int64 (N,), as `labels`; or of mixtures the
            weights of all classes, float32 (N, K); otherwise None.
        notes: of photos, what was done to each of them.
        each: the number of outputs of an input, one after the other; the input is repeated as often.
    """

    pairs: Images
    inputs: Images
    outputs: Images
    targets: Images | None = None
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] = ()
    requested: np.ndarray | None = None
    notes: tuple[Problem, ...] = ()
    each: int = 1

    def __len__(self) -> int:
        return len(self.outputs)

    def __repr__(self) -> str:
        count, channels, height, width = self.outputs.images.shape
        return f"Translation({count} of {channels}×{height}×{width})"

    def _repr_png_(self) -> bytes:
        return self.pairs._repr_png_()

    def save(self, folder: str | Path) -> Path:
        """Writes `side_by_side.png`, and each input and output as a picture, into a folder; or all into an .npz file.

        Names of outputs end in their class, if one was requested: `output_0003_7.png`. The .npz file holds `inputs`,
        `images` (the outputs), and `labels`, `requested`, `class_names` and `targets` where they are known.

        Args:
            folder: the folder, or a file whose name ends in `.npz`.

        Returns:
            The path of `side_by_side.png`, or the file.

        Raises:
            RunError: the folder can't be created, or has pictures of an earlier call that would lie among the new ones.
            StorageError: a file can't be written.
        """
        out = Path(folder)
        if out.suffix.lower() == ".npz":
            return self._save_arrays(out)
        make_folder(folder, out)
        digits, classes = max(4, len(str(len(self) - 1))), self._endings()
        pictures: dict[str, np.ndarray] = {}
        for index, (given, made) in enumerate(zip(self.inputs.images, self.outputs.images, strict=True)):
            number = f"{index // self.each:0{digits}d}"
            pictures |= {f"input_{number}.png": given, f"output_{number}{classes[index]}.png": made}
        others = [one.name for one in out.iterdir() if PICTURE.fullmatch(one.name) and one.name not in pictures]
        if others:
            raise RunError("other pictures", field="out", folder=folder, count=len(others), name=min(others))
        for name, image in pictures.items():
            save_picture(to_picture(image.transpose(1, 2, 0)), out / name)
        save_picture(self.pairs.picture(), out / "side_by_side.png")
        return out / "side_by_side.png"

    def _endings(self) -> list[str]:
        """Returns how each output's file name ends: with the requested class, by its name, or else by its number."""
        if self.requested is None or self.requested.ndim > 1:
            return [""] * len(self)
        names = ["_" + NOT_IN_NAMES.sub("-", name) for name in self.class_names]
        fits = len({name.casefold() for name in names}) == len(names) and max(map(len, names)) <= LONGEST_NAME
        names = names if fits else [f"_{place}" for place in range(len(names))]
        return [names[label] for label in self.requested.tolist()]

    def _save_arrays(self, path: Path) -> Path:
        arrays: dict[str, np.ndarray] = {"inputs": self.inputs.images, "images": self.outputs.images}
        classes = {"labels": self.labels, "requested": self.requested}
        known = {name: values for name, values in classes.items() if values is not None}
        if known:
            arrays |= known | {"class_names": np.array(self.class_names)}
        if self.targets is not None:
            arrays["targets"] = self.targets.images
        make_folder(path, path.parent)
        buffer = BytesIO()
        np.savez_compressed(buffer, **arrays)  # pyright: ignore[reportArgumentType]
        write_atomically(path, buffer.getvalue(), durable=False)
        return path

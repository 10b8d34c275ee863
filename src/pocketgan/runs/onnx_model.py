"""A generator that is an ONNX file, run by onnxruntime: of an exported model without its code, or of any other tool."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from pocketgan.base.errors import ModelError, RunError
from pocketgan.images.sets import Pixels

INPUTS = {"latents", "source"}
"""Names of the first input of a file that `pocketgan export` wrote."""
VALUES = "values"
"""Name of its output with values in [0, 1]."""


class Signature(NamedTuple):
    """The inputs and outputs of a file.

    Attributes:
        inputs, outputs: their names.
        shape: the shape of the first input; None where it varies.
    """

    inputs: list[str]
    outputs: list[str]
    shape: Sequence[int | str | None]


class OnnxGenerator(nn.Module):
    """A generator with the signature of the package's networks: (z or images, labels) → images (N, C, H, W).

    Args:
        content: the ONNX file. Running it runs no Python code.
        pixels: the range of the images that it returns, `signed` or `unit`.

    Raises:
        ModelError: onnxruntime isn't installed, or can't read the file.
    """

    def __init__(self, content: bytes, pixels: Pixels) -> None:
        super().__init__()
        self.session = open_session(content)
        self.pixels = pixels
        inputs, outputs = self.session.get_inputs(), self.session.get_outputs()
        self.signature = Signature([one.name for one in inputs], [one.name for one in outputs], inputs[0].shape)
        self.placeholder = nn.Parameter(torch.zeros(()), requires_grad=False)  # Tells the device, which is the CPU.

    def forward(self, given: Tensor, labels: Tensor | None = None) -> Tensor:
        """Runs the file: latents (N, width) or images (N, C, H, W), and labels, give images (N, C, H, W).

        Labels are classes (N,), or numbers (N, D) if the file reads those.

        Raises:
            RunError: the labels are a mixture, and the file reads classes.
        """
        names, outputs, shape = self.signature
        if len(shape) == 4 and given.ndim == 2:
            given = given[:, :, None, None]
        feeds = {names[0]: given.numpy()}
        if len(names) > 1 and labels is not None:
            if labels.is_floating_point() and "float" not in self.session.get_inputs()[1].type:
                raise RunError("no mixture in file", field="label")
            feeds[names[1]] = labels.numpy()
        ours = VALUES in outputs and names[0] in INPUTS
        (images,) = self.session.run([VALUES if ours else outputs[0]], feeds)
        values = torch.from_numpy(images)
        return values * 2 - 1 if ours and self.pixels == "signed" else values


def open_session(content: bytes, field: str = "model") -> Any:
    """Opens an ONNX file on the CPU.

    Args:
        content: the file.
        field: the argument that names it, for errors.

    Raises:
        ModelError: onnxruntime isn't installed, or can't read the file.
    """
    try:
        import onnxruntime
    except ImportError:
        raise ModelError("no onnxruntime", field=field) from None
    try:
        return onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    except Exception as error:  # Its exceptions have no common base class.
        raise ModelError("no onnx file", field=field, why=str(error).splitlines()[0][:200]) from None

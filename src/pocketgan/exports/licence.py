"""The licence of the data that a model was trained on."""

from dataclasses import dataclass

from pocketgan.config.sections import PACKAGED, DataConfig

MNIST = """\
This model was trained on the MNIST database of handwritten digits, by Y. LeCun, C. Cortes and C. J. C. Burges
(http://yann.lecun.com/exdb/mnist/). MNIST is distributed under the Creative Commons Attribution-ShareAlike 3.0 licence,
CC BY-SA 3.0: https://creativecommons.org/licenses/by-sa/3.0/

None of its images is in this folder. The card, README.md, names the same licence for the model, which is the cautious
reading of "share alike"; whoever publishes the model decides.
"""
UNKNOWN = """\
This model was trained on images called '{source}'. Pocketgan doesn't know who made them, under which licence they are,
and whether a model of them may be published: that is for whoever publishes it to state.

Write it here, and put the licence's identifier (https://huggingface.co/docs/hub/repositories-licenses) after 'license:'
at the top of README.md.
"""


@dataclass(frozen=True)
class Licence:
    """What is known of the data's licence.

    Attributes:
        identifier: as the Hugging Face Hub writes it.
        dataset: the data set's name on the Hub, or None.
        text: what `LICENSE-DATA` says.
    """

    identifier: str
    dataset: str | None
    text: str


def licence_of(data: DataConfig) -> Licence:
    """Returns what is known of the licence of the data: of MNIST's, stacked or not; others are the user's to state."""
    if data.data in PACKAGED:
        return Licence("cc-by-sa-3.0", "ylecun/mnist", MNIST)
    return Licence("unknown", None, UNKNOWN.format(source=data.data.removeprefix("./")))

"""The license of the data that a model was trained on."""

from dataclasses import dataclass

from pocketgan.config.data_section import PACKAGED, DataConfig

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
    """Information on the license of the data.

    Attributes:
        identifier: the identifier used by the Hugging Face Hub.
        dataset: the name of the dataset on the Hub, or None.
        text: the content of `LICENSE-DATA`.
    """

    identifier: str
    dataset: str | None
    text: str


def licence_of(data: DataConfig) -> Licence:
    """Returns the license of the data: that of MNIST, stacked or not; for other data, the user must state it."""
    others = [source for source in data.sources if source not in PACKAGED]
    if not others:
        return Licence("cc-by-sa-3.0", "ylecun/mnist", MNIST)
    return Licence("unknown", None, UNKNOWN.format(source="' and '".join(one.removeprefix("./") for one in others)))

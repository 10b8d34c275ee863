"""The section of the configuration that says which images are read, how, and how they are fed."""

import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from pocketgan.base.errors import ConfigError
from pocketgan.config.translating import CLASSES, NONE, Task, settle_pairs

PACKAGED = ("mnist", "stacked-mnist")
"""Data that is in the package, by the name that `data` takes."""
HUB = "hf:"
"""Prefix of the names of data sets of the Hugging Face Hub."""


class Section(BaseModel):
    """A part of the configuration: frozen, and closed to unknown fields."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False, strict=False
    )

    def __hash__(self) -> int:
        return hash(self.model_dump_json())


def join_list(value: Any) -> Any:
    """Lets Python callers pass a number or a list where the command line passes `0,1,7`."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, list | tuple):
        return ",".join(str(item) for item in value)
    return value


def split(text: str) -> list[str]:
    """Returns the items of a comma-separated list, without blanks and empty ones."""
    return [item.strip() for item in text.split(",") if item.strip()]


def check_list(text: str) -> str:
    """Returns a list of names without blanks and repetitions; raises `ConfigError` for an empty one."""
    if not split(text):
        raise ConfigError("empty list")
    return ",".join(dict.fromkeys(split(text)))


def check_color(text: str) -> str:
    """Returns a color unchanged; raises `ConfigError` for what is none."""
    if text in ("white", "black"):
        return text
    from PIL import ImageColor

    try:
        ImageColor.getrgb(text)
    except ValueError:
        raise ConfigError("no color", text=repr(text)) from None
    return text


def check_range(text: str) -> str:
    """Returns a range of values unchanged; raises `ConfigError` for what is none."""
    try:
        black, white = (0.0, 1.0) if text == "auto" else map(float, text.split(":"))
    except ValueError:
        raise ConfigError("no range", text=repr(text)) from None
    if not -math.inf < black < white < math.inf:
        raise ConfigError("no range", text=repr(text))
    return text


NameList = Annotated[str, BeforeValidator(join_list), AfterValidator(check_list)]


class DataConfig(Section):
    """Which images, and how they are fed."""

    _settle = model_validator(mode="before")(settle_pairs)

    data: str = "mnist"
    """`mnist` (in the package), `stacked-mnist` (three of its digits as red, green and blue; 1,000 classes), or your
    own images. These are a folder of pictures whose sub-folders are classes, an .npz, .npy, .csv or IDX file, a folder
    of such files, or `hf:NAME` for a data set of the Hugging Face Hub. `pocketgan look DATA` shows what is read."""
    size: Annotated[int, Field(ge=4, le=256)] | Literal["auto"] = "auto"
    """Side of the images in pixels. `auto`: that of square images up to 128; others get 16, 28, 32 or 64."""
    fit: Literal["crop", "pad", "stretch"] = "crop"
    """How pictures of another shape become square: their middle (`crop`), all of them with a margin (`pad`), or
    distorted (`stretch`)."""
    color: Literal["auto", "gray", "rgb"] = "auto"
    """`gray` or `rgb`. `auto`: gray if all pictures are gray, also those saved in color."""
    background: Annotated[str, AfterValidator(check_color)] = "white"
    """Color behind transparent pictures and around padded ones: `white`, `black`, another name, or `#rrggbb`."""
    value_range: Annotated[str, AfterValidator(check_range)] = "auto"
    """Values of black and white in arrays and pictures, such as `0:1`, `-1:1`, `0:255` or `0:16`. `auto` recognizes
    them, and asks where two readings are possible."""
    channels_at: Literal["auto", "first", "last", "none"] = "auto"
    """Where arrays have their channels: (N, C, H, W) (`first`), (N, H, W, C) (`last`) or nowhere, (N, H, W) (`none`).
    `auto` recognizes it, and asks where two readings are possible."""
    orientation: Literal["auto", "upright", "transposed"] = "auto"
    """Whether the images are stored `upright` or `transposed`. `auto`: transposed in IDX and CSV files whose names say
    EMNIST."""
    labels: str = "auto"
    """A CSV, TSV, JSON or JSON lines file with the labels of a folder's pictures; with several columns,
    `FILE:COLUMN`. `auto`: sub-folders, or such a file beside the pictures that names them; in other data, its own
    labels. `none`: no labels."""
    condition: str = "none"
    """A CSV or TSV file of numbers that describe each image, such as the thickness of its strokes: a column of file
    names and one for each number, or a row for each image in order. Both networks receive the numbers."""
    skip_damaged: bool = False
    """Whether pictures that can't be read are passed over and counted; otherwise they are an error."""
    classes: NameList = "all"
    """Train only on these classes: `8`, or `0,1,7`; `all` for all."""
    pixel_range: Literal["signed", "unit"] = "signed"
    """Range of the pixels that the networks see: `signed` for [-1, 1] (the generator ends in tanh), `unit` for [0, 1]
    (it ends in a sigmoid)."""
    sampling: Literal["epoch", "replacement"] = "epoch"
    """`epoch`: each image once per epoch. `replacement`: every batch is sampled from all images."""
    balance: bool = False
    """Whether training uses all classes equally often, however many images they have. Generated images are still
    evaluated with the frequencies of the data."""
    target: Literal["same", "inverted"] = "same"
    """What the discriminator sees as real: the images (`same`), or the images `inverted` (dark on white)."""
    task: Task = "none"
    """Image-to-image: what makes each pair of input and target from an image. `invert`: dark on white; `denoise`:
    noise; `upscale`: half the resolution; `inpaint`: a hidden quarter; `colorize`: gray to color; `edges`: outlines to
    the image; `thicken`: thicker strokes; `none`: no pairs are made."""
    pairs: str = "none"
    """Image-to-image: a folder of your own pairs, which replaces `data` and `task`: pictures with the same names in
    `input` and `target`, or pictures that hold both side by side, the input on the left."""
    to: str = "none"
    """Image-to-image without pairs: the images of the target domain, as for `data`; the generator learns to turn images
    of `data` into images like these. It replaces `task`. They get the size of the images of `data`. `classes`: the
    images of `data` themselves; the generator receives a class, and turns images of any class into images of that
    class. A folder of that name is `./classes`."""
    keep_class: bool = False
    """Image-to-image without pairs: whether the discriminator receives the class of each input, with target images of
    that class, so that outputs keep it. Both sides need labels with the same classes; translation itself needs none."""
    validation: int | float = Field(default=0, ge=0)
    """Size of the validation set, taken from the training split: a number (at most a fifth of the split is taken), or a
    fraction below 1. Data with a validation split uses that one. No validation set is made if it would have under 200
    images, or under 10 of your own that are held out by content."""
    validation_split: Literal["auto", "random", "stratified", "content"] = "auto"
    """How validation images are chosen: `random`, `stratified` (each class in proportion), or by their `content` (each
    class in proportion, and equal images are never in two splits). `auto`: content for your own data, random for the
    data in the package."""
    test: Annotated[int, Field(ge=0)] | Annotated[float, Field(ge=0)] | Literal["auto"] = "auto"
    """Size of the test set, taken from the training split of your own data without a test split: a number (at most a
    fifth of the split is taken), or a fraction below 1. `auto`: a tenth of at least 1,000 images, otherwise none.
    Only where images are held out by content."""
    fold: Annotated[int, Field(ge=0, le=4)] | Literal["auto"] = "auto"
    """Which of five parts of your own images is the validation set: 0 to 4. `auto`: by the seed if fewer than
    1,000 images are left for training, so that runs with different seeds hold out different ones; otherwise 0."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Where the images come from: `data`, and the target domain if it is other data."""
        return (self.data,) if self.to in (NONE, CLASSES) else (self.data, self.to)

    def of_target_domain(self, size: int) -> "DataConfig":
        """Returns the settings that read the target domain of translation without pairs: these, with all classes.

        Args:
            size: the side of the images of `data` in pixels, which the target domain gets.
        """
        if self.to == CLASSES:
            return self.model_copy(update={"to": NONE})
        own = {"labels": "none" if self.labels == "none" else "auto", "condition": "none", "classes": "all"}
        own["validation_split"] = "auto"  # A run holds what `auto` means for `data`, which can differ here.
        return self.model_copy(update={"data": self.to, "to": NONE, "keep_class": False, "size": size, **own})

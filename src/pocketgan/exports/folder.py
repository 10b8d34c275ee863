"""Export of a run into a self-contained folder."""

import hashlib
import json
from pathlib import Path
from typing import Literal, get_args

from torch import nn

from pocketgan.base.errors import DataError, ModelError
from pocketgan.base.files import write_atomically
from pocketgan.base.progress import Progress, work
from pocketgan.base.version import __version__
from pocketgan.config.data_section import PACKAGED
from pocketgan.config.fields import replace
from pocketgan.config.sections import RunConfig
from pocketgan.config.translating import CLASSES
from pocketgan.exports.card import Shipment, model_card
from pocketgan.exports.licence import licence_of
from pocketgan.exports.onnx import check_extra, check_onnx, onnx_file
from pocketgan.images.grids import Images, make_folder, picture_bytes
from pocketgan.images.pair_sets import pairs_in
from pocketgan.images.sets import load_images
from pocketgan.networks.summary import count
from pocketgan.runs.exported import CARD, LICENCE, ONNX, PICTURE, WEIGHTS, ExportedModel, Manifest, Origin
from pocketgan.runs.model import CONFIG
from pocketgan.runs.places import check_free
from pocketgan.runs.records import DataFacts
from pocketgan.runs.requests import drawn_conditions
from pocketgan.runs.run import Run
from pocketgan.runs.sampling import generate_images, in_rows, into_every_class, redraw_images, side_by_side
from pocketgan.runs.weights import build_with

Format = Literal["safetensors", "onnx", "all"]
FORMATS = get_args(Format)
PICTURED, PAIRS, ROWS = 64, 32, 10
"""Images in a sample picture: a number of images, of pairs of input and output, or of rows with all classes."""


def export_model(
    run: Run, out: str | Path, form: Format = "all", checkpoint: str | int = "auto", progress: Progress | None = None
) -> ExportedModel:
    """Exports a run's generator into a folder.

    All contents are computed before the first file is written. `config.json`, which marks the folder as a model, is
    written last.

    Args:
        run: the run to export.
        out: the folder, which must be empty or not exist yet.
        form: `safetensors` for Pocketgan, `onnx` for other programs, or `all` for both.
        checkpoint: `best`, `last` or a step; `auto` for the best checkpoint, or the last of a run without evaluations.
        progress: shows slow steps.

    Raises:
        UserError: there is no such checkpoint, the folder isn't empty, or an extra isn't installed.
        ExportFailed: the ONNX file doesn't generate the same images as PyTorch.
    """
    progress, folder = progress or Progress(quiet=True), Path(out)
    if form not in FORMATS:
        raise ModelError("not one of", field="format", value=form, hint="", known=", ".join(FORMATS))
    check_free(folder)
    if form != "safetensors":
        check_extra()
    weights = run.weights(checkpoint)
    network = build_with(run, weights)
    files: dict[str, bytes] = {} if form == "onnx" else {WEIGHTS: weights.to_bytes()}
    difference = None
    if form != "safetensors":
        progress.say(work("writing onnx"))
        files[ONNX] = onnx_file(network, run.config, run.facts)
        difference = check_onnx(files[ONNX], network, run.config, run.facts)
    config, facts = as_shipped(run)
    manifest = Manifest(
        pocketgan=__version__,
        config=config.model_dump(),
        data=facts,
        origin=Origin(step=weights.step, nimg=int(weights.counters["nimg"]), seconds=weights.counters["seconds"]),
        files={name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        code={name: content.decode(errors="replace") for name, content in run.config.code().items()},
    )
    picture, caption = sample_picture(run, network)
    if picture is not None:
        files[PICTURE] = picture_bytes(picture.picture())
    shipment = Shipment(
        run, config, facts, weights, folder.resolve().name, count(network), caption, WEIGHTS in files, difference
    )
    files[LICENCE] = licence_of(config.data).text.encode()
    files[CARD] = model_card(shipment).encode()
    files[CONFIG] = (json.dumps(manifest.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n").encode()
    write_folder(folder, files)
    return ExportedModel.open(folder)


def as_shipped(run: Run) -> tuple[RunConfig, DataFacts]:
    """Returns a run's configuration and facts without local paths: each is reduced to its last part.

    It begins with `./`, so it is never `mnist`, the name of the data in the package.
    """
    data = run.config.data
    paths = {"to": data.to, "labels": data.labels, "condition": data.condition}
    paths["initial_run"] = run.config.train.initial_run
    names = (*PACKAGED, "none", "auto", CLASSES)
    short = {name: f"./{Path(path).name}" for name, path in paths.items() if path not in names}
    if data.data in PACKAGED:
        return replace(run.config, **short) if short else run.config, run.facts
    name = f"./{Path(data.data).name}"
    config = replace(run.config, data=name, **({} if data.pairs == "none" else {"pairs": name}), **short)
    return config, run.facts.model_copy(update={"source": name})


def sample_picture(run: Run, network: nn.Module) -> tuple[Images | None, str]:
    """Returns images from the network and a caption, or None if it translates images that can't be read."""
    config, names = run.config, run.facts.class_names
    if config.reads_images:
        try:
            inputs = pairs_in(config.data, load_images(config.data, "test").part(slice(PAIRS))).inputs
        except DataError:
            return None, ""
        if config.changes_class:
            inputs, requested, each = into_every_class(inputs[:ROWS], len(names))
            what = "output for every class" if each > 1 else "output for a class, the classes in turn"
            caption = f"Images of the test split, each followed by the generator's {what}."
            return in_rows(inputs, redraw_images(network, config, inputs, requested), each), caption
        caption = f"The first {len(inputs)} images of the test split, each with the generator's output."
        return side_by_side(inputs, redraw_images(network, config, inputs)), caption
    classes = len(names) if config.network.conditional else 0
    many = classes * ROWS if 4 <= classes <= 20 else PICTURED
    conditions = drawn_conditions(run.facts, many, 0) if config.network.conditional else None
    made = generate_images(network, config, classes, count=many, seed=0, label=conditions)
    columns = ", each column of a class" if made.columns else ", all classes in turn" if classes else ""
    if conditions is not None:
        columns = ", with labels and numbers of training images"
    return made, f"The first {many} images of seed 0{columns}, not selected."


def write_folder(folder: Path, files: dict[str, bytes]) -> None:
    """Writes files into a folder in their order, and creates the folder.

    Raises:
        RunError: the folder can't be created.
        StorageError: a file can't be written.
    """
    make_folder(folder, folder)
    for name, content in files.items():
        write_atomically(folder / name, content)

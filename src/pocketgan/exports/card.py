"""The model card: `README.md` in the Hugging Face Hub's format, written from the run, with measured numbers only."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pocketgan.base.errors import RunError
from pocketgan.base.language import clock, speaking
from pocketgan.base.messages import restored
from pocketgan.base.version import __version__
from pocketgan.config.data_section import PACKAGED
from pocketgan.config.fields import differences, replace
from pocketgan.config.recipes import RECIPES
from pocketgan.config.sections import RunConfig
from pocketgan.config.translating import task_of
from pocketgan.experiment.watchdog_words import advice, evidence, title
from pocketgan.exports.card_text import class_names, colours, condition_scales, example_label, plain, prepared, table
from pocketgan.exports.licence import licence_of
from pocketgan.exports.onnx import BATCHES, OPSET
from pocketgan.metrics.evaluation import SPLITS
from pocketgan.metrics.registry import METRICS
from pocketgan.metrics.scores import stored_words
from pocketgan.metrics.words import short
from pocketgan.runs.exported import LICENCE, ONNX, PICTURE
from pocketgan.runs.model import Weights
from pocketgan.runs.records import BEST, DataFacts, Environment, read_object
from pocketgan.runs.run import Run

KNOWN = {
    "mnist": ("MNIST's handwritten digits", "MNIST, its training split"),
    "stacked-mnist": (
        "Stacked MNIST, three handwritten digits as red, green and blue",
        "Stacked MNIST, its training split",
    ),
}
"""The data in the package: its name in a sentence, and its name in the table."""
NOT_MEASURED = "Its quality was not measured."


@dataclass(frozen=True)
class Shipment:
    """Everything that a model card describes.

    Attributes:
        run: the run that trained the model.
        config: its configuration, as exported.
        facts: metadata of its data, as exported.
        weights: its weights.
        name: the name of the model, which is its folder's name.
        parameters: the number of its parameters.
        caption: the caption of the sample picture; empty without one.
        weights_file: whether the export contains a weights file that Pocketgan can load.
        difference: the largest difference between the ONNX file and PyTorch, where 1 is white; None without ONNX file.
    """

    run: Run
    config: RunConfig
    facts: DataFacts
    weights: Weights
    name: str
    parameters: int
    caption: str
    weights_file: bool
    difference: float | None


@dataclass(frozen=True)
class Measured:
    """Measurements of the model's quality.

    Attributes:
        figures: value, standard error and real-data baseline by metric; None if unknown.
        reference: the images compared with: a split, or the name of a path.
        about: a sentence on the measurement.
        skipped: the reasons why other metrics are missing.
        described: what the files say of metrics that aren't the package's, by name.
    """

    figures: dict[str, tuple[float | None, float | None, float | None]]
    reference: str
    about: str
    skipped: Sequence[str] = ()
    described: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def words(self, name: str) -> tuple[str, str]:
        """Returns the title and the reading of a metric."""
        return stored_words(name, self.described.get(name, {}))


def model_card(shipment: Shipment) -> str:
    """Returns the card in English: YAML between two lines of dashes, then Markdown."""
    with speaking("en"):
        return _model_card(shipment)


def _model_card(shipment: Shipment) -> str:
    import yaml

    measured = find_measured(shipment)
    front = yaml.safe_dump(front_matter(shipment, measured), sort_keys=False, allow_unicode=True, width=1000)
    sections = (
        opening(shipment),
        use(shipment),
        "## Data\n\n" + data(shipment),
        "## Training\n\n" + training(shipment),
        "## Quality\n\n" + quality(measured),
        "## Watchdog reports\n\n" + failures(shipment),
        "## License\n\n" + licence(shipment),
    )
    return f"---\n{front}---\n\n" + "\n\n".join(sections) + "\n"


def front_matter(shipment: Shipment, measured: Measured | None) -> dict[str, Any]:
    """Returns the card's metadata, in the form of `huggingface_hub.ModelCardData`."""
    config, known = shipment.config, licence_of(shipment.config.data)
    task = "image-to-image" if config.reads_images else "unconditional-image-generation"
    conditional = ["class-conditional"] if config.network.conditional else []
    gan = ["gan"] if config.has_discriminator else []
    values: dict[str, Any] = {
        "license": known.identifier,
        "library_name": "pocketgan",
        "pipeline_tag": task,
        "tags": ["pocketgan", *gan, config.recipe, *conditional, *([] if shipment.difference is None else ["onnx"])],
    }
    if known.dataset:
        values["datasets"] = [known.dataset]
    metrics = (
        [
            {"type": name, "value": value, "name": measured.words(name)[0]}
            for name, (value, _, _) in measured.figures.items()
            if value is not None
        ]
        if measured
        else []
    )
    if measured is not None and metrics:
        dataset = {"type": measured.reference, "name": measured.reference}
        if measured.reference in SPLITS:
            source = plain(shipment.facts.source)
            dataset = {"type": known.dataset or source, "name": "MNIST" if known.dataset else source}
            dataset["split"] = measured.reference
        result = {"task": {"type": task}, "dataset": dataset, "metrics": metrics}
        values["model-index"] = [{"name": shipment.name, "results": [result]}]
    return values


# Description and use.


def opening(shipment: Shipment) -> str:
    """Returns the title, a description of the model, and the sample picture."""
    config, facts = shipment.config, shipment.facts
    does = "translates images" if config.reads_images else "generates images"
    classes = " of a requested class" if config.network.conditional else ""
    classes = " into a requested class" if config.changes_class else classes
    classes = " with requested properties" if classes and facts.condition_names else classes
    source = KNOWN[facts.source][0] if facts.source in KNOWN else f"the images of '{plain(facts.source)}'"
    how = "a loop of its author's own" if config.kind == "recorded" else f"the recipe `{config.recipe}` of Pocketgan"
    kind = "the generator of a generative adversarial network" if config.has_discriminator else "a one-step generator"
    text = (
        f"# {shipment.name}\n\nA generator that {does}{classes}, {facts.size}×{facts.size} pixels, {colours(facts)}. "
        f"It is {kind}, trained on {source} with {how}."
    )
    if shipment.caption:
        text += f"\n\n![Samples]({PICTURE})\n\n*{shipment.caption}*"
    return text


def quoted(text: str) -> str:
    """Returns a text as Python code."""
    return json.dumps(text, ensure_ascii=False)


def use(shipment: Shipment) -> str:
    """Returns instructions for the model: three lines of Python, and the inputs and outputs of the ONNX file."""
    parts = ["## Use"]
    if shipment.weights_file:
        call = "model.generate(64, seed=1).save"
        if shipment.config.network.conditional and not shipment.config.reads_images:
            call = f"model.generate(64, seed=1, label={quoted(example_label(shipment.facts))}).save"
        elif shipment.config.reads_images:
            which = "" if shipment.facts.source in PACKAGED else ', images=["picture.png"]'
            which += f", label={quoted(example_label(shipment.facts))}" if shipment.config.changes_class else ""
            call = f"pocketgan.translate(model{which}).pairs.save"
        lines = [
            "import pocketgan",
            "",
            f"model = pocketgan.load({quoted(shipment.name)})  # this folder",
            f'{call}("made.png")',
        ]
        parts += ["```python\n" + "\n".join(lines) + "\n```"]
    if shipment.difference is not None:
        parts += [
            f"`{ONNX}` (operators of version {OPSET}) needs neither Pocketgan nor PyTorch; N is any number:",
            contract(shipment),
            f"The largest difference between its `values` in onnxruntime and in PyTorch was {shipment.difference:.2g}, "
            f"at batches of {', '.join(map(str, BATCHES[:-1]))} and {BATCHES[-1]}.",
        ]
    return "\n\n".join(parts)


def contract(shipment: Shipment) -> str:
    """Returns the table of the ONNX file's inputs and outputs."""
    config, facts = shipment.config, shipment.facts
    shape = f"(N, {facts.channels}, {facts.size}, {facts.size})"
    rows = [["in", "`latents`", "float32", f"(N, {config.network.latent_dim})", "standard normal noise"]]
    if config.reads_images:
        rows = [["in", "`source`", "uint8", shape, "the images to translate, 0 black to 255 white"]]
    if config.network.conditional and facts.condition_names:
        rows.append(["in", "`conditions`", "float32", f"(N, {len(facts.condition_names)})", condition_scales(facts)])
    elif config.network.conditional:
        rows.append(["in", "`labels`", "int64", "(N,)", f"the class, by its place in: {class_names(facts)}"])
    rows.append(["out", "`images`", "uint8", shape, "0 black to 255 white"])
    rows.append(["out", "`values`", "float32", shape, "the same before rounding, 0 to 1"])
    return table(("", "name", "type", "shape", "what it is"), rows)


# Origin.


def data(shipment: Shipment) -> str:
    """Returns a table of the model's training data."""
    config, facts = shipment.config, shipment.facts
    chosen = "" if config.data.classes == "all" else " (only these were selected)"
    rows = [
        ["source", KNOWN[facts.source][1] if facts.source in KNOWN else plain(facts.source)],
        ["images", f"{facts.images:,} of {facts.size}×{facts.size} pixels, {colours(facts)}"],
        ["classes", class_names(facts) + chosen if facts.class_names else "none: the images have no labels"],
    ]
    if facts.prepared:
        rows.append(["prepared", "; ".join(prepared(facts))])
    if task_of(config.data) == "invert":
        rows.append(["target", "the same images inverted, dark on white"])
    elif config.data.task != "none":
        rows.append(["task", f"`{config.data.task}`: input and target are made from each image"])
    if config.data.validation:
        held_out = f"`validation` {config.data.validation:g}: used to evaluate the run, not to train it"
        rows.append(["validation set", held_out])
    return table(("", ""), [*rows, ["digest", f"`{facts.digest}` (SHA-256 of images and labels)"]])


def training(shipment: Shipment) -> str:
    """Returns a table of the training: recipe and changed settings, budget, machine and seed."""
    run, config, weights = shipment.run, shipment.config, shipment.weights
    changed = []
    if config.recipe in RECIPES:
        changed = differences(replace(RECIPES[config.recipe](), seed=config.seed), config)
    average = config.train.ema_half_life
    averaged = "" if average == "none" else f", EMA generator with a half-life of {average}"
    images, seconds = weights.counters["nimg"], weights.counters["seconds"]
    network = config.network
    how = [["recipe", f"`{config.recipe}`" + (f", with {'; '.join(changed)}" if changed else ", unchanged")]]
    opponent = f"against the discriminator `{network.discriminator}`"
    if not config.has_discriminator:
        opponent = "without a discriminator"
    opponent = f"against the discriminator `{network.discriminator}`"
    if not config.has_discriminator:
        opponent = "without a discriminator"
    against = [["objective", f"`{config.objective.objective}`, {opponent}"]]
    batch, of = f" at batch {config.train.batch_size}", run.planned_steps and f" of {run.planned_steps:,}"
    if config.kind == "recorded":
        how = [["recorded", "from a training loop of the author's own"]]
        against = [["settings", ", ".join(f"{name} {plain(value)}" for name, value in config.settings.items()) or "–"]]
        batch = ""
    rows = [
        *how,
        ["generator", f"`{network.generator}`, {shipment.parameters:,} parameters"],
        *against,
        ["weights", f"of step {weights.step:,}{of or ''}{best(weights)}{averaged}"],
        [
            "budget",
            f"{weights.step:,} steps{batch}: {images:,.0f} images shown, "
            f"{images / shipment.facts.images:.3g} times through the data, {clock(seconds)} of training",
        ],
        ["machine", machine(run.environment)],
        ["seed", str(config.seed)],
    ]
    return table(("", ""), rows)


def best(weights: Weights) -> str:
    """Returns a note if the weights are those of the run's best checkpoint, and nothing otherwise."""
    return ", the best in the run's own evaluations" if weights.path.name == BEST else ""


def machine(environment: Environment) -> str:
    """Returns a description of the run's machine: the kind of processor, but not the machine's name."""
    threads = f"{environment.threads} thread{'s' * (environment.threads > 1)}"
    versions = f"PyTorch {environment.torch}, Pocketgan {environment.pocketgan}, exported by {__version__}"
    return f"{environment.device}, {environment.processor}, {threads}; {versions}"


# Quality.


def find_measured(shipment: Shipment) -> Measured | None:
    """Returns the measured quality of these weights.

    The values come from `pocketgan evaluate` if it measured the same weights, bit for bit. Otherwise they come from the
    run's own evaluation at the same step. None if there is neither.
    """
    run, weights = shipment.run, shipment.weights
    try:
        values = read_object(run.folder / "evaluation" / "evaluation.json")
    except RunError:
        values = {}
    if values.get("weights") == weights.sha256:
        figures = {
            name: (figure["value"], figure["spread"], figure["floor"])
            for name, figure in values["metrics"].items()
            if name in METRICS or "title" in figure
        }
        reference = plain(values["reference"])
        about = (
            f"Measured by `pocketgan evaluate` on {values['count']:,} images, against {values['reference_count']:,} "
            f"real ones ({reference}), in the feature space `{values['features']}` version "
            f"{values['features_version']} ({values['features_hash']}). "
            "The error is one standard error; the real-data baseline is the score of as many real images."
        )
        skipped = [reason_of(reason) for reason in values["skipped"].values()]
        return Measured(figures, reference, about, skipped, values["metrics"])
    distance = weights.counters.get("frechet_distance")
    rows = [row for row in run.metrics() if row["step"] == weights.step]
    rows = [row for row in rows if distance is None or row["frechet_distance"] == distance]
    if not rows:
        return None
    row = rows[-1]
    floors = {"frechet_distance": row.get("frechet_floor"), "authentic": row.get("authentic_floor")}
    about = (
        f"Measured only during the run: on {row['count']:,} images, against real ones ({row['reference']}), "
        f"in the feature space `{row['features']}` version {row['features_version']} ({row['features_hash']}), "
        "without standard errors. The real-data baseline is the score of as many real images, where it was measured."
    )
    own = row.get("metrics", {})
    names = [name for name in (*METRICS, *own) if name in row]
    return Measured(
        {name: (row[name], None, floors.get(name)) for name in names}, row["reference"], about, described=own
    )


def reason_of(reason: Any) -> str:
    """Returns why a metric is missing: `evaluation.json` has a key and its parts, or a sentence up to version 0.1.0."""
    return restored(reason) or str(reason)


def quality(measured: Measured | None) -> str:
    """Returns the table of scores with standard errors and baselines, and the reasons for missing metrics."""
    if measured is None:
        return f"{NOT_MEASURED} `pocketgan evaluate` with this folder measures it."
    rows = []
    for name, figures in measured.figures.items():
        title, reading = measured.words(name)
        rows.append([title, *map(short, figures), reading])
    headings = ("metric", "score", "± standard error", "real-data baseline", "how to read it")
    text = f"{measured.about}\n\n{table(headings, rows)}"
    return text + "".join(f"\n\nNot measured: {reason}." for reason in measured.skipped)


def failures(shipment: Shipment) -> str:
    """Returns the failures that the watchdog detected in the run, up to these weights' step and after it."""
    run, step = shipment.run, shipment.weights.step
    seen = [row for row in run.metrics() if row["step"] <= step]
    events = [event for event in run.events() if event.get("event") in ("diagnosis", "recovery", "rollback")]
    before = [described(event) for event in events if event["step"] <= step]
    after = [described(event) for event in events if event["step"] > step]
    parts = [f"Up to step {step:,}, the step of these weights:\n\n" + "\n".join(before)] if before else []
    if not before and seen:
        times, window = f"{len(seen)} evaluation{'s' * (len(seen) > 1)}", run.config.watchdog.watch_window
        too_few = f"; most failures need at least {window} to be detected" if len(seen) < window else ""
        parts.append(f"No warning in {times} up to step {step:,}, the step of these weights{too_few}.")
    elif not before:
        parts.append(f"The run was not evaluated up to step {step:,}, so the watchdog had nothing to judge.")
    if after:
        parts.append("After it, later in the run:\n\n" + "\n".join(after))
    return "\n\n".join(parts)


def described(event: dict[str, Any]) -> str:
    """Returns an event of the watchdog as a list item."""
    name = title(str(event.get("name", "")))
    remedy = advice(str(event.get("name", ""))) or event.get("advice", "")
    back = f"returned to step {event.get('to', 0):,.0f}, with the learning rate × {event.get('rate_scale', 1):g}"
    what = {
        "diagnosis": f"**{name}**: {evidence(event.get('evidence'))}; {remedy}",
        "recovery": f"resolved: {name}",
        "rollback": event.get("message") or back,
    }[event["event"]]
    return f"- step {event['step']:,.0f}: {what}"


def licence(shipment: Shipment) -> str:
    """Returns a sentence on the license."""
    known = licence_of(shipment.config.data)
    if known.identifier == "unknown":
        return f"Not stated: Pocketgan doesn't know the data's license; see [{LICENCE}]({LICENCE})."
    return f"`{known.identifier}`, that of the data; see [{LICENCE}]({LICENCE})."

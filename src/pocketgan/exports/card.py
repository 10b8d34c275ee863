"""The model card: `README.md` as the Hugging Face Hub reads it, made from the run. No number is made up."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pocketgan.base.errors import RunError
from pocketgan.base.language import clock, speaking
from pocketgan.base.messages import PROBLEMS, problem
from pocketgan.base.version import __version__
from pocketgan.config.fields import differences, replace
from pocketgan.config.recipes import RECIPES
from pocketgan.config.sections import PACKAGED, RunConfig
from pocketgan.experiment.watchdog_words import advice, evidence, title
from pocketgan.exports.licence import licence_of
from pocketgan.exports.onnx import BATCHES, OPSET
from pocketgan.metrics.evaluation import SPLITS
from pocketgan.metrics.registry import METRICS
from pocketgan.metrics.words import READINGS, TITLES, short
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
"""The data in the package: in a sentence, and in the table."""
MOST_CLASSES = 20
"""Class names that a card writes out."""
NOT_MEASURED = "Its quality was not measured."


@dataclass(frozen=True)
class Shipment:
    """What a card tells of.

    Attributes:
        run: where the model is from.
        config: its configuration, as it is shipped.
        facts: what was found of its data, as it is shipped.
        weights: its weights.
        name: what it is called: the folder's name.
        parameters: numbers in its weights.
        caption: what the sample picture shows; empty where there is none.
        weights_file: whether Pocketgan can load it.
        difference: by how much the ONNX file differs from PyTorch, of 1 for white; None where there is none.
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
    """What is known of the model's quality.

    Attributes:
        figures: value, spread and floor by metric, None where unknown.
        reference: what it was held against: a split, or the name of a path.
        about: a sentence on how it was measured.
        skipped: why other metrics weren't.
    """

    figures: dict[str, tuple[float | None, float | None, float | None]]
    reference: str
    about: str
    skipped: Sequence[str] = ()


def model_card(shipment: Shipment) -> str:
    """Returns the card, in English: YAML between two lines of dashes, then Markdown."""
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
        "## How good it is\n\n" + quality(measured),
        "## What the watchdog named\n\n" + failures(shipment),
        "## Licence\n\n" + licence(shipment),
    )
    return f"---\n{front}---\n\n" + "\n\n".join(sections) + "\n"


def front_matter(shipment: Shipment, measured: Measured | None) -> dict[str, Any]:
    """Returns the card's metadata, as `huggingface_hub.ModelCardData` reads them."""
    config, known = shipment.config, licence_of(shipment.config.data)
    task = "image-to-image" if config.reads_images else "unconditional-image-generation"
    conditional = ["class-conditional"] if config.network.conditional else []
    values: dict[str, Any] = {
        "license": known.identifier,
        "library_name": "pocketgan",
        "pipeline_tag": task,
        "tags": ["pocketgan", "gan", config.recipe, *conditional, *([] if shipment.difference is None else ["onnx"])],
    }
    if known.dataset:
        values["datasets"] = [known.dataset]
    metrics = [
        {"type": name, "value": value, "name": TITLES[name]}
        for name, (value, _, _) in (measured.figures if measured else {}).items()
        if value is not None
    ]
    if measured is not None and metrics:
        dataset = {"type": measured.reference, "name": measured.reference}
        if measured.reference in SPLITS:
            source = plain(shipment.facts.source)
            dataset = {"type": known.dataset or source, "name": "MNIST" if known.dataset else source}
            dataset["split"] = measured.reference
        result = {"task": {"type": task}, "dataset": dataset, "metrics": metrics}
        values["model-index"] = [{"name": shipment.name, "results": [result]}]
    return values


# What it is, and how it is used.


def opening(shipment: Shipment) -> str:
    """Returns the title, what the model draws, and the sample picture."""
    config, facts = shipment.config, shipment.facts
    does = "redraws images" if config.reads_images else "draws images"
    told = " of the class that it is asked for" if config.network.conditional else ""
    source = KNOWN[facts.source][0] if facts.source in KNOWN else f"the images of '{plain(facts.source)}'"
    text = (
        f"# {shipment.name}\n\nA generator that {does}{told}, {facts.size}×{facts.size} pixels, {colours(facts)}: the "
        f"half of a generative adversarial network that remains after training, here on {source} by the recipe "
        f"`{config.recipe}` of Pocketgan."
    )
    if shipment.caption:
        text += f"\n\n![Samples]({PICTURE})\n\n*{shipment.caption}*"
    return text


def use(shipment: Shipment) -> str:
    """Returns how to use the model: three lines of Python, and what the ONNX file takes and gives."""
    parts = ["## Use"]
    if shipment.weights_file:
        call = "model.generate(64, seed=1).save"
        if shipment.config.network.conditional:
            call = f"model.generate(64, seed=1, label={json.dumps(shipment.facts.class_names[-1])}).save"
        elif shipment.config.reads_images:
            which = "" if shipment.facts.source in PACKAGED else ', images=["picture.png"]'
            call = f"pocketgan.translate(model{which})[0].save"
        lines = [
            "import pocketgan",
            "",
            f"model = pocketgan.load({json.dumps(shipment.name)})  # this folder",
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
        rows = [["in", "`source`", "uint8", shape, "the images to redraw, 0 black to 255 white"]]
    if config.network.conditional:
        rows.append(["in", "`labels`", "int64", "(N,)", f"the class, by its place in: {class_names(facts)}"])
    rows.append(["out", "`images`", "uint8", shape, "0 black to 255 white"])
    rows.append(["out", "`values`", "float32", shape, "the same before rounding, 0 to 1"])
    return table(("", "name", "type", "shape", "what it is"), rows)


# Where it comes from.


def data(shipment: Shipment) -> str:
    """Returns what the model was trained on."""
    config, facts = shipment.config, shipment.facts
    chosen = "" if config.data.classes == "all" else " (these alone were chosen)"
    rows = [
        ["source", KNOWN[facts.source][1] if facts.source in KNOWN else plain(facts.source)],
        ["images", f"{facts.images:,} of {facts.size}×{facts.size} pixels, {colours(facts)}"],
        ["classes", class_names(facts) + chosen if facts.class_names else "none: the images have no labels"],
    ]
    if config.data.target == "inverted":
        rows.append(["aim", "the same images inverted, dark on white"])
    if config.data.validation:
        held_out = f"`validation` {config.data.validation:g}, which it was followed against and not trained on"
        rows.append(["held out", held_out])
    return table(("", ""), [*rows, ["digest", f"`{facts.digest}` (SHA-256 of images and labels)"]])


def training(shipment: Shipment) -> str:
    """Returns the recipe, what was changed of it, the budget and the machine."""
    run, config, weights = shipment.run, shipment.config, shipment.weights
    changed = []
    if config.recipe in RECIPES:
        changed = differences(replace(RECIPES[config.recipe](), seed=config.seed), config)
    average = config.train.ema_half_life
    averaged = "" if average == "none" else f", averaged with a half-life of {average}"
    images, seconds = weights.counters["nimg"], weights.counters["seconds"]
    rows = [
        ["recipe", f"`{config.recipe}`" + (f", with {'; '.join(changed)}" if changed else ", unchanged")],
        ["generator", f"`{config.network.generator}`, {shipment.parameters:,} parameters"],
        ["objective", f"`{config.objective.objective}`, against the discriminator `{config.network.discriminator}`"],
        ["weights", f"of step {weights.step:,} of {run.plan.steps:,}{best(weights)}{averaged}"],
        [
            "budget",
            f"{weights.step:,} steps at batch {config.train.batch_size}: {images:,.0f} images shown, "
            f"{images / shipment.facts.images:.3g} times through the data, {clock(seconds)} of training",
        ],
        ["machine", machine(run.environment)],
        ["seed", str(config.seed)],
    ]
    return table(("", ""), rows)


def best(weights: Weights) -> str:
    """Says whether weights are those of the run's best checkpoint."""
    return ", the best by the run's own evaluations" if weights.path.name == BEST else ""


def machine(environment: Environment) -> str:
    """Returns where a run was trained: the kind of processor, not the machine's name."""
    threads = f"{environment.threads} thread{'s' * (environment.threads > 1)}"
    versions = f"PyTorch {environment.torch}, Pocketgan {environment.pocketgan}, exported by {__version__}"
    return f"{environment.device}, {environment.processor}, {threads}; {versions}"


# How good it is.


def find_measured(shipment: Shipment) -> Measured | None:
    """Returns what is known of these weights' quality.

    From `pocketgan evaluate`, where that measured the same weights, bit for bit; else from the run's own evaluation at
    their step; None where there is neither.
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
            if name in METRICS
        }
        reference = plain(values["reference"])
        about = (
            f"Measured by `pocketgan evaluate` on {values['count']:,} images, against {values['reference_count']:,} "
            f"real ones ({reference}), in the feature space `{values['features']}` version "
            f"{values['features_version']} ({values['features_hash']}). "
            "The spread is one standard error; the floor is what as many real images get."
        )
        return Measured(figures, reference, about, [reason_of(reason) for reason in values["skipped"].values()])
    distance = weights.counters.get("frechet_distance")
    rows = [row for row in run.metrics() if row["step"] == weights.step]
    rows = [row for row in rows if distance is None or row["frechet_distance"] == distance]
    if not rows:
        return None
    row = rows[-1]
    floors = {"frechet_distance": row.get("frechet_floor"), "authentic": row.get("authentic_floor")}
    about = (
        f"Measured by the run itself alone: on {row['count']:,} images, against real ones ({row['reference']}), "
        f"in the feature space `{row['features']}` version {row['features_version']} ({row['features_hash']}), "
        "without spreads. The floor is what as many real images get, where that was measured."
    )
    return Measured(
        {name: (row[name], None, floors.get(name)) for name in METRICS if name in row}, row["reference"], about
    )


def reason_of(reason: Any) -> str:
    """Returns why a metric was left out: `evaluation.json` holds a key and its parts, or a sentence until 0.1.0."""
    if isinstance(reason, dict) and reason.get("key") in PROBLEMS:
        return problem(**reason)
    return str(reason)


def quality(measured: Measured | None) -> str:
    """Returns the table of figures, each with its spread and its floor, and why some are missing."""
    if measured is None:
        return f"{NOT_MEASURED} `pocketgan evaluate` with this folder measures it."
    rows = [[TITLES[name], *map(short, figures), READINGS[name]] for name, figures in measured.figures.items()]
    headings = ("what it is", "figure", "± spread", "floor (real vs real)", "how to read it")
    text = f"{measured.about}\n\n{table(headings, rows)}"
    return text + "".join(f"\n\nNot measured: {reason}." for reason in measured.skipped)


def failures(shipment: Shipment) -> str:
    """Returns what the watchdog named in the run, until these weights' step and after it."""
    run, step = shipment.run, shipment.weights.step
    seen = [row for row in run.metrics() if row["step"] <= step]
    events = [event for event in run.events() if event.get("event") in ("diagnosis", "recovery", "rollback")]
    before = [told(event) for event in events if event["step"] <= step]
    after = [told(event) for event in events if event["step"] > step]
    parts = [f"Up to step {step:,}, which these weights are from:\n\n" + "\n".join(before)] if before else []
    if not before and seen:
        times, window = f"{len(seen)} evaluation{'s' * (len(seen) > 1)}", run.config.watchdog.watch_window
        too_few = f"; most failures take {window} to be seen" if len(seen) < window else ""
        parts.append(f"Nothing, in {times} up to step {step:,}, which these weights are from{too_few}.")
    elif not before:
        parts.append(f"The run was not evaluated up to step {step:,}, so the watchdog had nothing to judge.")
    if after:
        parts.append("After it, as the run went on:\n\n" + "\n".join(after))
    return "\n\n".join(parts)


def told(event: dict[str, Any]) -> str:
    """Returns an event of the watchdog as a line of a list."""
    name = title(str(event.get("name", "")))
    remedy = advice(str(event.get("name", ""))) or event.get("advice", "")
    what = {
        "diagnosis": f"**{name}**: {evidence(event.get('evidence'))}; {remedy}",
        "recovery": f"no longer: {name}",
        "rollback": event.get("message", ""),
    }[event["event"]]
    return f"- step {event['step']:,.0f}: {what}"


def licence(shipment: Shipment) -> str:
    """Returns what is known of the licence."""
    known = licence_of(shipment.config.data)
    if known.identifier == "unknown":
        return f"Not stated: the data's licence isn't known to Pocketgan; see [{LICENCE}]({LICENCE})."
    return f"`{known.identifier}`, that of the data; see [{LICENCE}]({LICENCE})."


# Words.


def colours(facts: DataFacts) -> str:
    """Says whether images are grey."""
    return "grey" if facts.channels == 1 else "RGB" if facts.channels == 3 else f"{facts.channels} channels"


def class_names(facts: DataFacts) -> str:
    """Returns the classes' names, the first of them where there are many."""
    rest = len(facts.class_names) - MOST_CLASSES
    return ", ".join(facts.class_names[:MOST_CLASSES]) + (f" and {rest} more" if rest > 0 else "")


def plain(source: Any) -> str:
    """Returns the last part of a path, which tells nothing of the machine; other words as they are."""
    return str(source).rstrip("/\\").replace("\\", "/").rpartition("/")[2]


def table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Returns a table in Markdown."""
    lines = [list(headings), *([" ".join(str(cell).replace("|", "\\|").split()) for cell in row] for row in rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)

"""How good `pocket` is for the time, beside peers: `make bench-quality`.

Trains, one after the other and alone on the machine: `pocket` for each of a ladder of durations, our own `dcgan` and
`mlp`, and two textbook DCGANs (`benchmarks/peers/`), which are measured at moments along the way. Then it measures:
10,000 images against the test split in the spaces `digits` and `random`, of `pocket` the averaged generator's at the
end of its run, of the others the generator's as it is. What is in the folder already isn't trained or measured again,
so it can be stopped and goes on. Prints the tables of
`docs/results/quality.md`; draws `quality.png`, and digits of each.
All that was measured is kept in `benchmarks/quality.jsonl`, a row a line; `--again` makes tables and figure from that.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pocketgan.api import train
from pocketgan.base.files import write_json
from pocketgan.config.durations import Duration
from pocketgan.config.recipes import PARAMETERS
from pocketgan.images.grids import grid
from pocketgan.images.montage import Labels
from pocketgan.metrics.evaluation import evaluate
from pocketgan.runs.exported import load
from pocketgan.runs.run import Run

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "benchmarks" / "peers"
PEER_PYTHON = ROOT / ".venv-peers" / "bin" / "python"
LADDER = "5 s*5,10 s*5,15 s*5,20 s*5,25 s*5,30 s*5,1 min*5,5 min*5,30 min*5"
"""Durations of `pocket`, each with its number of seeds where that isn't 1."""
PEERS = "PyTorch DCGAN*5,Keras DCGAN*5,dcgan*5,mlp*5"
ROWS = ROOT / "benchmarks" / "quality.jsonl"
MOMENTS = (60, 120, 180, 300, 450, 600)
METRICS = "frechet_distance,precision,recall,coverage,modes,class_kl,label_agreement,authentic,copying"
COUNT = 10_000
"""Images that are drawn to time the generator."""
TEXTBOOK = {
    "PyTorch DCGAN": (sys.executable, SCRIPTS / "pytorch_dcgan.py"),
    "Keras DCGAN": (PEER_PYTHON, SCRIPTS / "keras_dcgan.py"),
}
OURS = ("dcgan", "mlp")


def measured(source: Path, to: Path, checkpoint: str | int = "last") -> dict[str, Any]:
    """Returns the figures of a run's checkpoint or of a file of images, from `to` where they were measured before."""
    if not to.exists():
        found: dict[str, Any] = {}
        for space, metrics in (("digits", METRICS), ("random", "frechet_distance")):
            told = source.is_dir() and Run.open(source).config.network.conditional
            names = metrics if told else metrics.replace("label_agreement,", "")
            done = evaluate(source, feature_space=space, metrics=names, checkpoint=checkpoint)
            found[space] = {name: {"value": f.value, "floor": f.floor} for name, f in done.figures.items()}
        write_json(to, found)
    return json.loads(to.read_text(encoding="utf-8"))


def with_seeds(text: str) -> list[tuple[str, int]]:
    """Reads a list of durations or peers, each with its number of seeds: `30 s,1 min*5` for one and five."""
    parts = [part.partition("*") for part in text.split(",") if part]
    return [(name, int(seeds or 1)) for name, _, seeds in parts]


def pocket_folder(folder: Path, duration: str, seed: int) -> Path:
    """Returns where a run of `pocket` is."""
    return folder / f"pocket-{duration.replace(' ', '')}-{seed}"


def pocket(folder: Path, duration: str, seed: int) -> dict[str, Any]:
    """Trains `pocket` for a duration, and returns its row."""
    out = pocket_folder(folder, duration, seed)
    if not out.exists() or Run.open(out).status().state != "finished":
        train("pocket", duration=duration, seed=seed, out=out, progress=False)
    run = Run.open(out)
    status, asked = run.status(), Duration.parse(duration).seconds
    alarms = sum(event["event"] == "diagnosis" for event in run.events())
    row = {"name": "pocket", "seed": seed, "asked": asked, "seconds": status.seconds, "steps": status.step}
    return row | {"alarms": alarms, "figures": measured(out, folder / f"{out.name}.json")}


def own(folder: Path, name: str, seed: int) -> list[dict[str, Any]]:
    """Trains one of our classics for the last moment, and returns a row for each moment."""
    out = folder / f"{name}-{seed}"
    if not out.exists() or Run.open(out).status().state != "finished":
        fields = {"duration": f"{MOMENTS[-1]} s", "checkpoint_every": "30 s", "evaluate_every": "none"}
        train(name, seed=seed, out=out, progress=False, **fields)
    run, rows = Run.open(out), []
    steps = [int(path.stem.removeprefix("step-")) for path in run.checkpoints()]
    total = run.status()
    for moment in MOMENTS:
        step = min(steps, key=lambda step: abs(step / total.step * total.seconds - moment))
        figures = measured(out, folder / f"{out.name}-{moment}.json", step)
        rows.append({"name": name, "seed": seed, "seconds": step / total.step * total.seconds, "figures": figures})
    return rows


def textbook(folder: Path, name: str, seed: int) -> list[dict[str, Any]]:
    """Trains a textbook peer in a process of its own, and returns a row for each moment."""
    python, script = TEXTBOOK[name]
    out = folder / f"{script.stem}-{seed}"
    if not (out / "done.json").exists():
        moments = ",".join(map(str, MOMENTS))
        command = [str(python), str(script), "--moments", moments, "--seed", str(seed), "--out", str(out)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        (out / "done.json").write_text(done.stdout.splitlines()[-1], encoding="utf-8")
    rows = []
    for moment in MOMENTS:
        figures = measured(out / f"images-{moment:g}.npz", out / f"figures-{moment:g}.json")
        rows.append({"name": name, "seed": seed, "seconds": float(moment), "figures": figures})
    return rows


def distance(row: dict[str, Any], space: str = "digits") -> float:
    """Returns a row's Fréchet distance."""
    return row["figures"][space]["frechet_distance"]["value"]


EVERY = 60
"""Seconds between two evaluations of `pocket`; a run that is shorter is evaluated once."""


def middle(rows: list[dict[str, Any]], read: Callable[[dict[str, Any]], float]) -> str:
    """Returns the median of something over rows, with the least and the greatest."""
    values = [read(row) for row in rows]
    if len(values) < 2:
        return f"{values[0]:.3g}"
    return f"{statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"


def quality_table(rows: list[dict[str, Any]]) -> list[str]:
    """Returns the lines of the table of `pocket` at each duration."""
    lines = [
        "| trained for | seeds | FD (digits) | ÷ baseline | FD (random) | ÷ baseline | class KL | class accuracy "
        "| recall | baseline | coverage | baseline | authenticity | baseline | C_T | warnings (evaluations) |",
        "| --- | ---: | --- | ---: | --- |" + " ---: |" * 11,
    ]
    for duration in dict.fromkeys(row["asked"] for row in rows):
        some = [row for row in rows if row["asked"] == duration]

        def figure(name: str, part: str = "value", form: str = ".2f", some: list[dict[str, Any]] = some) -> str:
            values = [row["figures"]["digits"][name][part] for row in some]
            return "" if None in values else f"{statistics.median(values):{form}}"

        cells = [f"{duration / 60:g} min" if duration >= 60 else f"{duration:g} s", str(len(some))]
        for space in ("digits", "random"):
            floors = [row["figures"][space]["frechet_distance"]["floor"] for row in some]
            times = statistics.median(distance(row, space) / floor for row, floor in zip(some, floors, strict=True))
            cells += [middle(some, lambda row, space=space: distance(row, space)), f"{times:.2f}"]
        cells += [figure("class_kl", form=".4f"), figure("label_agreement", form=".2%")]
        cells += [figure("recall"), figure("recall", "floor"), figure("coverage"), figure("coverage", "floor")]
        cells += [figure("authentic"), figure("authentic", "floor"), figure("copying", form=".1f")]
        evaluations = max(1, int(duration // EVERY))
        cells.append(f"{sum(row['alarms'] > 0 for row in some)} of {len(some)} ({evaluations})")
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def time_table(pockets: list[dict[str, Any]], peers: dict[str, list[dict[str, Any]]]) -> list[str]:
    """Returns the lines of the table of times to each peer's last distance: the shortest run of `pocket` as near."""
    lines = [
        "| peer | seeds | FD (digits) | FD (random) | `pocket` has the same FD after | times faster |",
        "| --- | ---: | --- | --- | ---: | ---: |",
    ]
    for name, rows in peers.items():
        seeds = dict.fromkeys(row["seed"] for row in rows)
        last = [max((r for r in rows if r["seed"] == seed), key=lambda r: r["seconds"]) for seed in seeds]
        sooner: float | None = None
        for duration in dict.fromkeys(row["asked"] for row in pockets):
            some = [row for row in pockets if row["asked"] == duration]
            near = [
                statistics.median(distance(row, space) for row in some)
                <= statistics.median(distance(row, space) for row in last)
                for space in ("digits", "random")
            ]
            if sooner is None and all(near):
                sooner = statistics.median(row["seconds"] for row in some)
        end = statistics.median(row["seconds"] for row in last)
        cells = [name, str(len(last)), middle(last, distance), middle(last, lambda row: distance(row, "random"))]
        cells += ["not reached", ""] if sooner is None else [f"{sooner:.1f} s", f"{end / sooner:.0f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def moment(row: dict[str, Any]) -> float:
    """Returns the seconds that a row is of, the same for all seeds, whose own seconds differ a little."""
    return row.get("asked") or min(MOMENTS, key=lambda seconds: abs(seconds - row["seconds"]))


def drawing_speed(run: Path) -> str:
    """Returns how many images a second a run's averaged generator draws, and how large it is."""
    model, seconds = load(run), []
    for seed in range(5):
        start = time.perf_counter()
        model.generate(COUNT, seed=seed)
        seconds.append(time.perf_counter() - start)
    size = PARAMETERS[model.config.recipe][0]
    return f"generator: {size:,} parameters, {COUNT / statistics.median(seconds):,.0f} images/s"


def draw(pockets: list[dict[str, Any]], peers: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """Draws the distance over training time, medians over seeds, with the floor."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    styles = (("#d55e00", "o", "-"), ("#0072b2", "s", "--"), ("#009e73", "^", "-."), ("#cc79a7", "D", ":"))
    styles += (("black", "v", (0, (5, 1, 1, 1, 1, 1))),)
    for (name, rows), (colour, marker, line) in zip({"pocket": pockets, **peers}.items(), styles, strict=False):
        groups = [[row for row in rows if moment(row) == place] for place in sorted({*map(moment, rows)})]
        x = [statistics.median(row["seconds"] for row in group) for group in groups]
        y = [statistics.median(map(distance, group)) for group in groups]
        axes.plot(x, y, color=colour, marker=marker, linestyle=line, markersize=4, linewidth=1.4, label=name)
    floor = statistics.median(row["figures"]["digits"]["frechet_distance"]["floor"] for row in pockets)
    axes.axhline(floor, color="0.4", linewidth=1, linestyle=":", label="real images")
    axes.set(xscale="log", yscale="log", xlabel="training time", ylabel="Fréchet distance to the test images")
    axes.set_xticks([5, 10, 30, 60, 300, 600, 1800], ["5 s", "10 s", "30 s", "1 min", "5 min", "10 min", "30 min"])
    axes.xaxis.set_minor_formatter("")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.grid(color="0.9", linewidth=0.8, which="both")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="center right", bbox_to_anchor=(1, 0.35))
    figure.savefig(path, dpi=150)


def draw_digits(folder: Path, path: Path) -> None:
    """Draws a hundred digits of each of the runs in the README, with their first seed, those that are there."""
    from PIL import Image

    wanted = {
        "PyTorch DCGAN, 10 min": folder / "pytorch_dcgan-0" / "images-600.npz",
    }
    wanted |= {f"pocket, {time}": pocket_folder(folder, time, 0) for time in ("1 min", "5 min", "30 min")}
    pictures = []
    for caption, source in wanted.items():
        if source.exists():
            images = load(source).generate(100).images if source.is_dir() else np.load(source)["images"][:100]
            pictures.append(grid(np.asarray(images), 10, 2, labels=Labels(caption=caption)))
    if pictures:
        wide, high = pictures[0].size
        sheet = Image.new(pictures[0].mode, (2 * wide, -(-len(pictures) // 2) * high))
        for index, picture in enumerate(pictures):
            sheet.paste(picture, (index % 2 * wide, index // 2 * high))
        sheet.save(path, optimize=True)


def main() -> None:
    """Trains what is missing, measures, prints, draws."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ladder", default=LADDER, help="durations of pocket and their seeds, as '30 s,1 min*5'")
    parser.add_argument("--peers", default=PEERS, help="peers and their seeds, as 'dcgan,mlp*5'")
    parser.add_argument("--folder", type=Path, default=Path("runs/quality"))
    parser.add_argument("--figures", type=Path, default=ROOT / "docs" / "images", help="where to draw to")
    parser.add_argument("--rows", type=Path, default=ROWS, help="the file of all that was measured")
    parser.add_argument("--again", action="store_true", help="train nothing: tables and figure from --rows")
    options = parser.parse_args()
    folder = options.folder
    if options.again:
        rows = [json.loads(line) for line in options.rows.read_text(encoding="utf-8").splitlines()]
    else:
        folder.mkdir(parents=True, exist_ok=True)
        ladder = with_seeds(options.ladder)
        rows = [pocket(folder, duration, seed) for duration, seeds in ladder for seed in range(seeds)]
        for name, seeds in with_seeds(options.peers):
            make = own if name in OURS else textbook
            rows += [row for seed in range(seeds) for row in make(folder, name, seed)]
        options.rows.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        print(drawing_speed(pocket_folder(folder, ladder[0][0], 0)))
        draw_digits(folder, options.figures / "quality-digits.png")
    pockets = [row for row in rows if row["name"] == "pocket"]
    names = dict.fromkeys(row["name"] for row in rows if row["name"] != "pocket")
    peers = {name: [row for row in rows if row["name"] == name] for name in names}
    print("\n".join(["", *quality_table(pockets), "", *time_table(pockets, peers)]))
    options.figures.mkdir(parents=True, exist_ok=True)
    draw(pockets, peers, options.figures / "quality.png")


if __name__ == "__main__":
    main()

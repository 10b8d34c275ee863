"""What was missing in the coursework's image-to-image GAN: `python benchmarks/ingredients.py --out DIR`.

`translator` on the task `invert`, all ten digits, and the same without one of its ingredients; beside it
`white-background` as the coursework has it. All train on equally many images. Prints a table in Markdown, medians over
the seeds on MNIST's test split, and keeps its rows in `rows.jsonl` in the folder `--out`; the same command goes on.
Without `--out`, the table is made of the rows in `ingredients.jsonl`, beside this file.
"""

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import pocketgan
from pocketgan.config.sections import NetworkConfig
from pocketgan.networks.autoencoder import AutoencoderGenerator
from pocketgan.networks.layers import ImageShape
from pocketgan.networks.translator import TranslatorDiscriminator, TranslatorGenerator


class WithoutSkips(TranslatorGenerator):
    """The generator of `translator` where only the smallest maps reach the decoder."""

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        maps = self.first(images)
        sizes = [maps]
        for down in self.down:
            sizes.append(down(sizes[-1]))
        result = self.middle(sizes.pop())
        for up, join in zip(self.up, self.join, strict=True):
            result = join(torch.cat([up(result), torch.zeros_like(sizes.pop())], dim=1))
        return self.output(self.last(torch.cat([self.spread(result), torch.zeros_like(images)], dim=1)))


class OutputAlone(TranslatorDiscriminator):
    """The discriminator of `translator` without the input beside the output."""

    reads_pairs = False


class Dense(AutoencoderGenerator):
    """The generator of `white-background`, of dense layers, whatever the widths of the discriminator are."""

    def __init__(self, config: NetworkConfig, shape: ImageShape, pixels: str) -> None:
        super().__init__(config.model_copy(update={"hidden_dim": 256, "depth": 5, "dropout": 0.3}), shape, pixels)


VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "translator": ("translator", {}),
    "without the reconstruction loss": ("translator", {"reconstruction_weight": 0.0}),
    "the discriminator sees the output alone": ("translator", {"discriminator": OutputAlone}),
    "without skips": ("translator", {"generator": WithoutSkips}),
    "dense layers instead of convolutions": ("translator", {"generator": Dense}),
    "dense layers, no reconstruction, output alone": (
        "translator",
        {"generator": Dense, "discriminator": OutputAlone, "reconstruction_weight": 0.0},
    ),
    "white-background": ("white-background", {"classes": "all"}),
}
STORED = Path(__file__).parent / "ingredients.jsonl"
COLUMNS = {
    "absolute_error": "mean absolute error to 1 − x",
    "kept_class": "class agreement",
    "own_target": "nearest to own target",
    "ratio": "FD ÷ baseline",
}


def measured(variant: str, seed: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """Trains and evaluates one run; returns its row."""
    recipe, settings = VARIANTS[variant]
    folder = arguments.out / f"{list(VARIANTS).index(variant)}-{seed}"
    batch = 64 if recipe == "translator" else 32
    usual = {"evaluate_every": "none", "sample_every": "end", "checkpoint_every": "1000000 steps", "seed": seed}
    usual |= {"duration": f"{arguments.images // batch} steps", "batch_size": batch, "threads": arguments.threads}
    run = pocketgan.train(recipe, out=folder, progress=False, **usual, **settings)
    seconds = run.status().seconds
    done = pocketgan.evaluate(run, metrics="frechet_distance", progress=False)
    distance = done["frechet_distance"]
    assert distance.floor is not None, "the test split is large enough for a baseline"
    row = {"variant": variant, "seed": seed, "images": arguments.images, "training_seconds": round(seconds, 1)}
    row |= dict(done.translation.rows["generator"]) if done.translation is not None else {}
    return row | {"fd": distance.value, "baseline": distance.floor, "ratio": distance.value / distance.floor}


def table(rows: list[dict[str, Any]]) -> str:
    """Returns the table in Markdown: medians over the seeds, and the range."""
    lines = ["| variant | seeds | " + " | ".join(COLUMNS.values()) + " |"]
    lines += ["| --- | ---: | " + " | ".join(["---:"] * len(COLUMNS)) + " |"]
    for variant in VARIANTS:
        of_it = [row for row in rows if row["variant"] == variant]
        cells = []
        for name in COLUMNS:
            values = [row[name] for row in of_it if row.get(name) is not None]
            spread = f" ({min(values):.3g} to {max(values):.3g})" if len(values) > 1 else ""
            cells.append(f"{statistics.median(values):.3g}{spread}" if values else "–")
        lines.append(f"| {variant} | {len(of_it)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def read(record: Path) -> list[dict[str, Any]]:
    """Returns the rows of a file, or an empty list if it doesn't exist."""
    return [json.loads(line) for line in record.read_text().splitlines()] if record.is_file() else []


def main() -> None:
    """Measures what is left, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="folder of the runs and rows; without it, the stored rows are shown")
    parser.add_argument("--images", type=int, default=19_200, help="that each run trains on")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.out is None:
        print(table(read(STORED)))
        return
    arguments.out.mkdir(parents=True, exist_ok=True)
    record = arguments.out / "rows.jsonl"
    rows = read(record)
    known = {(row["variant"], row["seed"]) for row in rows}
    for seed in range(arguments.seeds):
        for variant in VARIANTS:
            if (variant, seed) not in known:
                rows.append(measured(variant, seed, arguments))
                with record.open("a") as file:
                    file.write(json.dumps(rows[-1]) + "\n")
    print(table(rows))


if __name__ == "__main__":
    main()

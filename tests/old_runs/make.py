"""Makes the folders beside this file: tiny runs, an exported model and a study, as a released version writes them.

`python tests/old_runs/make.py 0.1.0` is run once for each format, by the version that writes it, and never again:
these files show that what an older version saved still opens, goes on and generates the same.
"""

import base64
import hashlib
import json
import platform
import shutil
import sys
import zlib
from pathlib import Path

import numpy as np
import torch

import pocketgan
from pocketgan.training.checkpoints import read_checkpoint

TINY = {
    "latent_dim": 6,
    "batch_size": 8,
    "tick_every": "5 steps",
    "sample_every": "10 steps",
    "sample_count": 4,
    "checkpoint_every": "20 steps",
    "evaluate_count": 200,
    "device": "cpu",
    "precision": "float32",
    "threads": 1,
}
HALF, WHOLE = 20, 40
"""Steps after which a run is left, and steps of its plan."""


def train_half_and_whole(recipe: str, folder: Path, **fields: object) -> dict[str, object]:
    """Trains a run to its end, notes what came out, and cuts it back to where a killed process would have left it."""
    whole = pocketgan.train(recipe, out=folder, progress=False, duration=f"{WHOLE} steps", **TINY, **fields)
    last = read_checkpoint(folder / "checkpoints" / f"step-{WHOLE:09d}.safetensors")
    expected = {
        "rows": whole.stats(),
        "means": {name: tensor.double().mean().item() for name, tensor in last.tensors.items() if tensor.dim()},
        "bits": tensors_digest(last.tensors),
        "machine": machine(),
    }
    shutil.rmtree(folder)
    run = pocketgan.train(recipe, out=folder, progress=False, duration=f"{WHOLE} steps", **TINY, **fields)
    for path in run.checkpoints():
        if int(path.stem.removeprefix("step-")) > HALF:
            path.unlink()
    run.rewind(HALF)
    kept = run.best()
    if kept is None or kept["step"] > HALF:
        (folder / "checkpoints" / "best.safetensors").unlink(missing_ok=True)
    run.write_status("interrupted", step=HALF, nimg=HALF * 8, seconds=run.stats()[-1]["seconds"])
    if not run.config.reads_images:
        expected["images"] = packed(run.generate(4, seed=1, checkpoint="last").images)
    (folder / ".lock").unlink(missing_ok=True)
    return expected


def packed(images: np.ndarray) -> str:
    """Returns uint8 images as text."""
    return base64.b64encode(zlib.compress(images.tobytes())).decode()


def tensors_digest(tensors: dict[str, torch.Tensor]) -> str:
    """Returns the SHA-256 of tensors and their names."""
    hashed = hashlib.sha256()
    for name in sorted(tensors):
        hashed.update(name.encode())
        hashed.update(tensors[name].contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return hashed.hexdigest()


def machine() -> str:
    """Returns what bits depend on beside the seed: PyTorch's version and the processor."""
    processor = "unknown"
    if Path("/proc/cpuinfo").is_file():
        lines = dict(line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines())
        known = {name.strip(): value.strip() for name, value in lines.items()}
        processor = "/".join(known.get(name, "") for name in ("vendor_id", "cpu family", "model", "stepping"))
    capability = torch.backends.cpu.get_cpu_capability()
    return f"torch {torch.__version__}, {platform.machine()}, {processor}, {capability}"


def main(version: str) -> None:
    """Makes all of them."""
    place = Path(__file__).parent / version
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    expected = {
        "pocket": train_half_and_whole(
            "pocket", place / "pocket", hidden_dim=4, classes="3,8", evaluate_every="10 steps"
        ),
        "redraw": train_half_and_whole(
            "white-background", place / "redraw", width=0.05, evaluate_every="20 steps", sample_name="redrawn"
        ),
        "noise": train_half_and_whole("comparison", place / "noise", hidden_dim=4, evaluate_every="none"),
    }
    model = pocketgan.export(place / "pocket", place / "pocket-model", progress=False, checkpoint="last")
    expected["model"] = {"images": packed(model.generate(4, seed=1).images)}
    study = {
        "name": "old", "recipe": "minimal", "factors": {"latent_dim": [2, 4]}, "seeds": 2, "fresh_seeds": 1,
        "duration": "20 steps", "count": 200, "metrics": ["modes"],
        "settings": {"hidden_dim": 4, "batch_size": 4, "tick_every": "5 steps", "sample_every": "10 steps",
                     "sample_count": 4, "evaluate_every": "10 steps", "evaluate_count": 200, "device": "cpu",
                     "checkpoint_every": "10 steps"},
    }  # fmt: skip
    pocketgan.study(study, out=place / "study", jobs=1, progress=False)
    shutil.rmtree(place / "study" / "report")
    for lock in place.rglob(".lock"):
        lock.unlink()
    for checkpoint in (place / "study").rglob("*.safetensors"):
        checkpoint.unlink()
    for figures in place.rglob("figures"):
        shutil.rmtree(figures)
    (place / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])

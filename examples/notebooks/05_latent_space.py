# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Explore the latent space: interpolation, directions, latent scaling
#
# Runs in about 50 seconds on two CPU cores.
#
# This notebook is for readers who want to see what a generator has learned beyond single images.
#
# A generator turns a latent, a list of random numbers, into an image. All latents together form the [latent
# space](../../docs/understand/glossary.md#latent-space). You move through it in three ways.

# %% [markdown]
# ## Install Pocketgan
#
# If Pocketgan is installed, the next cell only chooses the folder of the runs.
#
# **On Colab or Kaggle**, write the address of Pocketgan's repository into `REPOSITORY` first. The cell then clones the
# repository and installs the package from the clone. On Kaggle, also switch on *Internet* in the notebook's settings.
#
# Colab deletes its files at the end of a session. To keep your runs, mount your Google Drive in a new cell above, and
# choose the drive in `RUNS`:
#
# ```python
# from google.colab import drive
#
# drive.mount("/content/drive")
# ```
#
# On Kaggle, set *Persistence* to *Files only* instead. After a restart, run all cells from the top. The notebook then
# opens a finished run and resumes an unfinished one.

# %%
import importlib.util
import subprocess
import sys
from pathlib import Path

REPOSITORY = ""  # only needed on Colab or Kaggle: the address that `git clone` takes
RUNS = Path("notebook-runs")  # on a mounted drive: Path("/content/drive/MyDrive/notebook-runs")

if importlib.util.find_spec("pocketgan") is None:
    if not REPOSITORY:
        raise RuntimeError("Write the address of Pocketgan's repository into REPOSITORY, then run this cell again.")
    if not Path("pocketgan-clone").exists():
        subprocess.run(["git", "clone", "--depth", "1", REPOSITORY, "pocketgan-clone"], check=True)
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "./pocketgan-clone"], check=True)
    importlib.invalidate_caches()

# %% [markdown]
# ## Train a generator
#
# The digits get better with more steps. After 200 steps they are good enough to see how they change.

# %%
import importlib.util
import json

import numpy as np

import pocketgan

folder = RUNS / "05-latent-space"
if (folder / "config.json").exists():
    run = pocketgan.resume(folder)
else:
    run = pocketgan.train(
        "pocket",
        out=folder,
        duration="200 steps",
        schedule="constant",
        sample_every="end",
        evaluate_every="none",
        checkpoint_every="100 steps",
    )
print(f"A latent of this run has {run.config.network.latent_dim} numbers.")

# %% [markdown]
# ## Interpolation
#
# `interpolate` moves from the latent of one seed to that of another. Each row is a digit: the same latents, with
# another requested class.

# %%
pocketgan.interpolate(run, seeds=(0, 1), frames=10)

# %% [markdown]
# If neighboring images differ only a little, the generator has learned a continuous space of handwriting and not a list
# of single digits.
#
# The path follows a great circle, because latents lie close to a sphere. A straight line would pass through a region
# where the generator was never trained. With `label` and more seeds, you make a longer path for one digit:

# %%
tour = pocketgan.interpolate(run, seeds=(3, 5, 9, 4), frames=8, label="3")
tour.save(folder / "pictures" / "tour.gif")
tour

# %% [markdown]
# ## Directions
#
# A step along some directions changes the images more than a step along others. `find_directions` finds the strongest
# ones with the GANSpace method, which analyzes the outputs of the generator's first layer.

# %%
directions = pocketgan.find_directions(run, 5)
for number, share in enumerate(directions.shares.tolist(), 1):
    print(f"direction {number}: {share:.0%} of the variance of the first layer")

# %%
pocketgan.walk_directions(run, directions, seed=3, label="3", reach=2)

# %% [markdown]
# Each row is a direction. The middle image belongs to the seed, and the steps to the left and right are standard
# deviations. Look for a property that changes along a row, such as slant, width or stroke thickness. Not every
# direction has a name, and one direction can change several properties.
#
# ## Latent scaling
#
# [Latent scaling](../../docs/understand/glossary.md#latent-scaling) multiplies the latents by a factor. A small factor
# gives typical digits that look alike. A large one gives unusual and broken digits. In papers it is often called
# truncation.
#
# For latents of your own you need the exported ONNX model, which takes them as its input. It needs the extra `onnx`:
# `pip install -e ".[onnx]"` in the clone of the repository. Without it, the next cell does nothing.

# %%
scaled = None
if all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime", "onnxscript")):
    import onnxruntime

    model_folder = RUNS / "05-latent-space-model"
    if not (model_folder / "config.json").exists():
        pocketgan.export(run, model_folder, format="onnx")
    session = onnxruntime.InferenceSession(model_folder / "model.onnx")
    class_names = json.loads(session.get_modelmeta().custom_metadata_map["class_names"])
    latents = np.random.default_rng(0).standard_normal((len(class_names), run.config.network.latent_dim))
    factors = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
    rows = []
    for factor in factors:
        feed = {"latents": (factor * latents).astype(np.float32), "labels": np.arange(len(class_names))}
        rows.extend(session.run(["images"], feed)[0])
    scaled = np.concatenate(
        [np.concatenate(rows[start : start + 10], axis=2) for start in range(0, len(rows), 10)], axis=1
    )
    print("factors from top to bottom:", *factors)
else:
    print("The extra `onnx` is not installed.")

# %%
from PIL import Image

picture = None if scaled is None else Image.fromarray(scaled[0]).resize((560, 392), Image.Resampling.NEAREST)
picture

# %% [markdown]
# In the first row the factor is 0: every latent is the center of the space, and only the digit changes. The row with
# factor 1 shows usual samples.
#
# A small factor exchanges variety for typical images. So if you measure scaled images, always report the factor
# together with the scores.
#
# ## What next?
#
# - Use sliders instead of code, in the [browser interface](../../docs/how-to/browser-interface.md).
# - Read [Explore the latent space](../../docs/how-to/explore-the-latent-space.md), which has the formulas.

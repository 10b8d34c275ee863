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
# # Measure image quality: how good are the generated digits?
#
# Runs in about 35 seconds on two CPU cores.
#
# This notebook is for readers who want a number instead of an impression. You measure a generator, and then two sets of
# images whose faults you know.

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

# %%
import numpy as np

import pocketgan

folder = RUNS / "02-measure-quality"
if (folder / "config.json").exists():
    run = pocketgan.resume(folder)
else:
    run = pocketgan.train(
        "pocket",
        out=folder,
        duration="150 steps",
        schedule="constant",
        sample_every="end",
        evaluate_every="none",
        checkpoint_every="150 steps",
    )
run

# %% [markdown]
# ## Measure it
#
# `evaluate` compares generated digits with MNIST's test split, which took no part in training. It returns the scores
# and the file of its report. Without `metrics`, it computes all 16 metrics, and without `count` it takes 10,000 images.

# %%
METRICS = "frechet_distance,precision,recall,modes,label_agreement"
result = pocketgan.evaluate(run, count=1000, metrics=METRICS)
result

# %% [markdown]
# Each row has three numbers:
#
# - **score**: the result for the generated images.
# - **± standard error**: how much the score varies with the choice of these 1,000 images. It does not say how much
#   another training run would differ.
# - **real-data baseline**: the score of as many real images. It is the yardstick, but not a limit.
#
# The rows are:
#
# | row | meaning | better |
# | --- | --- | --- |
# | Fréchet distance | distance between generated and real images, as a digit classifier sees them | lower |
# | precision | share of the images that look real | higher |
# | recall | share of the real variety that is generated | higher |
# | covered classes | how many of the ten digits are generated | higher |
# | class accuracy | share of the images that show the requested digit | higher |
#
# The Fréchet distance is the formula of FID on the features of a digit classifier. So you cannot compare it with FID
# values of papers. You also cannot compare scores of different numbers of images: use the same `count` everywhere.
#
# In Python, each score is an entry of `scores`:

# %%
distance = result.scores["frechet_distance"]
print(f"score {distance.value:.2f}, standard error {distance.spread:.2f}, real-data baseline {distance.floor:.2f}")
print(f"report: {result.page}")

# %% [markdown]
# ## Measure images with known faults
#
# `evaluate` also takes a file of images, from any program. Two such files test what the scores are worth:
#
# - **only ones**: images of this generator, but only of the digit 1. A generator that makes only a few kinds of images
#   suffers from [mode collapse](../../docs/understand/glossary.md#mode-collapse).
# - **noise**: random pixels.

# %%
made = RUNS / "02-measure-quality-images"
ones = run.generate(1000, label="1").save(made / "ones.npz")
noise = made / "noise.npz"
np.savez(noise, images=np.random.default_rng(0).integers(0, 256, (1000, 28, 28), dtype=np.uint8))

names = ["frechet_distance", "precision", "recall", "modes"]
scores = {"all digits": result}
for name, file in {"only ones": ones, "noise": noise}.items():
    scores[name] = pocketgan.evaluate(file, count=1000, metrics=",".join(names), progress=False)

print(f"{'':12}" + "".join(f"{name:>18}" for name in names))
for name, scored in scores.items():
    print(f"{name:12}" + "".join(f"{scored[metric].value:18.3g}" for metric in names))
print(f"{'real images':12}" + "".join(f"{result[metric].floor:18.3g}" for metric in names))

# %% [markdown]
# Compare the rows. Many of the ones look real, so precision does not say that nine digits are missing. The Fréchet
# distance and the covered classes (`modes`) do. No image of the noise looks real, so its precision is 0.
#
# So read several scores together, and always beside the row of the real images.
#
# ## Find the weakest images
#
# The report is one HTML file, which you open in a browser. It shows the scores, and the most and least realistic
# digits. Find them among these images, too:

# %%
run.generate(100)

# %% [markdown]
# ## What next?
#
# - Compare two settings without being fooled by chance: `03_compare_settings.py`.
# - Read [Measuring image quality](../../docs/understand/measuring-image-quality.md), or look up a score in the [metrics
#   reference](../../docs/reference/metrics.md).

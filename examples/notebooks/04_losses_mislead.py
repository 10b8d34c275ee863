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
# # Why losses mislead: two runs, and the losses praise the wrong one
#
# Runs in about 30 seconds on two CPU cores.
#
# This notebook is for everyone who judges a GAN by its loss curves. You train two generators, guess from the losses
# which one is better, and then look.

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
# ## Train two runs
#
# Both runs use `minimal`, the smallest recipe. They differ in one setting: in the run *slow discriminator*, the
# discriminator learns fifty times more slowly.

# %%
import numpy as np

import pocketgan

settings = {
    "duration": "1500 steps",
    "log_every": "50 steps",
    "sample_every": "500 steps",
    "evaluate_every": "500 steps",
    "evaluate_count": 500,
    "checkpoint_every": "500 steps",
}
variants = {"usual": {}, "slow discriminator": {"discriminator_learning_rate": 2e-5}}

runs = {}
for name, change in variants.items():
    folder = RUNS / f"04-losses-mislead-{name.replace(' ', '-')}"
    if (folder / "config.json").exists():
        runs[name] = pocketgan.resume(folder)
    else:
        runs[name] = pocketgan.train("minimal", out=folder, **settings, **change)

# %% [markdown]
# ## Guess from the losses
#
# A common rule says: when the discriminator cannot tell real from generated images, both losses are near 0.69, and the
# GAN is at its best. If the discriminator's loss is near 0, the discriminator has won and the generator learns nothing.
#
# Here are the means of the last 500 steps:


# %%
def last_mean(run, column):
    """Returns the mean of a column of the log over its last ten rows."""
    return sum(row[column] for row in run.stats()[-10:]) / 10


print(f"{'run':20}{'discriminator loss':>20}{'generator loss':>18}")
for name, run in runs.items():
    print(f"{name:20}{last_mean(run, 'd_loss'):20.3f}{last_mean(run, 'g_loss'):18.3f}")

# %% [markdown]
# By this rule, *slow discriminator* is the better run: both of its losses are much closer to 0.69. In the run *usual*,
# the discriminator seems to have won.
#
# ## Look at the images

# %%
runs["usual"].generate(32)

# %%
runs["slow discriminator"].generate(32)

# %% [markdown]
# Neither run has learned digits in such a short time. But compare the images *within* each grid. The run with the
# better-looking losses generates nearly the same image again and again. This is [mode
# collapse](../../docs/understand/glossary.md#mode-collapse). Its discriminator changes too slowly to punish this.
#
# ## Measure the images
#
# Two numbers show the difference. The Fréchet distance compares generated and real digits, and lower is better. The
# variety is the standard deviation of each pixel over the images, averaged over the pixels. It is 0 if all images are
# equal.


# %%
def variety(run):
    """Returns how much 200 images of a run differ from each other, in gray levels from 0 to 255."""
    return np.asarray(run.generate(200)).std(axis=0).mean()


print(f"{'run':20}{'Fréchet distance':>18}{'variety':>10}")
for name, run in runs.items():
    print(f"{name:20}{run.metrics()[-1]['frechet_distance']:18.0f}{variety(run):10.1f}")

# %% [markdown]
# The plots show both runs over each other. Look at the losses first, then at the quality.

# %%
pocketgan.plot(*runs.values())

# %% [markdown]
# ## What the losses say, and what they don't
#
# Each loss says how well one network does against the other network at that moment. It does not say how good the images
# are. If both networks are equally bad, the losses look balanced.
#
# - A loss that is infinite or not a number means that training has failed.
# - For everything else, use the measured quality. Every recipe measures it during training.
# - This notebook shows one seed of two short runs, so it does not prove that a slow discriminator is always worse. It
#   shows that good losses and bad images can go together. A study with several seeds answers the other question:
#   `03_compare_settings.py`.
#
# ## What next?
#
# - Read [Why losses mislead](../../docs/understand/why-losses-mislead.md), with the results of long runs.
# - Read [How GANs fail](../../docs/understand/how-gans-fail.md).

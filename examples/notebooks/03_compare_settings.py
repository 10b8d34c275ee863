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
# # Compare two settings: is the difference real?
#
# Runs in about 35 seconds on two CPU cores.
#
# This notebook is for readers who want to know whether a setting helps. You run a very small study and read its
# verdict.
#
# The question: does a learning rate five times lower give better digits in a very short training? Write down what you
# expect before you run the cells.

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
# ## Run the study
#
# One run of each setting is not enough, because the [seed](../../docs/understand/glossary.md#seed) alone can change the
# order. A study trains every variant on the same seeds. Two variants get six seeds each, the fewest that can show a
# difference. Then the better variant is trained again on confirmation seeds.
#
# To finish in a minute, the networks are a quarter as wide as usual, and they train for 60 steps of 16 images. The
# images are poor, and the answer holds for such short runs only.
#
# If you stop the cell and run it again, the study continues without repeating finished runs.

# %%
import pocketgan

STEPS = "60 steps"
study = pocketgan.study(
    {
        "name": "rate",
        "question": "Does a learning rate five times lower give better digits?",
        "recipe": "pocket",
        "duration": STEPS,
        "factors": {"learning_rate": [3e-4, 1.5e-3]},
        "settings": {
            "width": 0.25,
            "batch_size": 16,
            "precision": "float32",
            "evaluate_every": "none",
            "sample_every": "end",
            "checkpoint_every": STEPS,
        },
        "count": 500,
        "metrics": ["frechet_distance"],
        "fresh_seeds": 2,
    },
    out=RUNS / "03-compare-settings",
)

# %% [markdown]
# ## Look at the scores
#
# `figures` returns the Fréchet distance of each run in the order of the seeds. Lower is better.

# %%
low, usual = study.figures().values()
print("seed    0.0003    0.0015    difference")
for seed, first, second in zip(study.seeds(), low, usual, strict=True):
    print(f"{seed:4}{first:10.2f}{second:10.2f}{first - second:14.2f}")

# %% [markdown]
# The scores differ from seed to seed. Both runs of a seed share their initial weights and see the same images, so the
# study compares them seed by seed. If all six differences have the same sign, chance is a poor explanation.
#
# ## Read the verdict
#
# The study has written a report with its verdict, plots and tables. `comparisons.csv` holds the verdict as numbers:

# %%
import csv

page = pocketgan.report(study.folder)
with open(page.parent / "comparisons.csv", encoding="utf-8", newline="") as file:
    for row in csv.DictReader(file):
        difference, lowest, highest, p = (float(row[column]) for column in ("difference", "low", "high", "adjusted"))
        print(f"{row['first']} against {row['second']}: {row['verdict']}")
        print(f"difference {difference:.2f} (95%: {lowest:.2f} to {highest:.2f}), p = {p:.3f}")
print(f"report: {page}")

# %% [markdown]
# - **worse** or **better**: the seeds agree so well that chance is a poor explanation (p is at most 0.05).
# - **no difference shown**: the study cannot decide. The variants may still differ.
# - **difference**: first minus second, averaged over the middle of the six pairs. Its 95% interval says how exact it
#   is.
#
# A verdict does not say whether the difference *matters*. Compare its size with the distances in the table above, and
# with the differences between the seeds. A clear verdict on a tiny difference is still a tiny difference.
#
# Each dot of this plot is a run. The diamond and the line are the mean of the middle half and its 95% interval.

# %%
from PIL import Image

chart = Image.open(page.parent / "quality.png")
chart

# %% [markdown]
# ## Plan your own study
#
# - Change one setting at a time, and decide on steps and seeds before you see any result.
# - If time is short, use fewer steps rather than fewer seeds.
# - Don't add seeds until a difference appears. That finds differences that don't exist.
# - Report the score on the confirmation seeds, five by default. The best variant's own score is too good on average.
#
# ## What next?
#
# - See why the losses do not answer this question: `04_losses_mislead.py`.
# - Read [Is the difference real?](../../docs/understand/is-the-difference-real.md) and [Ask your own
#   question](../../docs/how-to/ask-your-own-question.md).

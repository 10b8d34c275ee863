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
# # Export and share a model
#
# Runs in about 40 seconds on two CPU cores.
#
# This notebook is for everyone who wants to use a trained generator outside its run folder: on another computer, in
# another program, or on the Hugging Face Hub.

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
import importlib.util
import json
import shutil

import numpy as np

import pocketgan

folder = RUNS / "08-export-and-share"
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

# %% [markdown]
# ## Export it
#
# `export` writes a folder that needs no other files: the weights, the configuration, a sample picture and a model card.
# With the extra `onnx` it also writes an ONNX file for other programs. To install the extra, run `pip install -e
# ".[onnx]"` in the clone of the repository.
#
# An export contains no training state, so you cannot resume it. Keep the run folder if you want to train further.

# %%
has_onnx = all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime", "onnxscript"))
model_folder = RUNS / "08-export-and-share-model"
if not (model_folder / "config.json").exists():
    pocketgan.export(run, model_folder, format="all" if has_onnx else "safetensors")
for path in sorted(model_folder.iterdir()):
    print(f"{path.stat().st_size:>10,} bytes  {path.name}")

# %% [markdown]
# ## Load it with Pocketgan
#
# `load` opens a run or an exported model. With the same seed, the model generates the images of its run.

# %%
model = pocketgan.load(model_folder)
images = model.generate(30, seed=1)
same = np.array_equal(np.asarray(images), np.asarray(run.generate(30, seed=1)))
print("same images as the run:", same)
images

# %% [markdown]
# An exported model works with `generate`, `interpolate`, `find_directions`, `write` and `evaluate`, as a run does:

# %%
pocketgan.write("2026", model)

# %% [markdown]
# ## Run the ONNX file without Pocketgan
#
# These lines need only NumPy and onnxruntime. The metadata of the file hold the names of the classes. The model takes
# the latents, random numbers with a normal distribution, and the index of the requested class for each image.

# %%
written = None
if has_onnx and (model_folder / "model.onnx").exists():
    import onnxruntime

    session = onnxruntime.InferenceSession(model_folder / "model.onnx")
    takes = {given.name: given.shape for given in session.get_inputs()}
    class_names = json.loads(session.get_modelmeta().custom_metadata_map["class_names"])
    noise = np.random.default_rng(seed=0)
    feed = {"latents": noise.standard_normal((20, takes["latents"][1]), dtype=np.float32)}
    if "labels" in takes:
        feed["labels"] = np.arange(20) % len(class_names)
    (generated,) = session.run(["images"], feed)
    print("inputs:", takes, "- output:", generated.dtype, generated.shape)
    written = np.concatenate([np.concatenate(generated[start : start + 10], axis=2) for start in (0, 10)], axis=1)[0]
else:
    print("The extra `onnx` is not installed, or this export has no ONNX file.")

# %%
from PIL import Image

picture = None if written is None else Image.fromarray(written).resize((560, 112), Image.Resampling.NEAREST)
picture

# %% [markdown]
# ## Share it
#
# One archive is enough for a colleague. Unpacked, it works with `pocketgan.load`.

# %%
archive = shutil.make_archive(str(model_folder), "zip", model_folder)
print(archive)

# %% [markdown]
# On Colab, download it with `from google.colab import files; files.download(archive)`.
#
# To publish the model on the Hugging Face Hub, install the extra `hub`, log in with `hf auth login`, and call:
#
# ```python
# pocketgan.push(model_folder, "your-name/your-model", private=True)
# ```
#
# Before you publish, read the model card and check the license of your data. This model is trained on MNIST for a few
# seconds, so its card should not promise much. To put scores into a card, call `pocketgan.evaluate(run)` before you
# export.

# %%
print((model_folder / "README.md").read_text(encoding="utf-8")[:1500])

# %% [markdown]
# ## What next?
#
# - Read [Export a model](../../docs/how-to/export-a-model.md), and look up files and keys in [Exported
#   model](../../docs/reference/exported-model.md).

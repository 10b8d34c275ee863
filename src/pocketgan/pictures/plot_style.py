"""The style of all plots of a run: sizes for print, text stored as text, lines distinguishable without color."""

import base64
import io
import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from pocketgan.base.errors import RunError
from pocketgan.base.files import write_atomically
from pocketgan.images.grids import make_folder
from pocketgan.images.montage import Theme

CENTIMETRE = 1 / 2.54
WIDTH, HEIGHT = 14.0, 7.5
"""Size of a plot in centimeters; its width is that of the text on an A4 page of a thesis."""
NARROWEST, WIDEST = 6.0, 40.0
LEGEND_ROW = 0.43
"""Height of a row of the legend in centimeters."""
POINTS = 9
"""Font size in points on the printed page."""
DPI = 200
MARKS = ("o", "s", "^", "D", "v", "P", "X")
"""Markers of the runs, which distinguish them in grayscale."""
FORMATS = ("pdf", "svg", "png")


@dataclass(frozen=True)
class Palette:
    """The colors of a theme: page, text and axes, grid, and lines (from the palette of Okabe & Ito)."""

    page: str
    ink: str
    faint: str
    grid: str
    lines: tuple[str, ...]


PALETTES: dict[Theme, Palette] = {
    "light": Palette(
        "#ffffff",
        "#222222",
        "#666666",
        "#e4e4e4",
        ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#222222"),
    ),
    "dark": Palette(
        "#14171a",
        "#e4e7ea",
        "#9ea7b0",
        "#2f353b",
        ("#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#f0e442", "#d55e00", "#e4e7ea"),
    ),
}
MOST_RUNS = len(MARKS)
"""Maximum number of runs in one plot, each with its own color and marker."""


@dataclass(frozen=True)
class Look:
    """The appearance of a plot.

    Attributes:
        theme: `light` or `dark`.
        width: the width in centimeters.
        titled: whether a title names the run's recipe and seed, for use outside a text.
    """

    theme: Theme = "light"
    width: float = WIDTH
    titled: bool = False

    @property
    def palette(self) -> Palette:
        return PALETTES[self.theme]


@contextmanager
def styled(look: Look) -> Iterator[None]:
    """Draws and saves plots in Pocketgan's style, inside the context, whatever the user's style is.

    Text remains text: complete TrueType fonts in PDF (type 42), text in SVG. The same run gives the same file.
    """
    palette = look.palette
    rules: Any = {
        "figure.facecolor": palette.page,
        "axes.facecolor": palette.page,
        "savefig.facecolor": palette.page,
        "text.color": palette.ink,
        "axes.labelcolor": palette.ink,
        "axes.edgecolor": palette.faint,
        "xtick.color": palette.faint,
        "ytick.color": palette.faint,
        "xtick.labelcolor": palette.ink,
        "ytick.labelcolor": palette.ink,
        "grid.color": palette.grid,
        "grid.linewidth": 0.6,
        "font.size": POINTS,
        "axes.titlesize": POINTS,
        "axes.labelsize": POINTS,
        "legend.fontsize": POINTS - 1,
        "xtick.labelsize": POINTS - 1,
        "ytick.labelsize": POINTS - 1,
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "lines.linewidth": 1.2,
        "lines.markersize": 4,
        "legend.frameon": False,
        "legend.handlelength": 2.8,
        "legend.columnspacing": 1.5,
        "text.parse_math": False,
        "pdf.fonttype": 42,
        "svg.fonttype": "none",
        "svg.hashsalt": "pocketgan",
    }
    with style.context("default"), mpl.rc_context(rules), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        yield


def new_figure(look: Look, height: float = HEIGHT, rows: int = 1) -> tuple[Figure, list[Axes]]:
    """Creates an empty figure without pyplot, so that a notebook's own plots are unaffected.

    Args:
        look: the appearance.
        height: the height in centimeters.
        rows: the number of plots, one above the other.
    """
    figure = Figure(figsize=(look.width * CENTIMETRE, height * CENTIMETRE), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(rows, 1, squeeze=False)[:, 0])


def add_legend(figure: Figure, axes: Axes) -> None:
    """Adds a legend above the plot, with as many columns as fit; a single line gets no legend.

    A legend of more than two rows makes the figure higher, and leaves the plot's size unchanged.
    """
    handles, names = axes.get_legend_handles_labels()
    if len(names) < 2:
        return
    for rows in range(1, len(names) + 1):
        columns = math.ceil(len(names) / rows)
        legend = figure.legend(handles, names, loc="outside upper left", ncols=columns, borderaxespad=0.2)
        if columns == 1 or legend.get_window_extent().width <= figure.bbox.width:
            figure.set_figheight(figure.get_figheight() + max(0, rows - 2) * LEGEND_ROW * CENTIMETRE)
            return
        legend.remove()


def named(runs: Sequence[Path], letters: int = 28) -> list[str]:
    """Returns short names of runs: the names of their folders, or the whole paths if these names aren't unique."""
    names = [folder.resolve().name for folder in runs]
    if len(set(names)) < len(names):
        names = [str(folder) for folder in runs]
    return [name if len(name) <= letters else f"…{name[1 - letters :]}" for name in names]


@dataclass(frozen=True)
class Plots:
    """Plots of runs by name, which a notebook displays.

    Attributes:
        figures: Matplotlib figures, by their file names without ending.
        look: their appearance.
    """

    figures: dict[str, Figure]
    look: Look

    def __len__(self) -> int:
        return len(self.figures)

    def content(self, name: str, kind: str) -> bytes:
        """Returns one plot as the content of a file."""
        metadata: dict[str, Any] = {
            "pdf": {"CreationDate": None, "Creator": "Pocketgan", "Title": name},
            "svg": {"Date": None, "Creator": "Pocketgan", "Title": name},
            "png": {"Software": "Pocketgan", "Title": name},
        }[kind]
        buffer = io.BytesIO()
        with styled(self.look):
            self.figures[name].savefig(buffer, format=kind, dpi=DPI, metadata=metadata)
        return buffer.getvalue()

    def save(self, out: str | Path, kind: str = "pdf") -> list[Path]:
        """Writes every plot into a folder, and returns the files.

        Args:
            out: the folder.
            kind: `pdf`, `svg` or `png`.

        Raises:
            RunError: there is no such format, or the folder can't be created.
            StorageError: a file can't be written.
        """
        folder = Path(out)
        if kind not in FORMATS:
            raise RunError("not one of", field="format", value=kind, hint="", known=", ".join(FORMATS))
        make_folder(out, folder)
        paths = []
        for name in self.figures:
            paths.append(folder / f"{name}.{kind}")
            write_atomically(paths[-1], self.content(name, kind), durable=False)
        return paths

    def _repr_html_(self) -> str:
        shown = []
        for name in self.figures:
            code = base64.b64encode(self.content(name, "svg")).decode()
            shown.append(f'<img src="data:image/svg+xml;base64,{code}" alt="{name}">')
        return "<br>".join(shown)

"""Plots of runs: what is drawn, units on every axis, letters that stay letters, lines told apart without colours."""

import json
import re
import shutil
import warnings
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from safetensors.numpy import save_file

import pocketgan
from pocketgan.base.errors import RunError
from pocketgan.pictures import plots as figures
from pocketgan.pictures.plot_style import FORMATS, MARKS, PALETTES, named
from pocketgan.pictures.plots import BLOCKS, OVER, PLOTS, draw_figures, draw_plots, plain
from pocketgan.runs.run import Run
from refusals import refused

RANDOM = np.random.default_rng(0)


@pytest.fixture
def make(small_runs, tmp_path):
    """Makes a run with known rows: `make("name", rows=400, evaluations=6)`."""

    def run_called(name, rows=400, evaluations=6, averaged=True, histogram=True, best=True):
        folder = tmp_path / name
        shutil.copytree(small_runs / "noise", folder)
        with (folder / "stats.jsonl").open("w") as file:
            for step in range(10, 10 * rows + 1, 10):
                losses = {"d_loss": 0.6 + RANDOM.normal() / 20, "g_loss": 2 - step / 4000}
                row = {"step": step, "nimg": 4 * step, "epoch": step / 15000, "seconds": step / 5, **losses}
                shares = {"d_real_accuracy": 0.8, "d_fake_accuracy": 0.7}
                file.write(json.dumps({**row, **shares, "images_per_second": 20.0 + step % 20}) + "\n")
        with (folder / "metrics.jsonl").open("w") as file:
            for place in range(1, evaluations + 1):
                row = {"step": 500 * place, "nimg": 2000 * place, "epoch": 0.1, "seconds": 100.0 * place}
                row |= {"features": "digits", "reference": "validation"}
                row |= {"frechet_distance": 40 / place, "frechet_floor": 0.5}
                row |= {"raw_frechet_distance": 50 / place} if averaged else {}
                row |= {"histogram": [0.02 * digit + 0.01 for digit in range(10)]} if histogram else {}
                file.write(json.dumps(row) + "\n")
        if best:
            counters = {"step": 3000, "nimg": 12000, "seconds": 600.0, "frechet_distance": 40 / 6, "frechet_floor": 0.5}
            path = folder / "checkpoints" / "best.safetensors"
            save_file({"x": np.zeros(1)}, path, {"counters": json.dumps(counters)})
        return Run.open(folder)

    return run_called


def texts(figure):
    return [text.get_text() for text in figure.findobj(mpl.text.Text)]


def lines(axes):
    return [line for line in axes.get_lines() if not line.get_label().startswith("_")]


def test_a_run_gets_every_plot(make):
    assert list(draw_plots([make("one")]).figures) == list(PLOTS)
    without = make("two", evaluations=0, best=False)
    assert list(draw_plots([without]).figures) == ["loss_plot", "accuracy_plot", "speed_plot"]
    no_classes = make("three", histogram=False)
    assert "class_plot" not in draw_plots([no_classes]).figures


@pytest.mark.slow
@pytest.mark.parametrize("over", OVER)
@pytest.mark.parametrize("count", [1, 2])
def test_every_axis_has_a_unit(make, over, count):
    drawn = draw_plots([make(f"run-{n}") for n in range(count)], x_axis=over)
    for name, figure in drawn.figures.items():
        for axes in figure.axes:
            for label in (axes.get_xlabel(), axes.get_ylabel()):
                named_classes = label == "generated class"
                assert (
                    named_classes
                    or not label
                    or re.search(r"\((steps|epochs|min|.*images.*|.*nats|%|no unit|.*/s)\)$", label)
                )
        assert any(axes.get_xlabel() == OVER[over][0] for axes in figure.axes), name
        assert all(axes.get_ylabel() for axes in figure.axes), name


@pytest.mark.slow
def test_the_axis_to_the_right_is_what_was_asked_for(make):
    run = make("one", rows=100)
    for over, last in (("steps", 1000), ("epochs", 4000 / 60000), ("kimg", 4), ("minutes", 200 / 60)):
        x = lines(draw_plots([run], x_axis=over).figures["loss_plot"].axes[0])[0].get_xdata()
        assert x[-1] == pytest.approx(last) and len(x) == 100
        star = next(
            line
            for line in lines(draw_plots([run], x_axis=over).figures["quality_plot"].axes[0])
            if line.get_label() == "best"
        )
        assert star.get_xdata()[0] == pytest.approx({"steps": 3000, "epochs": 0.2, "kimg": 12, "minutes": 10}[over])


@pytest.mark.slow
@pytest.mark.parametrize("theme", PALETTES)
@pytest.mark.parametrize("count", [1, 2, 7])
def test_lines_are_told_apart_without_their_colours(make, count, theme):
    drawn = draw_plots([make(f"run-{n}", rows=20) for n in range(count)], theme=theme)
    for name in ("loss_plot", "accuracy_plot", "quality_plot", "speed_plot"):
        axes = drawn.figures[name].axes[0]
        looks = [
            (line.get_linestyle(), line.get_marker(), line.get_fillstyle(), str(line._dash_pattern))
            for line in lines(axes)
        ]
        assert len(looks) == len(set(looks)), name
        assert len(axes.get_lines()) >= count


def test_colours_are_of_the_palette_for_colour_blind_readers():
    okabe_ito = {"#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7"}
    for palette in PALETTES.values():
        assert set(palette.lines) - okabe_ito == {palette.ink}
        assert len(set(palette.lines)) == len(MARKS) == len(set(MARKS))


def brightness(colour):
    """Relative luminance (WCAG 2)."""
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(first, second):
    low, high = sorted((brightness(first), brightness(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", PALETTES)
def test_letters_and_lines_stand_out_from_the_page(theme):
    palette = PALETTES[theme]
    assert contrast(palette.ink, palette.page) > 7 and contrast(palette.faint, palette.page) > 4.5
    assert min(contrast(line, palette.page) for line in palette.lines[:2]) > 3
    assert min(contrast(line, palette.page) for line in palette.lines) > 2


def test_the_map_of_classes_is_brighter_for_more_in_grey_too():
    grey = [brightness(colour[:3]) for colour in mpl.colormaps["cividis"](np.linspace(0, 1, 64))]
    assert all(low < high for low, high in pairwise(grey))


@pytest.mark.slow
def test_the_map_holds_the_shares(make):
    axes = draw_plots([make("one")]).figures["class_plot"].axes[0]
    shares = axes.collections[0].get_array().reshape(10, 6)
    assert shares[:, 0].tolist() == pytest.approx([2 * digit + 1 for digit in range(10)])
    assert [text.get_text() for text in axes.get_yticklabels()] == [str(digit) for digit in range(10)]
    drawn = draw_plots([make("two"), make("three")]).figures["class_plot"]
    assert [axes.get_title(loc="left") for axes in drawn.axes[:2]] == ["two", "three"]


def test_the_quality_shows_both_generators_the_floor_and_the_best(make):
    axes = draw_plots([make("one")]).figures["quality_plot"].axes[0]
    found = {line.get_label(): line for line in lines(axes)}
    assert set(found) == {"EMA generator", "raw generator", "best", "real-data baseline"}
    assert found["EMA generator"].get_ydata() == pytest.approx([40, 20, 40 / 3, 10, 8, 40 / 6])
    assert found["raw generator"].get_ydata()[0] == 50
    assert found["best"].get_ydata()[0] == pytest.approx(40 / 6)
    assert found["real-data baseline"].get_ydata()[0] == 0.5
    assert axes.get_yscale() == "log" and "validation images" in axes.get_ylabel()
    raw = draw_plots([make("two", averaged=False, best=False)]).figures["quality_plot"].axes[0]
    assert [line.get_label() for line in lines(raw)] == ["generator", "real-data baseline"]


def test_long_curves_are_averaged_with_a_band_around_them(make):
    run = make("one", rows=1000)
    axes = draw_plots([run]).figures["loss_plot"].axes[0]
    first, second = lines(axes)
    assert len(first.get_xdata()) == len(second.get_xdata()) == BLOCKS
    assert first.get_ydata().mean() == pytest.approx(np.mean([row["d_loss"] for row in run.stats()]), rel=1e-3)
    band = axes.collections[0].get_paths()[0].vertices[:, 1]
    losses = [row["d_loss"] for row in run.stats()]
    assert band.min() == pytest.approx(min(losses)) and band.max() == pytest.approx(max(losses))


@pytest.mark.slow
def test_what_is_not_a_number_leaves_a_gap_and_no_warning(make):
    run = make("one", rows=5)
    rows = run.stats()
    rows[2]["g_loss"] = float("nan")
    path = run.folder / "stats.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    with (run.folder / "metrics.jsonl").open("a") as file:
        file.write(
            '{"step": 9000, "nimg": 1, "seconds": 1, "frechet_distance": 3, "frechet_floor": 0.5, "histogram": null}\n'
        )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = draw_plots([run])
        [drawn.content(name, "png") for name in drawn.figures]
    assert len(lines(drawn.figures["loss_plot"].axes[0])[1].get_xdata()) == 4


# Files.


@pytest.mark.slow
def test_letters_stay_letters(make):
    drawn = draw_plots([make("one", rows=20)], names=("loss_plot", "quality_plot", "class_plot"))
    for name in drawn.figures:
        svg, pdf = drawn.content(name, "svg").decode(), drawn.content(name, "pdf")
        assert ">training (steps)</text>" in svg
        assert "<image" not in svg, "nothing is a bitmap"
        assert b"/FontFile2" in pdf and b"/Type3" not in pdf and b"/Subtype /Image" not in pdf
        assert svg.count("<path") > 5


@pytest.mark.slow
@pytest.mark.parametrize("width", [8.0, 14.0])
def test_a_plot_is_as_wide_as_was_asked_for(make, width):
    drawn = draw_plots([make("one", rows=20)], width=width, names=("loss_plot", "class_plot"))
    for name, figure in drawn.figures.items():
        box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+) ?\]", drawn.content(name, "pdf"))
        assert box is not None and float(box[1]) == pytest.approx(width / 2.54 * 72, abs=0.1)
        assert {text.get_fontsize() for text in figure.findobj(mpl.text.Text)} <= {7.0, 8.0, 9.0}


@pytest.mark.slow
def test_the_same_run_gives_the_same_files_whatever_the_reader_has_set(make):
    run, names = make("one", rows=20), ("loss_plot", "class_plot")
    first = draw_plots([run], names=names)
    wanted = {(name, kind): first.content(name, kind) for name in first.figures for kind in FORMATS}
    with mpl.rc_context({"lines.linewidth": 9, "font.size": 30, "svg.fonttype": "path", "axes.grid": True}):
        again = draw_plots([run], names=names)
        for (name, kind), content in wanted.items():
            assert again.content(name, kind) == content, (name, kind)
        assert mpl.rcParams["lines.linewidth"] == 9


@pytest.mark.slow
def test_plots_are_saved_and_shown(make, tmp_path):
    drawn = pocketgan.plot(make("one", rows=20), theme="dark")
    paths = drawn.save(tmp_path / "deep" / "plots", "svg")
    assert [path.name for path in paths] == [f"{name}.svg" for name in PLOTS] and all(path.is_file() for path in paths)
    assert PALETTES["dark"].page in paths[0].read_text()
    assert drawn._repr_html_().count("data:image/svg+xml;base64,") == len(drawn) == 5
    with refused("not one of", "format"):
        drawn.save(tmp_path, "eps")


@pytest.mark.slow
def test_the_legend_never_leaves_the_page(make):
    runs = [make(f"a-run-with-quite-a-long-name-{n}", rows=20) for n in range(3)]
    for width in (6.0, 14.0):
        for name, figure in draw_plots(runs, width=width).figures.items():
            for legend in figure.legends:
                if legend._ncols > 1:
                    assert legend.get_window_extent().width <= figure.bbox.width, name


def test_a_legend_has_rows_of_the_same_length(make):
    figure = draw_plots([make("one", rows=20), make("two", rows=20)]).figures["loss_plot"]
    assert figure.legends[0]._ncols in (2, 4)


# Names and numbers.


def test_runs_are_called_by_their_folders(tmp_path):
    assert named([tmp_path / "a" / "one", tmp_path / "a" / "two"]) == ["one", "two"]
    first, second = tmp_path / "a" / "one", tmp_path / "b" / "one"
    assert all(name.endswith(f"{letter}/one") for name, letter in zip(named([first, second]), "ab", strict=True))
    assert named([tmp_path / ("x" * 50)]) == ["…" + "x" * 27]


def test_numbers_beside_an_axis():
    assert [plain(value) for value in (0.0, 1500.0, 0.25, 2.0, 1e6)] == ["0", "1,500", "0.25", "2", "1,000,000"]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"width": 5.0}, r"^width must be from 6 to 40 cm \(got 5\)$"),
        ({"width": float("nan")}, r"^width must be from 6 to 40 cm \(got nan\)$"),
        ({"x_axis": "step"}, r"^x_axis must .* steps, epochs, kimg, minutes \(got 'step'\); did you mean 'steps'\?$"),
        ({"theme": "blue"}, r"^theme must be one of light, dark \(got 'blue'\)$"),
    ],
)
def test_what_will_not_do(make, asked, expected):
    with pytest.raises(RunError, match=expected):
        draw_plots([make("one", rows=20)], **asked)


def test_how_many_runs_go_into_a_plot(make):
    with refused("runs in a plot", "run"):
        pocketgan.plot()
    with refused("runs in a plot", "run"):
        draw_plots([make("one", rows=20)] * 8)
    empty = make("empty", rows=0, evaluations=0, best=False)
    with refused("nothing to plot", "run"):
        draw_plots([empty])


# What training draws.


@pytest.mark.slow
def test_training_draws_in_the_same_style(make):
    run = make("one", rows=20)
    paths = draw_figures(run)
    assert [path.name for path in paths] == ["loss_plot.png", "accuracy_plot.png", "quality_plot.png", "samples.gif"]
    titled = draw_plots([run], titled=True)
    assert paths[0].read_bytes() == titled.content("loss_plot", "png")
    assert "minimal, seed 0" in texts(titled.figures["loss_plot"])
    assert "minimal, seed 0" not in texts(draw_plots([run]).figures["loss_plot"])


def test_a_run_that_has_drawn_one_picture_gets_no_film(make):
    run = make("one", rows=20, evaluations=0, best=False)
    for path in [sample.path for sample in run.samples()][1:]:
        path.unlink()
    assert [path.name for path in draw_figures(run)] == ["loss_plot.png", "accuracy_plot.png"]
    (run.folder / "stats.jsonl").unlink()
    assert draw_figures(run) == []


def test_every_plot_is_documented():
    assert all((function.__doc__ or "").startswith("Draws ") for function in figures.PLOTS.values())

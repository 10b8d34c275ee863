"""A study's report: the page, the static plots, and the tables behind them. Doesn't import torch."""

from datetime import datetime
from pathlib import Path

from pocketgan.base.errors import StorageError, check_language
from pocketgan.base.files import write_atomically
from pocketgan.base.language import speaking, spoken
from pocketgan.images.lettering import drawn_language
from pocketgan.studies.report.charts import charts_of
from pocketgan.studies.report.figures import draw, draw_samples
from pocketgan.studies.report.findings import find
from pocketgan.studies.report.page import write_page
from pocketgan.studies.report.samples import find_samples
from pocketgan.studies.report.tables import csv_files
from pocketgan.studies.study import Study


def write_report(study: Study, language: str = "en") -> Path:
    """Writes the report of a complete or incomplete study into its folder `report`.

    Args:
        study: the study.
        language: code of one of `LANGUAGES`. Tables (CSV) are in English.

    Returns:
        Path of the self-contained page, `report/report.html`; PNG and CSV files are beside it.

    Raises:
        UserError: there is no such language.
        StorageError: a file can't be written.
    """
    with speaking(check_language(language)):
        return _write_report(study)


def _write_report(study: Study) -> Path:
    folder = study.folder / "report"
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise StorageError("no folder made", folder=folder, why=error.strerror) from None
    findings, samples = find(study), find_samples(study)
    charts, drawn = charts_of(findings), drawn_language()
    alike = drawn == spoken()
    with speaking(drawn):
        shown, pictured = (charts, samples) if alike else (charts_of(findings), find_samples(study))
        stills = {chart.name: draw(chart) for group in shown.values() for chart in group}
    files = {f"{name}.png": content for name, content in stills.items()}
    if pictured is not None and pictured.variants:
        files["samples.png"] = draw_samples(pictured)
    files |= {name: text.encode() for name, text in csv_files(findings).items()}
    page = write_page(findings, samples, charts, list(files), datetime.now())
    for name, content in files.items():
        write_atomically(folder / name, content, durable=False)
    write_atomically(folder / "report.html", page.encode(), durable=False)
    return folder / "report.html"

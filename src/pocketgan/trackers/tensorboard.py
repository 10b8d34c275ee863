"""TensorBoard: an event file in a folder of its own for each run."""

from pathlib import Path
from typing import Any

from PIL import Image

from pocketgan.base.errors import UserError
from pocketgan.base.files import write_json
from pocketgan.config.shell import quoted
from pocketgan.runs.records import read_object
from pocketgan.trackers.entries import Entry, library
from pocketgan.trackers.reading import Ending, Picture, Row

FLUSH_SECONDS = 2
EVENTS = "events.out.tfevents.*"
SOURCE = "pocketgan.json"
"""File beside the events that says which run they are of."""
CHANNELS = {"L": 1, "RGB": 3, "RGBA": 4}
MODULES = (
    "summary.writer.event_file_writer",
    "compat.proto.event_pb2",
    "compat.proto.summary_pb2",
    "compat.proto.tensor_pb2",
    "compat.proto.tensor_shape_pb2",
    "plugins.hparams.api_pb2",
    "plugins.hparams.metadata",
    "plugins.hparams.plugin_data_pb2",
    "plugins.text.metadata",
)


class TensorBoard:
    """An entry of TensorBoard: the sub-folder with the run's name, whose events are written from the start."""

    def __init__(self, entry: Entry) -> None:
        assert entry.folder is not None
        library_root = library("tensorboard", *MODULES)
        self._proto, self._plugins = library_root.compat.proto, library_root.plugins
        self.root, self.folder = entry.folder, entry.folder / entry.name
        claim(self.folder, entry)
        writer = library_root.summary.writer.event_file_writer.EventFileWriter
        self._writer: Any = writer(str(self.folder), flush_secs=FLUSH_SECONDS)
        self._began = False
        self._settings = entry.settings

    @property
    def where(self) -> str:
        """The folder of the entry."""
        return str(self.folder)

    @property
    def look(self) -> str:
        """The command that shows all entries."""
        return f"tensorboard --logdir {quoted(str(self.root))}"

    def scalars(self, rows: list[Row]) -> None:
        """Writes each number as a scalar."""
        for row in rows:
            values = [self._proto.summary_pb2.Summary.Value(tag=tag, simple_value=n) for tag, n in row.values.items()]
            self._add(values, row.time, row.step)

    def image(self, picture: Picture) -> None:
        """Writes the PNG file as an image."""
        with Image.open(picture.path) as opened:
            (width, height), channels = opened.size, CHANNELS.get(opened.mode, 3)
        content = {"encoded_image_string": picture.path.read_bytes(), "colorspace": channels}
        summary = self._proto.summary_pb2.Summary
        image = summary.Image(width=width, height=height, **content)
        self._add([summary.Value(tag=picture.name, image=image)], picture.time, picture.step)

    def close(self, ending: Ending) -> None:
        """Writes the state of the run, and closes the file."""
        self._begin(ending.time)
        self._add([self._text("state", ending.notes)], ending.time)
        api = self._plugins.hparams.api_pb2
        statuses = {"finished": api.STATUS_SUCCESS, "running": api.STATUS_RUNNING}
        status = statuses.get(ending.state, api.STATUS_FAILURE)
        end = self._plugins.hparams.plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=ending.time)
        if ending.state != "running":
            tag = self._plugins.hparams.metadata.SESSION_END_INFO_TAG
            self._add([self._hparams(tag, session_end_info=end)], ending.time)
        self._writer.close()

    def _begin(self, time: float) -> None:
        """Writes the settings, as a table and for the tab HParams."""
        if self._began:
            return
        self._began = True
        start = self._plugins.hparams.plugin_data_pb2.SessionStartInfo(start_time_secs=time)
        for name, value in self._settings.items():
            if isinstance(value, bool):
                start.hparams[name].bool_value = value
            elif isinstance(value, int | float):
                start.hparams[name].number_value = value
            elif isinstance(value, str):
                start.hparams[name].string_value = value
        event = self._proto.event_pb2
        log = event.SessionLog(status=event.SessionLog.START)
        self._writer.add_event(event.Event(wall_time=time, step=0, session_log=log))
        tag = self._plugins.hparams.metadata.SESSION_START_INFO_TAG
        self._add([self._hparams(tag, session_start_info=start)], time)
        self._add([self._text("settings", self._settings)], time)

    def _add(self, values: list[Any], time: float, step: int = 0) -> None:
        """Writes values of one step."""
        self._begin(time)
        summary = self._proto.summary_pb2.Summary(value=values)
        self._writer.add_event(self._proto.event_pb2.Event(wall_time=time, step=step, summary=summary))

    def _text(self, tag: str, values: dict[str, Any]) -> Any:
        """Returns a table of names and values as text in Markdown."""
        cells = [(name, str(value).replace("|", "\\|").replace("\n", " ")) for name, value in values.items()]
        table = "\n".join(["| name | value |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in cells)])
        shape = self._proto.tensor_shape_pb2.TensorShapeProto
        content = {"string_val": [table.encode()], "tensor_shape": shape(dim=[shape.Dim(size=1)])}
        tensor = self._proto.tensor_pb2.TensorProto(dtype="DT_STRING", **content)
        metadata = self._plugins.text.metadata.create_summary_metadata(tag, "")
        return self._proto.summary_pb2.Summary.Value(tag=tag, metadata=metadata, tensor=tensor)

    def _hparams(self, tag: str, **content: Any) -> Any:
        """Returns data of the tab HParams."""
        names, summary = self._plugins.hparams.metadata, self._proto.summary_pb2
        data = self._plugins.hparams.plugin_data_pb2.HParamsPluginData(version=names.PLUGIN_DATA_VERSION, **content)
        plugin = summary.SummaryMetadata.PluginData(plugin_name=names.PLUGIN_NAME, content=data.SerializeToString())
        metadata = summary.SummaryMetadata(plugin_data=plugin)
        return summary.Summary.Value(tag=tag, metadata=metadata, tensor=names.NULL_TENSOR)


def claim(folder: Path, entry: Entry) -> None:
    """Prepares the folder of an entry: it is created, or the events of an earlier call are deleted.

    Raises:
        UserError: the folder has events of something else.
    """
    old, source = sorted(folder.glob(EVENTS)), str(entry.source.resolve())
    if old and ((folder / SOURCE).is_file() is False or read_object(folder / SOURCE).get("source") != source):
        raise UserError("entry of another run", field="folder", folder=folder)
    folder.mkdir(parents=True, exist_ok=True)
    for path in old:
        path.unlink()
    write_json(folder / SOURCE, {"source": source})

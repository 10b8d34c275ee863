"""One's own parts for the processes of a study, on this machine or on a cluster."""

import pickle
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import cloudpickle

from pocketgan.base.errors import StudyError
from pocketgan.config import parts
from pocketgan.config.code import INSTALLED, load_code, loaded
from pocketgan.config.parts import Part


@dataclass(frozen=True)
class OwnParts:
    """What a person has handed over, in a form that another process can use.

    Attributes:
        files: the path and the sources of each file of code.
        objects: the parts that were handed over as objects, pickled by value.
    """

    files: tuple[tuple[str, Mapping[str, bytes]], ...] = ()
    objects: bytes = b""

    def hand_over(self) -> None:
        """Adds everything to the table of this process."""
        for path, sources in self.files:
            load_code(local_file(path, tuple(sorted(sources.items()))))
        if self.objects:
            for part in pickle.loads(self.objects):
                parts.put(part)


def own_parts() -> OwnParts:
    """Returns what the person has handed over in this process.

    Raises:
        StudyError: an object can't be sent to another process.
    """
    files = tuple((str(code.path), dict(code.files)) for code in loaded.values())
    objects = [as_plain(part) for part in parts.objects() if not from_file(part)]
    if not objects:
        return OwnParts(files)
    modules = {sys.modules[name] for name in map(module_of, objects) if name in sys.modules and name != "__main__"}
    by_value = [module for module in modules if not is_installed(getattr(module, "__file__", None))]
    for module in by_value:
        cloudpickle.register_pickle_by_value(module)
    try:
        return OwnParts(files, cloudpickle.dumps(objects))
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        why = f"{type(error).__name__}: {error}".splitlines()[0]
        raise StudyError("object not sent", field="study", name=objects[0].name, why=why) from None
    finally:
        for module in by_value:
            cloudpickle.unregister_pickle_by_value(module)


def as_plain(part: Part) -> Part:
    """Returns a part without its loaded module, which can't be pickled."""
    return part if part.code is None else replace(part, code=replace(part.code, module=None))


def from_file(part: Part) -> bool:
    """Returns whether another process can find a part by its name, in a file of code."""
    return part.name.partition(":")[0] in loaded


def module_of(part: Part) -> str:
    """Returns the name of the module in which a part was defined."""
    value: Any = part.value
    return getattr(value, "__module__", None) or type(value).__module__


def is_installed(file: str | None) -> bool:
    """Returns whether a module's file belongs to an installed package or to Python itself."""
    return file is None or any(Path(file).is_relative_to(folder) for folder in INSTALLED)


def local_file(path: str, sources: tuple[tuple[str, bytes], ...]) -> Path:
    """Returns a file of code on this machine: the same file if it is there, or else a copy in a temporary folder."""
    here = Path(path)
    if all((here.parent / name).is_file() and (here.parent / name).read_bytes() == text for name, text in sources):
        return here
    return copy_of(here.name, sources)


@cache
def copy_of(file: str, sources: tuple[tuple[str, bytes], ...]) -> Path:
    """Writes a file of code, and those that it imports, into a temporary folder; the same code only once."""
    folder = Path(tempfile.mkdtemp(prefix="pocketgan-code-"))
    for name, text in sources:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text)
    return folder / file

"""A person's own code: files that they hand over, what was read of them, and their SHA-256."""

import ast
import hashlib
import importlib.util
import inspect
import os
import re
import sys
import sysconfig
import traceback
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from pocketgan.base.errors import ConfigError, PocketganError, nearest

LOADED = "pocketgan_code_"
"""The beginning of the names of modules that are loaded from a person's files."""
NOTEBOOK = "notebook"
"""What stands for the file of a part that isn't from one."""
ENVIRONMENT = "POCKETGAN_CODE"
"""Environment variable with files to load, separated as in PATH; `ui --code` sets it for the processes it starts."""
INSTALLED = tuple(Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib"))
"""Folders of installed packages: of their files, only the one with the part is recorded."""
LARGEST = 5_000_000
"""Maximum number of bytes of a file of code."""
RESERVED = '<>:"/\\|?*,`'
"""Characters that names in configurations don't have: separators, and what has a meaning elsewhere."""


@dataclass(frozen=True)
class Code:
    """Source code that a person handed over.

    Attributes:
        path: the file; None for code from a notebook.
        files: the content of the file and of the files that it imports from its own folder, by relative name.
        module: the loaded module; None if only the source was read.
    """

    path: Path | None
    files: Mapping[str, bytes] = field(repr=False)
    module: ModuleType | None = field(default=None, repr=False)

    def attribute(self, name: str, field: str) -> Any:
        """Returns what the file calls `name`; errors are about `field`.

        Raises:
            ConfigError: there is no such name in the file, or it only imports it from elsewhere.
        """
        assert self.module is not None and self.path is not None
        names = self.names()
        if name not in names:
            parts = {"file": self.path.name, "name": name, "hint": nearest(name, names)}
            raise ConfigError("not in the code", field=field, **parts)
        return getattr(self.module, name)

    def names(self) -> list[str]:
        """Returns the names that the file defines, or imports from files beside it."""
        return [name for name, value in vars(self.module).items() if self._defines(name, value)]

    def _defines(self, name: str, value: Any) -> bool:
        if name.startswith("__") or isinstance(value, ModuleType):
            return False
        home = getattr(value, "__module__", None) if isinstance(value, type) or inspect.isroutine(value) else None
        if home is None:
            return True
        assert self.module is not None and self.path is not None
        file = getattr(sys.modules.get(home), "__file__", None)
        return home == self.module.__name__ or (file is not None and Path(file).parent == self.path.parent)


def hashes(files: Mapping[str, bytes]) -> dict[str, str]:
    """Returns the SHA-256 of each file, by relative name."""
    return {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())}


loaded: dict[str, Code] = {}
"""The files that were handed over, by their names without folders."""


def load_code(path: str | Path) -> Code:
    """Runs a file that the person handed over, as `import` would, and remembers it by its name.

    Raises:
        ConfigError: the file doesn't exist, another loaded file has its name, or its code fails; the message names the
            line.
    """
    path = Path(path).expanduser().resolve()
    if path.suffix != ".py":
        raise ConfigError("no python file", field="code", path=path)
    files = sources(path)
    called = file_name(path)
    known = loaded.get(called)
    if known is not None and known.path == path and known.files == files:
        return known
    if known is not None and known.path != path:
        raise ConfigError("same file name", field="code", path=path, other=known.path)
    forget_siblings(path)
    name = LOADED + re.sub(r"\W", lambda found: f"_{ord(found[0]):x}_", path.stem)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        sys.modules.pop(name, None)
        raise failed(error, path, "code") from None
    finally:
        sys.path.remove(str(path.parent))
    loaded[called] = Code(path, files, module)
    return loaded[called]


def file_name(path: Path) -> str:
    """Returns the name of a file of code in configurations: `my_gan.py`. Reserved characters become underscores."""
    name = "".join("_" if letter in RESERVED or not letter.isprintable() else letter for letter in path.name)
    return name if name[:1].isalnum() or name[:1] == "_" else f"_{name[1:]}"


def spelled_before(name: str) -> str:
    """Returns how an older version spelled the name of a part of one's own: with letters of ASCII alone."""
    file, separator, part = name.rpartition(":")
    return re.sub(r"[^A-Za-z0-9_.-]", "_", file) + separator + part


def load_from_environment() -> None:
    """Loads the files that the environment variable names."""
    for path in os.environ.get(ENVIRONMENT, "").split(os.pathsep):
        if path:
            load_code(path)


def failed(error: BaseException, path: Path, field: str) -> ConfigError:
    """Returns the error that running a person's own code failed: where in its files, and what it says, in one line."""
    text = str(error) or type(error).__name__
    if isinstance(error, SyntaxError):
        place = Path(error.filename or path).name + (f", line {error.lineno}" if error.lineno else "")
        return ConfigError("in file", field=field, path=place, why=f"SyntaxError: {error.msg}")
    why = error if isinstance(error, PocketganError) else f"{type(error).__name__}: {text.splitlines()[0]}"
    return ConfigError("in file", field=field, path=place_of(error, [path.parent]) or path.name, why=why)


def place_of(error: BaseException, folders: Collection[Path]) -> str:
    """Returns the last line that was reached in a file of these folders, as `my_gan.py, line 3`; empty if none was."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).parent in folders]
    return f"{Path(own[-1].filename).name}, line {own[-1].lineno}" if own else ""


def forget_siblings(path: Path) -> None:
    """Forgets imported modules of other folders that have the names of files beside `path`."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        beside = path.parent / f"{name}.py"
        own = [code.path.parent for code in loaded.values() if code.path is not None]
        if file and beside.is_file() and Path(file).parent in own and Path(file).parent != path.parent:
            del sys.modules[name]


def sources(path: Path) -> dict[str, bytes]:
    """Reads a file and, one after the other, the files that it imports from its own folder.

    Returns:
        Contents by relative name, the file's own first.

    Raises:
        ConfigError: the file can't be read or is too large.
    """
    results: dict[str, bytes] = {}
    waiting = [path]
    while waiting:
        current = waiting.pop(0)
        name = current.relative_to(path.parent).as_posix()
        if name in results:
            continue
        try:
            content = current.read_bytes()
        except OSError as error:
            raise ConfigError("code unreadable", field="code", path=current, why=error.strerror) from None
        if len(content) > LARGEST:
            raise ConfigError("code unreadable", field="code", path=current, why=f"> {LARGEST:,} bytes")
        results[name] = content
        waiting += [file for imported in imports_of(content) for file in files_of(imported, path.parent)]
    return results


def imports_of(content: bytes) -> list[str]:
    """Returns the names of the modules that a source imports, wherever in it; none if it can't be parsed."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return []
    results = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            results += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            results += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return results


def files_of(module: str, folder: Path) -> list[Path]:
    """Returns the files in `folder` that importing a module reads: its packages' and its own."""
    results, place = [], folder
    for part in module.split("."):
        package, file = place / part / "__init__.py", place / f"{part}.py"
        if file.is_file():
            return [*results, file]
        if not package.is_file():
            break
        results.append(package)
        place = place / part
    return results


def name_of_object(value: Any, kind: str) -> str:
    """Returns the name of an object in configurations: its file and its own name."""
    code = code_of(value) if is_described(value) or home_of(value) is not None else None
    path = None if code is None else code.path
    file = NOTEBOOK if path is None else file_name(path.parent if path.name == "__init__.py" else path)
    name = variable_of(value) or getattr(value, "__name__", "") or getattr(value, "name", "") or type(value).__name__
    plain = re.sub(r"\W", "_", str(name)).lstrip("0123456789_") or kind
    return f"{file}:{plain}"


def is_described(value: Any) -> bool:
    """Returns whether an object knows where it was defined, as classes and functions do."""
    return isinstance(value, type) or inspect.isroutine(value)


def home_of(value: Any) -> Code | ModuleType | None:
    """Returns the loaded file, or else the script, that holds an object which doesn't know where it was defined."""
    for code in loaded.values():
        if any(one is value for one in vars(code.module).values()):
            return code
    script = sys.modules.get("__main__")
    return script if script is not None and any(one is value for one in vars(script).values()) else None


def variable_of(value: Any) -> str:
    """Returns the variable that holds an object which has no name of its own; empty if there is none."""
    home = None if is_described(value) else home_of(value)
    module = home.module if isinstance(home, Code) else home
    names = [] if module is None else [name for name, one in vars(module).items() if one is value]
    return next((name for name in names if not name.startswith("_")), "")


def code_of(value: Any) -> Code | None:
    """Returns the source of an object; None if it is unknown, as for what was typed into a Python shell.

    What no variable holds, such as a metric that a function returned, has the source of the function that it calls.
    """
    if not is_described(value):
        home = home_of(value)
        file = getattr(home, "__file__", None)
        if isinstance(home, Code) or file:
            return home if isinstance(home, Code) else code_in(Path(str(file)).resolve())
        function = function_in(value)
        return None if function is None else code_of(function)
    for code in loaded.values():
        if code.module is not None and getattr(value, "__module__", None) == code.module.__name__:
            return code
    try:
        code = code_in(Path(inspect.getsourcefile(value) or "").resolve())
    except TypeError:
        code = None
    text = notebook_source(value) if code is None else None
    name = re.sub(r"\W", "", value.__name__)
    return code if text is None else Code(None, {f"{NOTEBOOK}-{name}.py": text.encode()})


def function_in(value: Any) -> Any:
    """Returns the function of a person that an object calls, such as a metric or a partial; None if there is none."""
    if isinstance(value, partial):
        return value.func if is_described(value.func) else function_in(value.func)
    for one in getattr(value, "__dict__", {}).values():
        function = function_in(one) if isinstance(one, partial) else one
        if inspect.isfunction(function) and not function.__module__.startswith("pocketgan."):
            return function
    return None


def code_in(path: Path) -> Code | None:
    """Returns the source in a file, which isn't run; None if it isn't a Python file."""
    if not (path.is_file() and path.suffix == ".py"):
        return None
    installed = any(path.is_relative_to(folder) for folder in INSTALLED)
    return Code(path, {path.name: path.read_bytes()} if installed else sources(path))


def notebook_source(value: Any) -> str | None:
    """Returns the source text of a class or function from a notebook; None if it isn't known."""
    try:
        return inspect.getsource(value)
    except (OSError, TypeError):
        pass
    if not isinstance(value, type):
        return None
    texts = []
    for function in filter(inspect.isfunction, vars(value).values()):
        try:
            texts.append(inspect.getsource(function))
        except (OSError, TypeError):
            return None
    return "".join(texts) or None

"""Packs a study's folder without checkpoints and pictures, as `docs/results/coursework/data` keeps it.

`python tools/keep_study.py studies/convolutions docs/results/coursework/data/convolutions.tar.xz`
"""

import argparse
import io
import json
import re
import tarfile
from pathlib import Path

KEPT = ("study.json", "config.json", "environment.json", "events.jsonl", "metrics.jsonl", "result.json", "stats.jsonl",
        "status.json")  # fmt: skip


def kept_content(path: Path, every: int = 1) -> bytes:
    """Returns what is kept of a file: all of it, but no folder of the computer that ran the study.

    Args:
        path: the file.
        every: of `stats.jsonl`, the rows whose step is a multiple of this.
    """
    if path.name == "stats.jsonl" and every > 1:
        lines = path.read_bytes().splitlines(keepends=True)
        return b"".join(line for line in lines if json.loads(line)["step"] % every == 0)
    if path.name != "environment.json":
        return path.read_bytes()
    values = json.loads(path.read_text(encoding="utf-8"))
    values["command"] = re.sub(r"/(?:[^\s/]+/)*?(?=docs/|studies/)", "", values["command"])
    return json.dumps(values, indent=2, ensure_ascii=False).encode()


def pack(folder: Path, out: Path, every: int = 1) -> None:
    """Writes the archive; equal folders give equal archives."""
    with tarfile.open(out, "w:xz", preset=9) as packed:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.name in KEPT:
                content = kept_content(path, every)
                entry = tarfile.TarInfo(f"{folder.name}/{path.relative_to(folder).as_posix()}")
                entry.size = len(content)
                packed.addfile(entry, io.BytesIO(content))


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="the study's folder")
    parser.add_argument("out", type=Path, help="the archive, .tar.xz")
    parser.add_argument("--every", type=int, default=1, help="keep only the losses of steps that are multiples of this")
    given = parser.parse_args()
    pack(given.folder.resolve(), given.out, given.every)


if __name__ == "__main__":
    main()

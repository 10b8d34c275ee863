"""Data that a browser uploads for a training: received piece by piece, and kept below the served folder in `uploads`.

An upload has one or many files. They arrive in a hidden folder, which becomes a data set when the upload ends.
"""

import secrets
import shutil
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NoReturn

from pocketgan.base.errors import WebError
from pocketgan.web.site import UPLOADS, Site
from pocketgan.web.train.names import ALONE, ZIP, safe_name, safe_path
from pocketgan.web.train.unpacking import free_path, lift, remove, unpack

MOST_BYTES, MOST_FILES = 2_000_000_000, 100_000
"""Largest number of bytes and files of an upload, packed and unpacked."""
SPARE_BYTES = 500_000_000
"""Bytes of the disk that stay free."""
MOST_UPLOADS, IDLE_SECONDS = 4, 900.0
"""Largest number of uploads at a time, and seconds without a piece after which an upload is removed."""
PREFIX = ".upload-"
FALLBACK = "pictures"


@dataclass
class Upload:
    """An upload that isn't complete.

    Attributes:
        folder: the hidden folder of its files.
        name: name of the data set.
        bytes, files: what has arrived.
        most: the largest number of bytes.
        touched: when the last piece arrived, in seconds of the monotonic clock.
    """

    folder: Path
    name: str
    most: int
    bytes: int = 0
    files: int = 0
    touched: float = field(default_factory=time.monotonic)


class Incoming:
    """All uploads to a site."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._uploads: dict[str, Upload] = {}
        self._lock = threading.Lock()

    def begin(self, name: object, files: object, size: object) -> str:
        """Begins an upload; returns its token.

        Args:
            name: the wanted name of the data set.
            files: the number of files.
            size: the sum of their sizes in bytes.

        Raises:
            WebError: it is too large, the disk is too full, or there are too many uploads.
        """
        if not (isinstance(name, str) and type(files) is int and type(size) is int and files > 0 and size >= 0):
            raise WebError(self._site.say("no such name"))
        if files > MOST_FILES:
            raise WebError(self._site.say("upload files", most=MOST_FILES))
        if size > MOST_BYTES:
            raise WebError(self._site.say("upload large", most=MOST_BYTES // 1_000_000_000))
        with self._lock:
            self._discard_idle()
            if len(self._uploads) >= MOST_UPLOADS:
                raise WebError(self._site.say("upload crowd", most=MOST_UPLOADS))
            token = secrets.token_urlsafe(16)
            folder = self._made() / f"{PREFIX}{token}"
            most = min(MOST_BYTES, shutil.disk_usage(folder.parent).free - SPARE_BYTES)
            if size > most:
                raise WebError(self._site.say("upload no room"))
            folder.mkdir()
            self._uploads[token] = Upload(folder, safe_name(name) or FALLBACK, most)
        return token

    async def receive(self, token: str, path: str, pieces: AsyncIterator[bytes]) -> None:
        """Writes one file of an upload as its pieces arrive; what has arrived is removed if an error occurs.

        Args:
            token: the upload.
            path: relative path of the file within the data set, from a browser.
            pieces: content of the file.

        Raises:
            WebError: there is no such upload, the path isn't acceptable, or the upload becomes too large.
        """
        upload = self._uploads.get(token) or self._unknown()
        wanted = safe_path(path)
        with self._lock:
            upload.files += 1
            if upload.files > MOST_FILES:
                raise WebError(self._site.say("upload files", most=MOST_FILES))
            place = self._reserved(upload, wanted)
        try:
            with place.open("wb") as file:
                async for piece in pieces:
                    self._count(upload, len(piece))
                    file.write(piece)
        except BaseException:
            place.unlink(missing_ok=True)
            raise

    def end(self, token: str) -> str:
        """Completes an upload: unpacks archives, and gives the data set its place; returns its relative name.

        Raises:
            WebError: there is no such upload, it is empty, or an archive can't be unpacked.
        """
        with self._lock:
            upload = self._uploads.pop(token, None) or self._unknown()
        try:
            for archive in sorted(path for path in upload.folder.rglob("*") if path.name.lower().endswith(ZIP)):
                self._unpacked(upload, archive)
            lift(upload.folder)
            source, name = data_of(upload)
            if source is None:
                raise WebError(self._site.say("zip of nothing", name=upload.name))
            with self._lock:
                place = free_path(self._made() / name)
                source.rename(place)
        finally:
            remove(upload.folder)
        self._site.forget()
        return place.relative_to(self._site.folder).as_posix()

    def cancel(self, token: str) -> None:
        """Removes an upload and its files, if there is one."""
        with self._lock:
            upload = self._uploads.pop(token, None)
        if upload is not None:
            remove(upload.folder)

    def _unknown(self) -> NoReturn:
        raise WebError(self._site.say("upload unknown"))

    def _made(self) -> Path:
        """Returns the folder of uploaded data sets, which is created if it is missing."""
        folder = self._site.path(UPLOADS)
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise WebError(self._site.say("not started", why=error.strerror or str(error))) from None
        return folder

    def _reserved(self, upload: Upload, wanted: PurePosixPath) -> Path:
        """Creates an empty file below the folder of an upload, under the wanted name if it is free."""
        place = upload.folder / wanted
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place = free_path(place)
            place.touch(exist_ok=False)
        except OSError:
            raise WebError(self._site.say("no such name")) from None
        return place

    def _unpacked(self, upload: Upload, archive: Path) -> None:
        """Replaces an archive by a folder of its files, named like it."""
        folder = free_path(archive.with_name(safe_name(archive.name[: -len(ZIP)]) or FALLBACK))
        folder.mkdir()
        remaining = MOST_FILES - upload.files
        upload.files += unpack(archive, folder, lambda count: self._count(upload, count), remaining)
        archive.unlink()
        lift(folder)

    def _count(self, upload: Upload, count: int) -> None:
        upload.bytes += count
        upload.touched = time.monotonic()
        if upload.bytes > MOST_BYTES:
            raise WebError(self._site.say("upload large", most=MOST_BYTES // 1_000_000_000))
        if upload.bytes > upload.most:
            raise WebError(self._site.say("upload no room"))

    def _discard_idle(self) -> None:
        """Removes abandoned uploads, including those that a server left that was killed."""
        now = time.monotonic()
        for token in [token for token, one in self._uploads.items() if now - one.touched > IDLE_SECONDS]:
            remove(self._uploads.pop(token).folder)
        known = {upload.folder for upload in self._uploads.values()}
        for folder in self._made().glob(f"{PREFIX}*"):
            if folder not in known and time.time() - folder.stat().st_mtime > IDLE_SECONDS:
                remove(folder)


def data_of(upload: Upload) -> tuple[Path | None, str]:
    """Returns what a complete upload holds, and its name: its only file if that is an array file, else its folder."""
    files = [path for path in upload.folder.rglob("*") if path.is_file()]
    if not files:
        return None, upload.name
    ending = files[0].suffix.lower()
    if len(files) == 1 and ending in ALONE:
        return files[0], f"{upload.name.removesuffix(files[0].suffix)}{ending}"
    return upload.folder, upload.name

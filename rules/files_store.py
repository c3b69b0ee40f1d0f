"""Where the bytes of uploads and exports are kept: a folder by default, S3-compatible by one setting (architecture, Files).

A file is known by its key alone, which nobody can guess. The one thing a newcomer gets wrong: knowing a key is no right to the
file; that is decided by the row that holds the key, read within the person's reach.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import IO, cast

from fsspec.core import url_to_fs

JOBS = "jobs"
"""The area of files that live as long as the job they belong to."""

PIECES = "pieces"
"""The area of pieces of uploads that are still on their way."""
FILES = "files"
"""The area of files that records refer to, and of the previews made of them."""
CHUNK = 1024 * 1024

_KEY = re.compile(r"[a-z]+/\d{8}/[A-Za-z0-9_-]{43}")
_DAY = re.compile(r"(\d{4})(\d\d)(\d\d)")


class FileStore:
    """The files of one installation, below one fsspec address."""

    def __init__(self, url: str) -> None:
        self._fs, self._root = url_to_fs(url, auto_mkdir=True) if url.startswith("file:") else url_to_fs(url)

    def put(self, source: Path, *, area: str = JOBS, now: datetime) -> str:
        """Keep a copy of ``source``; the answer is its key."""
        key = f"{area}/{now:%Y%m%d}/{secrets.token_urlsafe(32)}"
        self._fs.put_file(str(source), self._path(key))
        return key

    def write(self, chunks: Iterable[bytes], *, area: str, now: datetime) -> str:
        """Keep what the chunks hold together; the answer is its key. What breaks off leaves nothing."""
        key = f"{area}/{now:%Y%m%d}/{secrets.token_urlsafe(32)}"
        try:
            with self._fs.open(self._path(key), "wb") as file:
                for chunk in chunks:
                    file.write(chunk)
        except BaseException:
            with suppress(OSError):
                self.delete(key)
            raise
        return key

    def read(self, keys: Iterable[str]) -> Iterator[bytes]:
        """The bytes of several files one after the other, a chunk at a time."""
        for key in keys:
            with self.open(key) as file:
                while chunk := file.read(CHUNK):
                    yield chunk

    def has(self, key: str) -> bool:
        """Whether the file is there."""
        return bool(self._fs.exists(self._path(key)))

    def keys(self, *, area: str, day: date) -> list[str]:
        """The keys of the area's files kept on that day."""
        folder = f"{self._root}/{area}/{day:%Y%m%d}"
        if not self._fs.exists(folder):
            return []
        names = (str(path).rsplit("/", 1)[-1] for path in self._fs.ls(folder, detail=False))
        return [key for name in names if _KEY.fullmatch(key := f"{area}/{day:%Y%m%d}/{name}")]

    def open(self, key: str) -> IO[bytes]:
        """The file's bytes; FileNotFoundError when it is gone."""
        return cast("IO[bytes]", self._fs.open(self._path(key), "rb"))

    def fetch(self, key: str, target: Path) -> Path:
        """Copy the file to ``target``, for what needs a path; FileNotFoundError when it is gone."""
        self._fs.get_file(self._path(key), str(target))
        return target

    def delete(self, key: str) -> None:
        """Forget the file; one that is gone already is no error."""
        if self._fs.exists(self._path(key)):
            self._fs.rm_file(self._path(key))

    def collect(self, *, area: str = JOBS, before: date) -> int:
        """Delete the area's files kept before that day; the answer is how many days were cleared."""
        folder = f"{self._root}/{area}"
        if not self._fs.exists(folder):
            return 0
        names = [str(path).rstrip("/").rsplit("/", 1)[-1] for path in self._fs.ls(folder, detail=False)]
        old = [name for name in names if (day := _day(name)) is not None and day < before]
        for name in old:
            self._fs.rm(f"{folder}/{name}", recursive=True)
        return len(old)

    def check(self) -> None:
        """Write, read and delete a few bytes; raises whatever stands in the way."""
        path = f"{self._root}/health/{secrets.token_hex(8)}"
        self._fs.pipe_file(path, b"ok")
        answer = self._fs.cat_file(path)
        self._fs.rm_file(path)
        if answer != b"ok":
            raise OSError("the file store gives back something else than it was given")

    def _path(self, key: str) -> str:
        if not _KEY.fullmatch(key):
            raise FileNotFoundError(key)
        return f"{self._root}/{key}"


def _day(name: str) -> date | None:
    found = _DAY.fullmatch(name)
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None

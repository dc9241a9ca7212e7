"""Records on disk: small private files of lines, in one directory with a subdirectory for each kind.

- The directory must be private (mode 0700, owned by the user, not a symbolic link). Files have mode 0600 from
  creation and are replaced atomically, so readers never lock.
- File names are short. The record contains its whole key, which is compared, so a misplaced file or two keys
  with the same name never serve the wrong record.
- Unreadable, corrupt or foreign-owned files count as missing.
"""

import os

from ecr_credhelper.files import (
    checksum,
    create_private,
    is_private,
    make_private,
    read_private,
    remove,
    write_private,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

FORMAT = "2"
"""The format of the records. Each format has its own directory, since two versions can share a cache."""

MAGIC = f"ecr-credhelper {FORMAT}"
"""The first line of every record. The last line is a checksum of all lines before it."""


class FileStore:
    """The records in a directory, which is created on the first write. Without one, the store stays empty."""

    def __init__(self, directory: str = "") -> None:
        self.directory = directory

    def read(self, kind: str, name: str, key: str | None = None) -> list[str] | None:
        """Return the lines of a record, or None. With ``key``, the record must have it as its first line.

        That line is then not part of the result.
        """
        if not is_private(self.directory):
            return None
        lines = _read_lines(self.path(kind, name))
        if key is None or lines is None:
            return lines
        return lines[1:] if lines[0] == key else None

    def read_all(self, kind: str, suffix: str = "") -> "Iterator[tuple[str, list[str]]]":
        """Yield name and lines of every readable record of a kind, if its name has this suffix."""
        directory = self.path(kind, "")
        for name in self.names(kind):  # checks once that the directory is private
            if name.endswith(suffix) and (lines := _read_lines(directory + name)):
                yield name, lines

    def write(self, kind: str, name: str, key: str, *lines: str) -> None:
        """Write or replace a record; raise OSError if that fails. No line contains a line break."""
        if not self.directory:
            raise FileNotFoundError(0, "no cache directory", "the cache")
        self._make_directories(kind)
        body = "\n".join((MAGIC, key, *lines)).encode("utf-8", "surrogateescape")
        write_private(self.path(kind, name), _with_checksum(body))

    def try_write(self, kind: str, name: str, key: str, *lines: str) -> None:
        """Write or replace a record, if possible."""
        try:
            self.write(kind, name, key, *lines)
        except OSError:
            return

    def is_recent(self, kind: str, name: str, key: str, now: float, *, seconds: float) -> bool:
        """Return whether the only line of a record is a time in the last ``seconds``."""
        try:
            return 0 <= now - float("".join(self.read(kind, name, key) or [])) < seconds
        except ValueError:
            return False

    def create(self, kind: str, name: str) -> bool:
        """Create an empty file; return False if it already exists or cannot be created."""
        try:
            self._make_directories(kind)
        except OSError:
            return False
        return create_private(self.path(kind, name))

    def names(self, kind: str) -> list[str]:
        """Return the names of all records of a kind, without temporary files."""
        if not is_private(self.directory):
            return []
        try:
            names = os.listdir(self.path(kind))
        except OSError:
            return []
        return sorted(name for name in names if not name.startswith("."))

    def discard(self, kind: str, name: str) -> None:
        """Remove a record, if it exists."""
        if is_private(self.directory):
            remove(self.path(kind, name))

    def path(self, *names: str) -> str:
        """Return the path of a record, or of the directory of a kind."""
        return os.path.join(self.directory, FORMAT, *names)

    def _make_directories(self, kind: str) -> None:
        for directory in (self.directory, self.path(), self.path(kind)):
            make_private(directory)


def _read_lines(path: str) -> list[str] | None:
    """Return the lines of a record after the first one, or None if it is missing or not valid."""
    content = read_private(path) or b""
    body = content[:-1].rpartition(b"\n")[0]
    if content != _with_checksum(body):
        return None
    magic, *lines = body.decode("utf-8", "surrogateescape").split("\n")
    return lines if magic == MAGIC and lines else None


def _with_checksum(body: bytes) -> bytes:
    return b"%b\n%b\n" % (body, checksum(body).encode())

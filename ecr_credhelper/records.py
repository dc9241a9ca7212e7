"""Records on disk: small private files of lines, in one folder with a folder for each kind.

The rules:

- The folder is the person's alone (0700, own, no symbolic link), else it is not used; files are 0600
  from their creation and replaced atomically. Readers never lock.
- A record's name is short; its whole key stands in it and is compared, so that neither two keys of one
  name nor a file in the wrong place can be taken for another.
- Whatever cannot be read, is damaged or belongs to somebody else is not there. Nothing here raises.
"""

import os

from ecr_credhelper.files import (
    checksum,
    create_private,
    ensure_private,
    is_private,
    read_private,
    remove,
    replace_private,
)

FORMAT = "2"
"""The format of the records. Each format has its own directory, since two versions can share a cache."""

MAGIC = f"ecr-credhelper {FORMAT}"
"""The first line of every record. The last line is a checksum of all lines before it."""


class FileStore:
    """The records in one folder, which need not exist yet; none are kept or found where ``folder`` is empty.

    No line may hold a line break.
    """

    def __init__(self, directory: str = "") -> None:
        self.directory = directory

    def read(self, kind: str, name: str, key: str | None = None) -> list[str] | None:
        """Return the lines of a record after its key, or None; without ``key``, the key comes first."""
        if not is_private(self.directory):
            return None
        content = read_private(self.path(kind, name)) or b""
        body = content[:-1].rpartition(b"\n")[0]
        if content != _with_checksum(body):
            return None
        magic, *lines = body.decode("utf-8", "surrogateescape").split("\n")
        if magic != MAGIC or not lines:
            return None
        if key is None:
            return lines
        return lines[1:] if lines[0] == key else None

    def write(self, kind: str, name: str, key: str, *lines: str) -> None:
        """Write or replace a record; do nothing if that is not possible."""
        try:
            self.save(kind, name, key, *lines)
        except OSError:
            return

    def save(self, kind: str, name: str, key: str, *lines: str) -> None:
        """Write or replace a record; raise OSError if that is not possible."""
        if not self.directory:
            raise FileNotFoundError(0, "there is no home directory for it", "the cache")
        self._make(kind)
        body = "\n".join((MAGIC, key, *lines)).encode("utf-8", "surrogateescape")
        replace_private(self.path(kind, name), _with_checksum(body))

    def is_recent(self, kind: str, name: str, key: str, now: float, *, seconds: float) -> bool:
        """Return whether the one line of a record is a time in the last ``seconds``."""
        lines = self.read(kind, name, key)
        return lines is not None and is_recent("".join(lines), now, seconds)

    def create(self, kind: str, name: str) -> bool:
        """Make an empty file; tell whether it was this process that made it."""
        try:
            self._make(kind)
        except OSError:
            return False
        return create_private(self.path(kind, name))

    def names(self, kind: str) -> list[str]:
        """Return the names of all records of one kind, those left out that are being written."""
        if not is_private(self.directory):
            return []
        try:
            names = os.listdir(self.path(kind))
        except OSError:
            return []
        return sorted(name for name in names if not name.startswith("."))

    def discard(self, kind: str, name: str) -> None:
        """Remove a record, if it is there."""
        if is_private(self.directory):
            remove(self.path(kind, name))

    def path(self, *names: str) -> str:
        """Return the path of a record, or of the directory of a kind."""
        return os.path.join(self.directory, FORMAT, *names)

    def _make(self, kind: str) -> None:
        for directory in (self.directory, self.path(), self.path(kind)):
            ensure_private(directory)


def is_recent(time: str, now: float, seconds: float) -> bool:
    """Return whether a line of a record is a time in the last ``seconds`` before ``now``."""
    try:
        return 0 <= now - float(time) < seconds
    except ValueError:
        return False


def _with_checksum(body: bytes) -> bytes:
    """Return a record's content: its lines, and one more with their checksum."""
    return b"%b\n%b\n" % (body, checksum(body).encode())

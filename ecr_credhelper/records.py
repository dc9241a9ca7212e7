"""Records on disk: small private files of lines, in one folder with a folder for each kind.

The rules:

- The folder is the person's alone (0700, own, no symbolic link), else it is not used; files are 0600
  from their creation and replaced atomically. Readers never lock.
- A record's name is short; its whole key stands in it and is compared, so that neither two keys of one
  name nor a file in the wrong place can be taken for another.
- Whatever cannot be read, is damaged or belongs to somebody else is not there. Nothing here raises.
"""

import os

from ecr_credhelper.files import create_private, is_private, make_private, read_private, remove, write_private

MAGIC = "ecr-credhelper 1"
"""The first line of every record; the number changes with the format, and older records are not there."""

END = "end"
"""The last line of every record: one that was cut short lacks it."""


class Records:
    """The records in one folder, which need not exist yet; none are kept or found where ``folder`` is empty.

    No line may hold a line break.
    """

    def __init__(self, folder: str = "") -> None:
        self.folder = folder

    def read(self, kind: str, name: str, key: str | None = None) -> list[str] | None:
        """Return the lines of a record after its key, or None; without ``key``, the key comes first."""
        if not is_private(self.folder):
            return None
        content = read_private(os.path.join(self.folder, kind, name)) or b""
        try:
            magic, *lines, end, nothing = content.decode("utf-8", "surrogateescape").split("\n")
        except ValueError:
            return None
        if magic != MAGIC or end != END or nothing or not lines:
            return None
        if key is None:
            return lines
        return lines[1:] if lines[0] == key else None

    def write(self, kind: str, name: str, key: str, *lines: str) -> None:
        """Write a record, or replace it whole; where that is not possible, do nothing."""
        content = "\n".join((MAGIC, key, *lines, END, "")).encode("utf-8", "surrogateescape")
        if self._make(kind):
            write_private(os.path.join(self.folder, kind, name), content)

    def is_recent(self, kind: str, name: str, key: str, now: float, *, seconds: float) -> bool:
        """Tell whether the one line of a record is a time of these last seconds."""
        lines = self.read(kind, name, key)
        try:
            return 0 <= now - float((lines or [""])[0]) < seconds
        except ValueError:
            return False

    def create(self, kind: str, name: str) -> bool:
        """Make an empty file; tell whether it was this process that made it."""
        return self._make(kind) and create_private(os.path.join(self.folder, kind, name))

    def names(self, kind: str) -> list[str]:
        """Return the names of all records of one kind, those left out that are being written."""
        if not is_private(self.folder):
            return []
        try:
            names = os.listdir(os.path.join(self.folder, kind))
        except OSError:
            return []
        return sorted(name for name in names if not name.startswith("."))

    def discard(self, kind: str, name: str) -> None:
        """Remove a record, if it is there."""
        if is_private(self.folder):
            remove(os.path.join(self.folder, kind, name))

    def _make(self, kind: str) -> bool:
        return make_private(self.folder) and make_private(os.path.join(self.folder, kind))

"""Files of the person's: read as they are, written whole or not at all, with a backup beside each."""

import glob
import os
import stat
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, NamedTuple

from ecr_credhelper import files
from ecr_credhelper.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BACKUP = ".before-ecr-py"
"""The end of a backup's name. It stands beside the name that the person knows, not behind a symbolic link."""

NEW, LOCK = ".new-ecr-py", ".lock-ecr-py"
"""The ends of the names of a file that is being written, and of one whose maker alone may write."""

ABANDONED = 10
"""Seconds after which the maker of a lock must be dead: it is there for milliseconds."""

POLL = 0.01
"""Seconds between two looks at a lock that somebody else has: about as long as one is held."""

ABSENT = b"null"
"""The backup of a file that was not there: JSON that says nothing."""

UNCHANGED = "nothing was changed"


class ChangedError(ConfigurationError):
    """Somebody else wrote the file after it was read."""


class ConfigFile:
    """One file as it is now; ``check`` raises a ValueError for a content that must not be touched.

    Raises:
        ConfigurationError: it cannot be read, or is not what ``check`` wants.

    """

    def __init__(self, path: str, check: "Callable[[str], object]") -> None:
        if path.startswith("~") and os.path.expanduser(path) == path:
            raise ConfigurationError("", "there is no home folder", "set HOME or DOCKER_CONFIG")
        self.path = path
        self.backup = f"{path}{BACKUP}"
        self._real = os.path.realpath(path)
        self._new = f"{self._real}{NEW}"
        self._content, self.saved = self._now()
        self.text = _text(path, self._content or b"", check)
        self.was_absent = self._content is None if self.saved is None else self.saved == ABSENT
        self.before = (
            None if self.saved is None else "" if self.was_absent else _text(self.backup, self.saved, check)
        )

    def prepare(self, text: str, held: ExitStack) -> None:
        """Write a new content beside the file, through symbolic links, with its mode and owner.

        Until ``held`` ends, other processes of ours wait.
        """
        for path in (self.path, self._real):
            _make(os.path.dirname(os.path.abspath(path)))
        _lock(f"{self._real}{LOCK}")
        held.callback(files.remove, f"{self._real}{LOCK}")
        if (self._content, self.saved) != self._now():
            raise ChangedError(self.path, "was changed in the meantime", "try again")
        files.remove(self._new)  # of a process that was killed
        held.callback(files.remove, self._new)
        with open(self._new, "xb", opener=_private) as file:
            file.write(text.encode())
        if self._content is None:
            _own(self._new, os.path.dirname(self._real))
        elif text != self.text:
            _take_over(self._real, self._new)

    def keep(self, backup: bytes) -> None:
        """Write the backup, for the file's owner; what others left half-written of one goes."""
        folder, name = os.path.split(self.backup)
        for left in glob.glob(f".{glob.escape(name[:64])}.*", root_dir=folder):
            files.remove(os.path.join(folder, left))
        if not files.write_private(self.backup, backup):
            raise ConfigurationError(self.backup, "cannot be written", UNCHANGED)
        _own(self.backup, self._new)

    def replace(self, text: str) -> None:
        """Put what was prepared in the file's place, or remove it where there was none."""
        if self.was_absent and not text:
            os.unlink(self._real)
        else:
            os.replace(self._new, self._real)

    def _now(self) -> tuple[bytes | None, bytes | None]:
        return _read(self.path), _read(self.backup)


class Change(NamedTuple):
    """What becomes of a file, and of its backup, of which None leaves none."""

    file: ConfigFile
    text: str
    backup: bytes | None


def write(changes: "Sequence[Change]") -> None:
    """Write files, in this order, after everything that may fail was tried for each of them.

    Raises:
        ChangedError: somebody else wrote one after it was read; nothing was changed.
        ConfigurationError: one cannot be written; what it says is left.

    """
    path, written = "", []
    try:
        with ExitStack() as held:
            for file, text, _ in sorted(changes, key=lambda change: change.file.path):
                path = file.path
                file.prepare(text, held)
            for file, _, backup in changes:
                if backup not in {None, file.saved}:
                    file.keep(backup)
            for file, text, backup in changes:
                path = file.path
                if text != file.text:
                    file.replace(text)
                    written.append(path)
                if backup is None:
                    files.remove(file.backup)
    except OSError as error:
        left = f"written already: {', '.join(written)}" if written else UNCHANGED
        raise ConfigurationError(path, f"cannot be written ({error.strerror})", left) from None


def _lock(path: str) -> None:
    """Make a file that is not there, as soon as nobody else has it."""
    while True:
        try:
            return os.close(_private(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            with suppress(FileNotFoundError):
                if abs(time.time() - os.lstat(path).st_mtime) > ABANDONED:
                    os.unlink(path)
            time.sleep(POLL)  # no system tells when a file has gone


def _make(folder: str) -> None:
    """Make a folder, if need be with those above it, for the owner of the one that is there."""
    above = os.path.dirname(folder)
    if above != folder and not os.path.isdir(folder):
        _make(above)
        with suppress(FileExistsError):
            os.mkdir(folder, files.PRIVATE_FOLDER)
            _own(folder, above)


def _read(path: str) -> bytes | None:
    """Return the content of a regular file, or None where there is nothing."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise ConfigurationError(path, "is not a file", UNCHANGED)
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(path, f"cannot be read ({error.strerror})", UNCHANGED) from None


def _text(path: str, content: bytes, check: "Callable[[str], object]") -> str:
    try:
        text = content.decode()
        check(text)
    except UnicodeDecodeError:
        raise ConfigurationError(path, "is not UTF-8", UNCHANGED) from None
    except ValueError as error:
        raise ConfigurationError(path, f"is not valid: {error}", UNCHANGED) from None
    return text


def _take_over(path: str, new: str) -> None:
    """Give the new file owner and mode of the old one; a read-only one is not replaced, somebody meant it."""
    status = os.stat(path)
    if not status.st_mode & stat.S_IWUSR:
        raise ConfigurationError(path, "is read-only", UNCHANGED)
    if hasattr(os, "chown"):
        os.chown(new, status.st_uid, -1)
        with suppress(OSError):  # a group that its owner is not in, as after sudo
            os.chown(new, -1, status.st_gid)
    os.chmod(new, stat.S_IMODE(status.st_mode))


def _own(path: str, like: str) -> None:
    """Give a file to the owner of another, if that is possible: root may be writing in somebody's home."""
    with suppress(OSError, AttributeError):  # Windows has no owners
        status = os.stat(like)
        os.chown(path, status.st_uid, status.st_gid, follow_symlinks=False)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, files.PRIVATE_FILE)

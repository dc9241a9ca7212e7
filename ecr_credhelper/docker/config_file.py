"""Read the user's configuration files, and write them: each whole and with a backup, all of them or none."""

import os
import stat
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, NamedTuple

from ecr_credhelper.docker.directory import Contents, Directory, NotAFileError, read
from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.files import PRIVATE_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BACKUP = ".before-ecr-py"
"""The end of a backup's name. It is beside the name that the user knows, not behind a symbolic link."""

NEW = ".new-ecr-py"
"""The end of the name of a file that is being written."""

ABANDONED = 3600
"""Seconds after which the process that was writing such a file must be dead: writing takes milliseconds."""

ABSENT = b"null"
"""The backup of a file that did not exist: valid JSON without any entry."""

UNCHANGED = "nothing was changed"


class ChangedError(ConfigurationError):
    """Another process changed the file after it was read."""


class ConfigFile:
    """A file and its backup as they were when they were read.

    ``check`` raises a ValueError for text that must not be edited.

    Raises:
        ConfigurationError: the file or its backup cannot be read, or fails the check.

    """

    def __init__(self, path: str, check: "Callable[[str], object]") -> None:
        if path.startswith("~") and os.path.expanduser(path) == path:
            raise ConfigurationError("", "there is no home folder", "set HOME or DOCKER_CONFIG")
        self.path = path
        self.backup = f"{path}{BACKUP}"
        self.real = os.path.realpath(path)
        self.contents = _read(path)
        # Not through a link: undoing gives what is in the backup to the owner of the file.
        self.backup_contents = _read(self.backup, follow=False)
        self.text = _text(path, self.contents, check)
        self.saved = self.backup_contents.data if self.backup_contents else None
        self.was_absent = self.contents is None if self.saved is None else self.saved == ABSENT
        self.before = None if self.saved is None else ""
        if self.before is not None and not self.was_absent:
            self.before = _text(self.backup, self.backup_contents, check)


class Change(NamedTuple):
    """The new text of a file, and of its backup, which is removed if that is None."""

    file: ConfigFile
    text: str
    backup: bytes | None


def write(changes: "Sequence[Change]") -> None:
    """Write files in this order, after everything that can fail has been tried for each of them.

    Raises:
        ChangedError: another process changed one after it was read; nothing was written.
        ConfigurationError: one cannot be written; the hint names those that were.

    """
    path, written = "", []
    try:
        with ExitStack() as cleanup:
            writers = []
            for change in changes:
                path = change.file.path
                writers.append(_Writer(change, cleanup))
            for writer in writers:
                path = writer.file.path
                writer.raise_if_changed()
            for writer in writers:
                path = writer.file.backup
                writer.replace_backup()
            for writer in writers:
                path = writer.file.path
                if writer.replace():
                    written.append(path)
    except OSError as error:
        hint = f"written already: {', '.join(written)}" if written else UNCHANGED
        raise ConfigurationError(path, f"cannot be written ({error.strerror})", hint) from None


class _Writer:
    """Writes one change: first beside the file and its backup, and in their place when that is asked for.

    Raises:
        OSError: the change cannot be written.

    """

    def __init__(self, change: Change, cleanup: ExitStack) -> None:
        self.file, text, self._backup = change
        self._is_changed = text != self.file.text
        self._is_removed = self._is_changed and self.file.was_absent and not text
        # The real one first, since the directory that the user knows may be a link to it.
        self._directory = _open(os.path.dirname(self.file.real), cleanup)
        self._backup_directory = _open(os.path.dirname(os.path.abspath(self.file.path)), cleanup)
        # Before anything is created: these directories must be those that the file was read from.
        self.raise_if_changed()
        like = self.file.contents
        self._new = self._new_backup = ""
        if self._is_changed and like and not like.mode & stat.S_IWUSR:
            raise ConfigurationError(self.file.path, "is read-only", UNCHANGED)
        if self._is_changed and not self._is_removed:
            self._new = _create(self._directory, text.encode(), like, cleanup)
        if self._backup not in {None, self.file.saved}:
            private = like and like._replace(mode=PRIVATE_FILE)
            self._new_backup = _create(self._backup_directory, self._backup or b"", private, cleanup)

    def raise_if_changed(self) -> None:
        """Raise ChangedError unless the file and its backup are as they were read, owner and mode too."""
        file = self.file
        real, given, backup = (os.path.basename(path) for path in (file.real, file.path, file.backup))
        now = self._directory.read(real), self._backup_directory.read(given)
        is_same = now == (file.contents, file.contents)
        if not is_same or self._backup_directory.read(backup, follow=False) != file.backup_contents:
            raise ChangedError(file.path, "was changed in the meantime", "try again")

    def replace_backup(self) -> None:
        """Put the new backup in its place, if there is one."""
        if self._new_backup:
            self._backup_directory.replace(self._new_backup, os.path.basename(self.file.backup))

    def replace(self) -> bool:
        """Replace the file, or remove it if it did not exist before; remove its backup if it has served.

        Return whether the file changed.
        """
        if self._new:
            self._directory.replace(self._new, os.path.basename(self.file.real))
        elif self._is_removed:
            self._directory.remove(os.path.basename(self.file.real))
        if self._backup is None:
            with suppress(OSError):
                self._backup_directory.remove(os.path.basename(self.file.backup))
        return self._is_changed


def _open(path: str, cleanup: ExitStack) -> Directory:
    """Open a directory until ``cleanup``, and remove what killed processes of ours left in it."""
    directory = Directory(path)
    cleanup.callback(directory.close)
    for name in directory.names():
        if name.startswith(".") and name.endswith(NEW):
            with suppress(OSError):
                if abs(time.time() - directory.modified(name)) > ABANDONED:
                    directory.remove(name)
    return directory


def _create(directory: Directory, data: bytes, like: Contents | None, cleanup: ExitStack) -> str:
    """Create a file under a new name, and return that; ``cleanup`` removes what then still has that name."""
    name = f".{os.urandom(8).hex()}{NEW}"

    def discard() -> None:
        with suppress(OSError):
            directory.remove(name)

    cleanup.callback(discard)
    directory.create(name, data, like)
    return name


def _read(path: str, *, follow: bool = True) -> Contents | None:
    """Return the contents of a file, or None if there is none; raise ConfigurationError if that fails."""
    try:
        return read(path, follow=follow)
    except NotAFileError:
        raise ConfigurationError(path, "is not a file", UNCHANGED) from None
    except OSError as error:
        raise ConfigurationError(path, f"cannot be read ({error.strerror})", UNCHANGED) from None


def _text(path: str, contents: Contents | None, check: "Callable[[str], object]") -> str:
    """Return the text of a file that ``check`` accepts; that of a missing one is empty."""
    try:
        text = contents.data.decode() if contents else ""
        check(text)
    except UnicodeDecodeError:
        raise ConfigurationError(path, "is not UTF-8", UNCHANGED) from None
    except ValueError as error:
        raise ConfigurationError(path, f"is not valid: {error}", UNCHANGED) from None
    return text

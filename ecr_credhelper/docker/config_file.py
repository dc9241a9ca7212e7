"""Read and write configuration files of the user: atomically, with a backup, and all of them or none."""

import os
import stat
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, NamedTuple

from ecr_credhelper.docker.directory import Contents, Directory, NotAFileError, read
from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.files import PRIVATE_FILE, digest, foreign_directory
from ecr_credhelper.paths import state_directory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BACKUP = ".before-ecr-py"
"""The suffix of a backup."""

NEW = ".new-ecr-py"
"""The suffix of a temporary file."""

MAX_NEW_AGE = 3600
"""Limits the age of a temporary file, in seconds: writing takes milliseconds, so its process was killed."""

ABSENT = b"null"
"""The backup of a file that did not exist: valid JSON without entries."""

UNCHANGED = "nothing was changed"


class ChangedError(ConfigurationError):
    """Another process changed the file after we read it."""


def backup_path(path: str) -> str:
    """Return the path of the backup of a configuration file: where it is, or where it is to be created.

    It is beside the path that the user knows, even if that is a symbolic link. If the directory is a link, it
    can be in a repository that is published, and the backup contains logins: then it is in our own directory.
    Root does not use that of another user, who could replace it by a link to one of root's.
    """
    beside, directory = f"{path}{BACKUP}", state_directory(os.environ)
    if directory is None or os.path.lexists(beside) or foreign_directory(directory):
        return beside
    path = os.path.abspath(path)
    elsewhere = os.path.join(directory, f"{os.path.basename(path)}.{digest(os.fsencode(path))}{BACKUP}")
    return elsewhere if _is_linked(os.path.dirname(path)) or os.path.lexists(elsewhere) else beside


def _is_linked(directory: str) -> bool:
    """Return whether a directory or one of its parents is a symbolic link, up to the home directory."""
    home = os.path.expanduser("~")
    while directory not in {home, os.path.dirname(directory)}:
        if os.path.islink(directory):
            return True
        directory = os.path.dirname(directory)
    return False


class ConfigFile:
    """A file and its backup at the time of reading. ``backup_text`` is the text of the backup, if any.

    ``check`` raises ValueError for a text that must not be edited. The constructor raises ConfigurationError
    if the file or its backup cannot be read or fails the check.
    """

    def __init__(self, path: str, check: "Callable[[str], object]") -> None:
        if path.startswith("~") and os.path.expanduser(path) == path:
            raise ConfigurationError("", "cannot find the home directory", "set HOME or DOCKER_CONFIG")
        self.path = path
        self.backup_path = backup_path(path)
        self.real = os.path.realpath(path)
        self.contents = _read(path)
        # A symbolic link is not followed: restoring would reveal its target to the owner of the file.
        self.backup_contents = _read(self.backup_path, follow=False)
        self.text = _text(path, self.contents, check)
        self.backup_bytes = self.backup_contents.data if self.backup_contents else None
        self.was_absent = self.contents is None if self.backup_bytes is None else self.backup_bytes == ABSENT
        self.backup_text: str | None = None
        if self.backup_bytes is not None:
            self.backup_text = "" if self.was_absent else _text(self.backup_path, self.backup_contents, check)


class Change(NamedTuple):
    """The new text of a file and the new content of its backup; None removes the backup."""

    file: ConfigFile
    text: str
    backup: bytes | None


def write(changes: "Sequence[Change]") -> None:
    """Write files in this order, after preparing all of them: most errors occur before anything is replaced.

    Raises:
        ChangedError: another process changed a file after we read it; nothing was written.
        ConfigurationError: a file cannot be written; the hint lists the files that were already written.

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
                path = writer.file.backup_path
                writer.replace_backup()
            for writer in writers:
                path = writer.file.path
                if writer.replace():
                    written.append(path)
    except OSError as error:
        hint = f"already written: {', '.join(written)}" if written else UNCHANGED
        raise ConfigurationError(path, f"cannot be written ({error.strerror})", hint) from None


class _Writer:
    """Writes one change: creates temporary files first, and replaces the file and its backup on request."""

    def __init__(self, change: Change, cleanup: ExitStack) -> None:
        self.file, text, self._backup = change
        self._is_changed = text != self.file.text
        self._is_removed = self._is_changed and self.file.was_absent and not text
        self._name, self._backup_name = (
            os.path.basename(self.file.real),
            os.path.basename(self.file.backup_path),
        )
        # Open (and create) the real directory first, because the other paths can be links to it.
        self._directory = _open(os.path.dirname(self.file.real), cleanup)
        known, backup = map(os.path.dirname, map(os.path.abspath, (self.file.path, self.file.backup_path)))
        self._known_directory = self._backup_directory = _open(known, cleanup)
        if backup != known:
            self._backup_directory = _open(backup, cleanup)
        # The directories can have been replaced after the file was read: check before creating anything.
        self.raise_if_changed()
        like = self.file.contents
        self._new = self._new_backup = ""
        if self._is_changed and like and not like.mode & stat.S_IWUSR:
            raise ConfigurationError(self.file.path, "is read-only", UNCHANGED)
        if self._is_changed and not self._is_removed:
            self._new = _create(self._directory, text.encode(), like, cleanup)
        if self._backup not in {None, self.file.backup_bytes}:
            private = like and like._replace(mode=PRIVATE_FILE)
            self._new_backup = _create(self._backup_directory, self._backup or b"", private, cleanup)

    def raise_if_changed(self) -> None:
        """Raise ChangedError if content, owner or mode of the file or its backup changed after reading."""
        file = self.file
        is_unchanged = (
            self._directory.read(self._name) == file.contents
            and self._known_directory.read(os.path.basename(file.path)) == file.contents
            and self._backup_directory.read(self._backup_name, follow=False) == file.backup_contents
        )
        if not is_unchanged:
            raise ChangedError(file.path, "was changed by another program", "try again")

    def replace_backup(self) -> None:
        """Replace the backup if it changes."""
        if self._new_backup:
            self._backup_directory.replace(self._new_backup, self._backup_name)

    def replace(self) -> bool:
        """Replace or remove the file, remove its backup if requested, and return whether the file changed."""
        if self._new:
            self._directory.replace(self._new, self._name)
        elif self._is_removed:
            self._directory.remove(self._name)
        if self._backup is None:
            self._backup_directory.discard(self._backup_name)
        return self._is_changed


def _open(path: str, cleanup: ExitStack) -> Directory:
    """Open a directory until ``cleanup``, and remove temporary files that killed processes left in it."""
    directory = Directory(path)
    cleanup.callback(directory.close)
    for name in directory.names():
        if name.startswith(".") and name.endswith(NEW):
            with suppress(OSError):
                if abs(time.time() - directory.modified(name)) > MAX_NEW_AGE:
                    directory.remove(name)
    return directory


def _create(directory: Directory, data: bytes, like: Contents | None, cleanup: ExitStack) -> str:
    """Create a temporary file and return its name. ``cleanup`` removes it unless it was renamed."""
    name = f".{os.urandom(8).hex()}{NEW}"
    cleanup.callback(directory.discard, name)
    directory.create(name, data, like)
    return name


def _read(path: str, *, follow: bool = True) -> Contents | None:
    """Return the contents of a file, or None if it does not exist; raise ConfigurationError on failure."""
    try:
        return read(path, follow=follow)
    except NotAFileError:
        raise ConfigurationError(path, "is not a file", UNCHANGED) from None
    except OSError as error:
        raise ConfigurationError(path, f"cannot be read ({error.strerror})", UNCHANGED) from None


def _text(path: str, contents: Contents | None, check: "Callable[[str], object]") -> str:
    """Return the text of a file (empty if it does not exist); raise ConfigurationError if it is not valid."""
    try:
        text = contents.data.decode() if contents else ""
        check(text)
    except UnicodeDecodeError:
        raise ConfigurationError(path, "is not UTF-8", UNCHANGED) from None
    except ValueError as error:
        raise ConfigurationError(path, f"is not valid: {error}", UNCHANGED) from None
    return text

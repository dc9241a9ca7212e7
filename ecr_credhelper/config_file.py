"""A file of the person's: read as it is, written whole or not at all, with a backup beside it."""

import os
import stat
from typing import TYPE_CHECKING

from ecr_credhelper import files
from ecr_credhelper.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

BACKUP = ".before-ecr-py"
"""The end of a backup's name. It stands beside the name that the person knows, not behind a symbolic link."""

ABSENT = b"null"
"""The backup of a file that was not there: JSON that says nothing."""

UNCHANGED = "nothing was changed"


class ConfigFile:
    """One file as it is now; ``check`` raises a ValueError for a content that must not be touched.

    Raises:
        ConfigurationError: it cannot be read, or is not what ``check`` wants.

    """

    def __init__(self, path: str, check: "Callable[[str], object]") -> None:
        self.path = path
        self.backup = f"{path}{BACKUP}"
        self._content = _read(path)
        self.text = _text(path, self._content or b"", check)
        before = _read(self.backup)
        self._was_absent = before in {None, ABSENT}
        self.before = (
            None if before is None else "" if self._was_absent else _text(self.backup, before, check)
        )

    def write(self, text: str, *, keep: bool = False) -> None:
        """Replace the file, through symbolic links, with its mode and owner; first ``keep`` a backup."""
        real = os.path.realpath(self.path)
        temporary = f"{real}.{os.urandom(8).hex()}"
        try:
            for path in (self.path, real):
                os.makedirs(os.path.dirname(os.path.abspath(path)), files.PRIVATE_FOLDER, exist_ok=True)
            with open(temporary, "xb", opener=_private) as file:
                file.write(text.encode())
            if self._content is not None:
                _take_over(real, temporary)
            if keep and not files.write_private(
                self.backup, ABSENT if self._content is None else self._content
            ):
                raise ConfigurationError(self.backup, "cannot be written", UNCHANGED)
            if _read(self.path) != self._content:
                raise ConfigurationError(self.path, "was changed in the meantime", "try again")
            os.replace(temporary, real)
        except OSError as error:
            raise ConfigurationError(self.path, f"cannot be written ({error.strerror})", UNCHANGED) from None
        finally:
            files.remove(temporary)

    def give_back(self, text: str) -> None:
        """Write what was before, or remove the file where there was none; then remove the backup."""
        if text != self.text:
            self.write(text)
        if self._was_absent and not text:
            files.remove(os.path.realpath(self.path))
        files.remove(self.backup)


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


def _take_over(path: str, temporary: str) -> None:
    """Give the new file owner and mode of the old one; a read-only one is not replaced, somebody meant it."""
    status = os.stat(path)
    if not status.st_mode & stat.S_IWUSR:
        raise ConfigurationError(path, "is read-only", UNCHANGED)
    if hasattr(os, "chown"):
        os.chown(temporary, status.st_uid, status.st_gid)
    os.chmod(temporary, stat.S_IMODE(status.st_mode))


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, files.PRIVATE_FILE)

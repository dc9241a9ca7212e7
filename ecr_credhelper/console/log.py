"""The optional log: one line for each decision and its reason, with the seconds since the start.

``ECR_CREDHELPER_LOG`` is ``debug`` (standard error) or the absolute path of a file. Callers pass names,
hosts, keys of records and times, but no passwords. URLs can contain secrets, so their users and queries are
removed.
"""

import os
import re
import sys
import time
from typing import TYPE_CHECKING

from ecr_credhelper.errors import PROG, ConfigurationError
from ecr_credhelper.files import PRIVATE_FILE, is_special

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from ecr_credhelper.errors import CredentialHelperError

MAX_BYTES = 1024 * 1024
"""Maximum size of a log file, in bytes. A larger one is renamed to ``FILE.1``, replacing an earlier one."""

VARIABLE = "ECR_CREDHELPER_LOG"
DESTINATION = re.compile(r"debug|(?!/dev/(fd|std)|/proc/)([/~]|\w:[/\\]).+")
"""``debug``, or the absolute path of a file, but not of one of this process's streams."""

USER = re.compile(r"(?<=://)[^/\s]*@")
QUERY = re.compile(r"\?[^\s'\"]*")


def check_variable(destination: str) -> None:
    """Raise ConfigurationError if the value of ``ECR_CREDHELPER_LOG`` is not a log destination."""
    if not is_destination(destination):
        reason = f"{redacted(repr(destination))} is not a log destination"
        raise ConfigurationError(VARIABLE, reason, 'set it to "debug" or the absolute path of a file')


def is_destination(destination: str) -> bool:
    """Return whether a text is ``debug`` or the absolute path of a file, which does not need to exist."""
    has_form = DESTINATION.fullmatch(destination) and destination.isprintable()
    path = os.path.expanduser(destination)
    return bool(has_form) and not is_special(path) and (destination == "debug" or not os.path.isdir(path))


def open_variable(destination: str) -> "tuple[Callable[[str], object], CredentialHelperError | None]":
    """Return the log that ``ECR_CREDHELPER_LOG`` selects, or one that writes nothing and the error."""
    try:
        check_variable(destination)
    except ConfigurationError as error:
        return str, error
    return open_log(destination), None


def open_log(destination: str) -> "Callable[[str], None]":
    """Return a function that writes one line to a log and never raises an exception."""
    started, path = time.monotonic(), os.path.expanduser(destination)

    def write(text: str) -> None:
        line = " ".join(redacted(text).split())
        line = f"{PROG}[{os.getpid()}] {time.monotonic() - started:7.3f} {line}\n"
        try:
            if destination != "debug":
                _append(path, line.encode("utf-8", "replace"))
            elif sys.stderr:
                _write_line(line, sys.stderr)
        except (OSError, ValueError):
            return  # A log that cannot be written must not fail the request.

    return write


def _write_line(line: str, stream: "TextIO") -> None:
    """Write a line in UTF-8, like the replies of the protocol. A program can have replaced the stream."""
    stream.flush()
    if buffer := getattr(stream, "buffer", None):
        buffer.write(line.encode("utf-8", "replace"))
    else:
        stream.write(line)
    stream.flush()


def redacted(text: str) -> str:
    """Return a text with the users and queries of its URLs removed."""
    return QUERY.sub("?…", USER.sub("…@", text))


def _append(path: str, line: bytes) -> None:
    if not os.path.isabs(path):  # Without a home directory, "~" remains, relative to the working directory.
        return
    # O_NONBLOCK: opening a pipe that has no reader must not block the process.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    if os.path.exists(path) and os.path.getsize(path) > MAX_BYTES:
        os.replace(path, f"{path}.1")
    with open(os.open(path, flags, PRIVATE_FILE), "ab", 0) as file:
        file.write(line)

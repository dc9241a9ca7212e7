"""The real executable under a pseudo-terminal: what a person sees, and what they type."""

from __future__ import annotations

import errno
import os
import subprocess
from typing import NamedTuple

from tests.conftest import EXECUTABLE


class Session(NamedTuple):
    """What a person saw, and the exit status."""

    status: int
    screen: str


def run_in_terminal(*argv: str, typed: str = "", env: dict[str, str] | None = None) -> Session:
    """Run the executable with all three standard streams on one terminal, and type something."""
    import pty  # only where there are pseudo-terminals

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [EXECUTABLE, *argv],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm", "LANG": "C.UTF-8", **(env or {})},
    )
    os.close(theirs)
    os.write(ours, typed.encode())
    seen = read_to_end(ours)
    os.close(ours)
    return Session(process.wait(60), seen.decode().replace("\r\n", "\n"))


def read_to_end(terminal: int) -> bytes:
    """Return all that is shown on a terminal until its other end is closed everywhere.

    A single read returns what has arrived by then: a line, or a part of one.
    """
    seen = b""
    try:
        while part := os.read(terminal, 65536):
            seen += part
    except OSError as error:
        if error.errno != errno.EIO:  # how Linux reports that the other end is closed
            raise
    return seen

"""Run the executable on a pseudo-terminal."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Sequence
from typing import NamedTuple

from tests.conftest import EXECUTABLE


class Session(NamedTuple):
    """The exit status of a command, and its output on the terminal."""

    status: int
    screen: str


def run_in_terminal(
    *argv: str, typed: str = "", env: dict[str, str] | None = None, program: Sequence[str] = (EXECUTABLE,)
) -> Session:
    """Run a program with all three standard streams on one terminal, and type a text."""
    import pty  # Windows has no pseudo-terminals.

    terminal, other_end = pty.openpty()
    process = subprocess.Popen(
        [*program, *argv],
        stdin=other_end,
        stdout=other_end,
        stderr=other_end,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm", "LANG": "C.UTF-8", **(env or {})},
    )
    os.close(other_end)
    os.write(terminal, typed.encode())
    output = read_to_end(terminal)
    os.close(terminal)
    return Session(process.wait(60), output.decode().replace("\r\n", "\n"))


def read_to_end(terminal: int) -> bytes:
    """Return all output on a terminal until every process has closed its other end.

    A single read returns only what has arrived by then: a line, or a part of one.
    """
    seen = b""
    try:
        while part := os.read(terminal, 65536):
            seen += part
    except OSError as error:
        if error.errno != errno.EIO:  # how Linux reports that the other end is closed
            raise
    return seen

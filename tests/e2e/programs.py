"""Run other programs: always with a timeout, never with our own standard input."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

TOTAL_SECONDS = 900.0
"""Time limit for the whole run, in seconds. It usually takes three minutes."""

PROGRAM_SECONDS = 180.0
"""Time limit for one program, in seconds. The slowest, a build of the image, takes 15."""

_DEADLINE = time.monotonic() + TOTAL_SECONDS


class ProgramError(Exception):
    """A program failed. The message is the command and its whole output."""


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    stdin: bytes = b"",
) -> subprocess.CompletedProcess[str]:
    """Run ``command`` to its end and return its output; raise ProgramError if it fails."""
    seconds = min(PROGRAM_SECONDS, _DEADLINE - time.monotonic())
    if seconds <= 0:
        raise ProgramError(f"{command[0]} was not run: the {TOTAL_SECONDS:.0f} s of all are used up")
    with subprocess.Popen(
        command,
        env=environment,
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # A group of its own, to end a program that hangs together with its children: a child that
        # survived would hold the pipes open.
        start_new_session=True,
    ) as process:
        try:
            output = process.communicate(stdin, seconds)
            end = f"ended with status {process.returncode}"
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output = process.communicate()
            end = f"did not end in {seconds:.0f} s"
    stdout, stderr = (stream.decode(errors="replace") for stream in output)
    if process.returncode != 0:
        raise ProgramError(f"$ {' '.join(command)}\n{stdout}{stderr}({end})")
    return subprocess.CompletedProcess(command, 0, stdout, stderr)


def start(command: Sequence[str], *, log: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a server that writes its output to ``log``. It ends with the sandbox."""
    with log.open("wb") as output:
        return subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )


def version_in(text: str) -> str:
    """Return the first version in ``text``."""
    found = re.search(r"\d+\.\d+(\.\d+)?", text)
    return found[0] if found else "?"


def missing(names: Iterable[str]) -> list[str]:
    """Return the programs that are not installed on this machine."""
    return [name for name in names if shutil.which(name) is None]

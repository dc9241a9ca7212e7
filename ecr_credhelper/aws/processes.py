"""Run a program with a time limit and with limits on its output, and never leave it behind.

A program that is still running when this process ends is killed by ``end_all``. The executable calls it
before it ends, and a Python program at its exit. On Linux, the program's descendants are killed too. A
process group of its own would be simpler, but then the program could not prompt on the terminal.

The children of a program that has ended are left alone. They can be agents, for example ssh-agent or the
server of aws-vault, that the program started for later calls, and they look like any other child.
"""

import atexit
import errno
import os
import signal
import subprocess
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ecr_credhelper import fork_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MAX_OUTPUT = 1024 * 1024
"""Maximum number of bytes of standard output: credentials need less than 10 KiB."""

MAX_ERRORS = 64 * 1024
"""Number of bytes to keep of the end of standard error, of which one line is shown."""

CHUNK = 64 * 1024
"""Maximum number of bytes of one read: the capacity of a pipe on Linux."""

PATIENCE = 1
"""Maximum number of seconds to wait for another thread, or for a killed process: both take milliseconds."""


class Result(NamedTuple):
    """The result of a program. ``status`` is None if it was killed at its time limit.

    ``errors`` has the last lines of its standard error.
    """

    status: int | None
    output: bytes
    errors: bytes
    is_too_long: bool


class _Child:
    """A running program."""

    def __init__(self, arguments: "Sequence[str]", stdout: int, stderr: int) -> None:
        with fork_lock():
            from ecr_credhelper.console.prompts import terminal_restorer

        self._restore_terminal = terminal_restorer()
        self.process = subprocess.Popen(arguments, stdout=stdout, stderr=stderr)  # noqa: S603 - the user configured it

    def kill(self) -> None:
        """Kill the program if it is running, on Linux with its descendants."""
        if self.process.poll() is None:
            for descendant in stop_descendants(self.process.pid):
                with suppress(OSError):
                    os.kill(descendant, signal.SIGKILL)
            self.process.kill()

    def end(self) -> None:
        """Kill the program if it is running, and restore the terminal unless it was successful."""
        self.kill()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(PATIENCE)
        if self.process.returncode != 0:
            self._restore_terminal()


class Children:
    """The running programs of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[_Child] = set()
        self._is_over = False
        atexit.register(self.end_all)
        getattr(os, "register_at_fork", dict)(after_in_child=self._forget)  # missing on Windows

    def start(self, arguments: "Sequence[str]", stdout: int, stderr: int) -> _Child:
        """Start a program, unless this process is ending."""
        with self._lock:
            if self._is_over:
                raise OSError(errno.ECANCELED, os.strerror(errno.ECANCELED))
            child = _Child(arguments, stdout, stderr)
            self._running.add(child)
        return child

    def end(self, child: _Child) -> None:
        """End a program. Only then is it forgotten, so that ``end_all`` never misses one."""
        child.end()
        self._running.discard(child)

    def end_all(self) -> None:
        """End all programs, and start no others."""
        is_held = self._lock.acquire(timeout=PATIENCE)  # another thread can be starting a program
        self._is_over = True
        for child in [*self._running]:
            child.end()
        if is_held:
            self._lock.release()

    def _forget(self) -> None:
        """Forget all programs in a forked process: they belong to its parent."""
        self._lock = threading.Lock()
        self._running.clear()


_children = Children()
end_all = _children.end_all


def run(arguments: "Sequence[str]", seconds: float | None) -> Result:
    """Run a program and return its result. It is killed after ``seconds``, or if it writes too much.

    Raises:
        OSError: it cannot be started.
        ValueError: an argument contains a null character.

    """
    with ExitStack() as pipes:
        output, errors = _Pipe(MAX_OUTPUT, pipes), _Pipe(MAX_ERRORS, pipes)
        child = _children.start(arguments, output.writer, errors.writer)
        try:
            output.start(on_limit=child.kill)
            errors.start()
            with suppress(subprocess.TimeoutExpired):
                status = None
                status = child.process.wait(seconds)
        finally:
            _children.end(child)
    lines = errors.data.partition(b"\n")[2] if errors.is_cut else errors.data  # the first one is incomplete
    return Result(status, bytes(output.data), bytes(lines), output.is_cut)


class _Pipe:
    """A pipe to which a program writes. A thread reads all of it, and keeps its last ``limit`` bytes.

    Children of the program can keep the pipe open and outlive the program. ``finish`` therefore writes a
    random mark into the pipe, which follows all that the program has written, and the thread ends there.
    ``stack`` calls it.
    """

    def __init__(self, limit: int, stack: ExitStack) -> None:
        self._reader, self.writer = os.pipe()
        stack.callback(self.finish)
        self._limit = limit
        self._mark = os.urandom(16)
        self._thread: threading.Thread | None = None
        self.data = bytearray()
        self.is_cut = False

    def start(self, on_limit: "Callable[[], object]" = str) -> None:
        """Start to read; call ``on_limit`` when the program has written more than the limit."""
        thread = threading.Thread(target=self._read, args=(on_limit,), daemon=True)
        try:
            thread.start()
        except RuntimeError:  # at a limit on processes
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from None
        self._thread = thread

    def _read(self, on_limit: "Callable[[], object]") -> None:
        data, end = self.data, -1
        while end < 0 and (chunk := os.read(self._reader, CHUNK)):
            start = max(0, len(data) - len(self._mark))  # the mark can arrive in two parts
            data += chunk
            end = data.find(self._mark, start)
            if end >= 0:
                del data[end:]
            if len(data) > self._limit:
                del data[: -self._limit]
                if not self.is_cut:
                    self.is_cut = True
                    on_limit()

    def finish(self) -> None:
        """Read the rest of what the program has written, and close the pipe."""
        if self._thread:
            os.write(self.writer, self._mark)
            self._thread.join()
        os.close(self.writer)
        os.close(self._reader)


def stop_descendants(process: int) -> list[int]:
    """Return the process IDs of all descendants of a process, or nothing on systems without /proc.

    All of them are stopped, so that they cannot start others in the meantime.
    """
    tasks = Path(f"/proc/{process}/task")
    if not tasks.is_dir():
        return []
    with suppress(OSError):
        os.kill(process, signal.SIGSTOP)
    children: list[int] = []
    for file in tasks.glob("*/children"):  # each thread of a process has its own children
        with suppress(OSError):
            children += map(int, file.read_text("ascii").split())
    return [found for child in children for found in (child, *stop_descendants(child))]

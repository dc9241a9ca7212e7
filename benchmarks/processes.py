"""Run processes, measure their time, and check their output."""

import os
import shlex
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

WARM_UPS = 3
"""Runs of each command before the measurement: they fill the page cache and write byte code."""

SHOWN = 20
"""Length from which the value of a variable is not shown, in characters: it can be a key."""


class WrongOutputError(Exception):
    """A command failed or its output is wrong, so its time is meaningless."""


class Result(NamedTuple):
    """The result of one run: its time, exit status and output."""

    seconds: float
    status: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Command:
    """A command to run. A correct output contains ``expected``."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    variables: Mapping[str, str] = field(default_factory=dict)
    """Variables in addition to ``environment`` that are shown with the command."""
    stdin: str = os.devnull
    expected: str = ""

    def __str__(self) -> str:
        """Return a shell command without directories, ``environment`` and keys."""
        words = [f"{name}={value if len(value) < SHOWN else '…'}" for name, value in self.variables.items()]
        words += [shlex.quote(os.path.basename(word)) for word in self.argv]
        if self.stdin != os.devnull:
            words.append(f"<{os.path.basename(self.stdin)}")
        return " ".join(words)

    def is_correct(self, result: Result) -> bool:
        return result.status == 0 and self.expected in result.stdout


class _Process:
    """A started process. Its output goes to files, so that it can run without a reader."""

    def __init__(self, command: Command) -> None:
        self.streams = [tempfile.TemporaryFile() for _ in range(2)]  # noqa: SIM115 - end() closes them
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, command.stdin, os.O_RDONLY, 0),
            *((os.POSIX_SPAWN_DUP2, file.fileno(), to) for to, file in enumerate(self.streams, 1)),
        ]
        environment = {**command.environment, **command.variables}
        self.started = time.perf_counter()
        # Not subprocess: the time of posix_spawn does not depend on the size of this process.
        self.pid = os.posix_spawn(command.argv[0], command.argv, environment, file_actions=actions)

    def end(self) -> Result:
        _, status = os.waitpid(self.pid, 0)
        seconds = time.perf_counter() - self.started
        texts = []
        for file in self.streams:
            with file:
                file.seek(0)
                texts.append(file.read().decode(errors="replace"))
        return Result(seconds, os.waitstatus_to_exitcode(status), *texts)


def run(command: Command) -> Result:
    """Run a command to its end; raise WrongOutputError if its output is wrong."""
    result = _Process(command).end()
    if not command.is_correct(result):
        raise WrongOutputError(
            f"{command}\nstatus {result.status}\n{result.stdout[:500]}\n{result.stderr[-2000:]}"
        )
    return result


def run_at_once(commands: Iterable[Command]) -> list[Result]:
    """Start all commands, then wait for all of them. The caller checks their output."""
    return [process.end() for process in [_Process(command) for command in commands]]


def run_in_turn(
    commands: tuple[Command, Command], rounds: int, prepare: Callable[[], object], warm_ups: int = WARM_UPS
) -> list[tuple[float, float]]:
    """Run two commands A B A B … and return the seconds of each pair; ``prepare`` runs before a pair."""
    pairs = []
    for number in range(-warm_ups, rounds):
        prepare()
        first, second = (run(command).seconds for command in commands)
        if number >= 0:
            pairs.append((first, second))
    return pairs

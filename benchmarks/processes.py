"""Whole processes: run, timed, and their answers checked."""

import os
import shlex
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

WARM_UPS = 3
"""Runs of each command that are not counted: they fill the page cache and write byte code."""

SHOWN = 20
"""Characters of a variable that are shown: more is a key."""


class WrongAnswerError(Exception):
    """A command did not answer as it must, so its time means nothing."""


class Ran(NamedTuple):
    """What one run took and gave."""

    seconds: float
    status: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Command:
    """A program as it is run and as it is shown; ``says`` is what a right answer holds."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    variables: Mapping[str, str] = field(default_factory=dict)
    """What comes on top of ``environment`` and matters enough to be shown."""
    stdin: str = os.devnull
    says: str = ""

    def __str__(self) -> str:
        """Return a shell command with neither folders nor surroundings nor keys."""
        words = [f"{name}={value if len(value) < SHOWN else '…'}" for name, value in self.variables.items()]
        words += [shlex.quote(os.path.basename(word)) for word in self.argv]
        if self.stdin != os.devnull:
            words.append(f"<{os.path.basename(self.stdin)}")
        return " ".join(words)

    def is_right(self, ran: Ran) -> bool:
        return ran.status == 0 and self.says in ran.stdout


class _Process:
    """A started process whose streams are files: nobody need read while it runs."""

    def __init__(self, command: Command) -> None:
        self.streams = [tempfile.TemporaryFile() for _ in range(2)]  # noqa: SIM115 - end() closes them
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, command.stdin, os.O_RDONLY, 0),
            *((os.POSIX_SPAWN_DUP2, file.fileno(), to) for to, file in enumerate(self.streams, 1)),
        ]
        environment = {**command.environment, **command.variables}
        self.started = time.perf_counter()
        # Not subprocess: this is cheap however large the present process is.
        self.pid = os.posix_spawn(command.argv[0], command.argv, environment, file_actions=actions)

    def end(self) -> Ran:
        _, status = os.waitpid(self.pid, 0)
        seconds = time.perf_counter() - self.started
        texts = []
        for file in self.streams:
            with file:
                file.seek(0)
                texts.append(file.read().decode(errors="replace"))
        return Ran(seconds, os.waitstatus_to_exitcode(status), *texts)


def run(command: Command) -> Ran:
    """Run a command to its end; WrongAnswerError unless its answer is right."""
    ran = _Process(command).end()
    if not command.is_right(ran):
        raise WrongAnswerError(f"{command}\nstatus {ran.status}\n{ran.stdout[:500]}\n{ran.stderr[-2000:]}")
    return ran


def run_at_once(commands: Iterable[Command]) -> list[Ran]:
    """Start all commands, then wait for all; their answers are for the caller to look at."""
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

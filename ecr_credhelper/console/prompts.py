"""Prompts that turn the echo of the terminal off, and the state of the terminal after them.

Several threads and programs can prompt on the same terminal, so the open prompts belong to the process.
"""

import atexit
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ecr_credhelper.console.terminal import Terminal

CONTROLLING_TERMINAL = "/dev/tty"

open_prompts: "list[Callable[[], None]]" = []
"""Open prompts without echo: for each, the function that restores the terminal."""

active_progress: "list[Terminal]" = []
"""The terminals that are showing progress."""


@contextmanager
def prompt_without_echo(terminal: int) -> "Iterator[None]":
    """Register a prompt that turns the echo of a terminal off, so that ``restore_terminal`` can end it."""
    import termios

    def restore() -> None:
        with suppress(OSError, termios.error):
            termios.tcsetattr(terminal, termios.TCSAFLUSH, state)
            os.write(terminal, b"\n")

    for busy in active_progress[:]:
        busy.clear()
    with suppress(termios.error):
        state = termios.tcgetattr(terminal)
        if state[3] & termios.ECHO:  # Otherwise another prompt is open, which restores the echo.
            open_prompts.append(restore)
            atexit.register(restore_terminal)
    try:
        yield
    finally:
        with suppress(ValueError):  # restore_terminal can have removed it.
            open_prompts.remove(restore)


def restore_terminal() -> None:
    """Turn the echo of the terminal on again if a prompt is still open."""
    while open_prompts:
        open_prompts.pop()()


def terminal_restorer() -> "Callable[[], None]":
    """Return a function that restores the state that the controlling terminal has now.

    A program that is killed during a prompt leaves the terminal without echo.
    """
    try:
        import termios

        with open(CONTROLLING_TERMINAL, "rb", 0) as terminal:
            before = termios.tcgetattr(terminal)
    except (ImportError, OSError):  # Windows, or no terminal
        return lambda: None
    if not before[3] & termios.ECHO:  # A prompt is open, which restores the echo.
        return lambda: None

    def restore() -> None:
        with suppress(OSError, termios.error), open(CONTROLLING_TERMINAL, "rb", 0) as terminal:
            # In the background, the terminal is not ours, and changing it would stop this process.
            is_ours = os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
            if is_ours and termios.tcgetattr(terminal) != before:
                termios.tcsetattr(terminal, termios.TCSAFLUSH, before)

    return restore

"""Show on a terminal what a command waits for."""

import os
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from ecr_credhelper.console.prompts import active_progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ecr_credhelper.console.terminal import Terminal

SILENCE = 1
"""Seconds of silence before the user is told what the command waits for, and between two updates."""

STDERR, DEFAULT_WIDTH = 2, 80


@contextmanager
def show_waiting(terminal: "Terminal", text: "str | Callable[[], str]") -> "Iterator[None]":
    """Show a line of text on a terminal's standard error if the block takes more than a second.

    ``text`` can be a function that returns the line for this moment. The line disappears before other output
    and prompts, and at the end of the block. If no thread can be started, nothing is shown.
    """
    is_finished = threading.Event()

    def show() -> None:
        shown = ""
        while not is_finished.wait(SILENCE):
            line = _fitting(text if isinstance(text, str) else text())
            if line != shown or not active_progress:  # otherwise it is still on the screen
                terminal.progress(line)
                shown = line

    thread = threading.Thread(target=show, name="waiting", daemon=True)
    with suppress(RuntimeError):
        thread.start()
    try:
        yield
    finally:
        is_finished.set()
        if thread.ident is not None:
            thread.join()  # so that it cannot write after the output of the command
        terminal.clear()


def _fitting(text: str) -> str:
    """Return a text that fits on one row of the terminal: only one row can be cleared."""
    width = 0  # that of some terminals too
    with suppress(OSError):
        width = os.get_terminal_size(STDERR).columns
    width = width or DEFAULT_WIDTH
    return text if len(text) < width else f"{text[: width - 2]}…"

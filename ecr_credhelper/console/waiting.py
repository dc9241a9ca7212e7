"""Show what a command is waiting for."""

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecr_credhelper.console.terminal import Terminal


@contextmanager
def show_waiting(terminal: "Terminal", text: str) -> "Iterator[None]":
    """Show ``text`` as progress until the block ends."""
    terminal.progress(text)
    try:
        yield
    finally:
        terminal.clear()

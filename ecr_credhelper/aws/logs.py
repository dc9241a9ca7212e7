"""Keep secrets out of the logs of a program that logs everything at DEBUG."""

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LOGGERS = ("botocore.auth", "botocore.endpoint", "botocore.parsers", "botocore.utils")
"""The loggers whose debug messages can contain keys and tokens: those of requests, or of responses."""


class _ThreadState(threading.local):
    """The number of calls of ``secrets_hidden`` that this thread is in."""

    calls = 0


_state = _ThreadState()


def _is_shown(record: logging.LogRecord) -> bool:
    return record.levelno > logging.DEBUG or not _state.calls


@contextmanager
def secrets_hidden() -> "Iterator[None]":
    """Suppress the debug messages of this thread that contain secrets.

    The filters are never removed: ``logging`` reads the list of filters while other threads change it.
    """
    for name in LOGGERS:
        logging.getLogger(name).addFilter(_is_shown)  # Adding it again has no effect.
    _state.calls += 1
    try:
        yield
    finally:
        _state.calls -= 1

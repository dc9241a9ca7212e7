"""Keep secrets out of the logs of a program that logs everything at DEBUG."""

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LOGGERS = ("botocore.auth", "botocore.endpoint", "botocore.parsers", "botocore.utils")
"""The loggers whose debug messages can contain keys and tokens: those of requests, or of responses."""


@contextmanager
def secrets_hidden() -> "Iterator[None]":
    """Suppress the debug messages of this thread that contain secrets."""
    thread = threading.get_ident()

    def is_shown(record: logging.LogRecord) -> bool:
        return record.levelno > logging.DEBUG or record.thread != thread

    loggers = [logging.getLogger(name) for name in LOGGERS]
    for logger in loggers:
        logger.addFilter(is_shown)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(is_shown)

"""Signals that end the executable."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator

import pytest

from ecr_credhelper import __main__ as program
from ecr_credhelper import helper
from ecr_credhelper.console import signals

NUMBERS = [getattr(signal, name) for name in (*signals.SIGNALS, "SIGINT") if hasattr(signal, name)]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without a signal")


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """Give a test the default handlers, and restore those of the test runner."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in NUMBERS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", NUMBERS[:2])
def test_a_signal_ends_the_command_with_its_status(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    signals.end_on_signals()
    monkeypatch.setitem(helper.VERBS, "get", lambda *_: signal.raise_signal(number))
    assert program.main(["get"]) == 128 + number


def test_ignored_signals_and_other_handlers_are_kept() -> None:
    first, second, _ = NUMBERS
    signal.signal(first, signal.SIG_IGN)
    signal.signal(second, print_signal)
    signals.end_on_signals()
    assert signal.getsignal(first) is signal.SIG_IGN
    assert signal.getsignal(second) is print_signal


def test_another_thread_changes_no_handler() -> None:
    thread = threading.Thread(target=signals.end_on_signals)
    thread.start()
    thread.join()
    assert all(signal.getsignal(number) is signal.SIG_DFL for number in NUMBERS)


def test_further_signals_are_ignored_at_the_end() -> None:
    signals.end_on_signals()
    signals.ignore_signals()
    for number in NUMBERS:
        signal.raise_signal(number)


def print_signal(*arguments: object) -> None:
    print(arguments)

"""End the executable on SIGTERM and SIGHUP as on Ctrl-C, so that it leaves no credential process behind."""

import signal
from contextlib import suppress

SIGNALS = ("SIGTERM", "SIGHUP")
"""Windows has no SIGHUP."""

SIGNAL_STATUS = 128
"""Exit status after a signal, without the signal's number, as in shells."""


class Terminated(KeyboardInterrupt):
    """A signal that ends this process. ``status`` is the exit status."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.status = SIGNAL_STATUS + number


def end_on_signals() -> None:
    """Raise ``Terminated`` on a signal in the main thread. Ignored signals stay ignored, as under nohup."""
    for number in filter(None, (getattr(signal, name, None) for name in SIGNALS)):
        if signal.getsignal(number) is signal.SIG_DFL:
            with suppress(ValueError):  # not in the main thread
                signal.signal(number, _raise)


def ignore_signals() -> None:
    """Ignore further signals, so that this process can end its credential processes."""
    for number in filter(None, (getattr(signal, name, None) for name in (*SIGNALS, "SIGINT"))):
        signal.signal(number, signal.SIG_IGN)


def _raise(number: int, _: object) -> None:
    raise Terminated(number)

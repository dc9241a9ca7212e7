"""Fetch the login of each registry once, so that a wrong identity shows now and the first pull is warm."""

import threading
import time
from typing import TYPE_CHECKING

from ecr_credhelper.console import prompts
from ecr_credhelper.console.waiting import show_waiting
from ecr_credhelper.console.wording import format_duration
from ecr_credhelper.errors import PROG, CredentialHelperError, UnreachableError, internal_error
from ecr_credhelper.library.source import TokenSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecr_credhelper.console.terminal import Terminal

TOTAL_SECONDS = 10
"""Limits how long all fetches together can take, in seconds. The time of open prompts does not count."""

PROMPT_SECONDS = 600
"""The deadline of one fetch, in seconds: ``TOTAL_SECONDS`` applies unless a prompt is open."""

POLL_SECONDS = 0.1
"""Interval between checks whether a fetch has ended, in seconds."""


def verify(hosts: "Sequence[str]", terminal: "Terminal") -> list[str]:
    """Fetch the logins one after another, show the results, and return the registries that work."""
    terminal.print()
    terminal.print("Checking logins")
    width, working, remaining = max(map(len, hosts)), [], float(TOTAL_SECONDS)
    for host in hosts:
        if remaining <= 0:
            terminal.marked("note", f"{host:{width}}  not checked ({TOTAL_SECONDS} s are over)")
            continue
        check = LoginCheck(host)
        with show_waiting(terminal, f"getting a login for {host}"):
            remaining = check.run(remaining)
        if check.error:
            terminal.marked("failure", f"{host:{width}}  {check.error.reason}", check.error.hint)
        else:
            # A new token is valid for almost 12 hours: round to minutes.
            duration = format_duration(check.seconds + 30).removesuffix(" 00 min")
            terminal.marked("ok", f"{host:{width}}  valid for {duration}")
            working.append(host)
    return working


class LoginCheck:
    """A fetch of one login in a thread, which is abandoned at the end of the time limit.

    Afterwards, ``error`` is the reason if it failed, and ``seconds`` is the remaining life of the login.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        self.seconds = 0.0
        self.error: CredentialHelperError | None = UnreachableError(
            host, f"no response within {TOTAL_SECONDS} s", f"run: {PROG} doctor {host}"
        )

    def run(self, remaining: float) -> float:
        """Fetch the login within ``remaining`` seconds, and return how many seconds remain then."""
        thread = threading.Thread(target=self._fetch, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # at a limit on processes
            self._fetch()
        while remaining > 0 and thread.is_alive():
            started = time.monotonic()
            thread.join(POLL_SECONDS)
            if not prompts.open_prompts:
                remaining -= time.monotonic() - started
        return remaining

    def _fetch(self) -> None:
        try:
            source = TokenSource()
            source.deadline = max(source.deadline, PROMPT_SECONDS)
            token = source.fetch(source.registry(self._host))
        except CredentialHelperError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001 - users never see a traceback
            self.error = internal_error(error)
        else:
            self.seconds, self.error = token.expires_at - time.time(), None

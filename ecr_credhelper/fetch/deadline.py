"""Run work with a deadline: in a thread, because nothing in botocore can be stopped from outside."""

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from ecr_credhelper.errors import UnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable

DEADLINE = 25
"""Seconds for a whole get: testcontainers-java gives up after 30."""

Result = TypeVar("Result")


def run_with_deadline(seconds: float, work: "Callable[[], Result]", *, subject: str) -> "Result":
    """Return what ``work`` returns or raise what it raises; UnreachableError after ``seconds``.

    The work goes on in its thread, which ends with the process: nothing in botocore can be stopped from
    outside. Where no thread can be started, as at a limit on processes, it is done here, without a deadline.
    """
    results: list[Result] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - it is raised again in the caller's thread
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    with suppress(RuntimeError):
        thread.start()
        thread.join(seconds)
    if thread.ident is None:
        run()
    if raised:
        raise raised[0]
    if not results:
        reason = f"AWS did not answer within {seconds:.3g} s"
        hint = "check the network, proxies and the source of the AWS credentials, and try again"
        raise UnreachableError(subject, reason, hint)
    return results[0]

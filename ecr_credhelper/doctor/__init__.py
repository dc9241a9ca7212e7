"""Run the checks of ``doctor`` in parallel. They share a ``Context`` and yield ``Finding`` objects.

A check is a function that takes the context and yields findings. It prints nothing, and findings contain no
secrets.
"""

import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, wait
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NamedTuple

from ecr_credhelper.console.prompts import open_prompts
from ecr_credhelper.errors import CredentialHelperError, internal_error
from ecr_credhelper.library.source import TokenSource
from ecr_credhelper.registry import authority_of, parse
from ecr_credhelper.settings.loader import Settings, load_settings
from ecr_credhelper.settings.rules import NO_RULE, IdentityOverride

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from botocore.session import Session

    from ecr_credhelper.registry import Registry
    from ecr_credhelper.token import Token

OK, NOTE, WARNING, FAILURE = "ok", "note", "warning", "failure"
"""Severities of findings. A note needs no action unless its condition applies."""

CONNECTION_SECONDS = 8
"""Time limit for one connection or response, in seconds: one less than for all checks together."""


class Finding(NamedTuple):
    """One finding: its severity, a text, what to do about it, and the name of its check."""

    kind: str
    text: str
    hint: str = ""
    check: str = ""


class Context:
    """The registry or image that the checks examine; an empty ``server`` means only this machine.

    ``settings_problems`` are the problems that ``config check`` finds: the setting, and the text.
    """

    def __init__(
        self,
        server: str,
        environ: "Mapping[str, str]",
        override: IdentityOverride,
        *,
        checks_push: bool = False,
        settings_problems: "Sequence[tuple[str, str]]" = (),
    ) -> None:
        self.server = server
        self.checks_push = checks_push
        self.settings_problems = settings_problems
        self.authority = authority_of(server) or ""  # With the port, as clients look the registry up.
        self.environ = environ
        self.override = override
        self.registry: Registry | None = parse(server)
        self.rule = NO_RULE
        self.settings: Settings | None = None
        self.source: TokenSource | None = None
        self.problem: CredentialHelperError | None = None
        try:
            settings = load_settings(environ)
            self.registry = self.registry or settings.registry(server)
            if self.registry:
                self.rule = settings.rule(self.registry)
            self.rule = override.apply_to(self.rule)
            self.source = TokenSource(profile=override.profile, role_arn=override.role_arn)
            self.settings = settings
        except CredentialHelperError as error:
            self.problem = error
        # Checks set these for later checks.
        self.session: Session | None = None
        self.token: Token | None = None
        self.uses_stored_login = False
        self.lacks_repository = False
        self.challenge: str | None = None
        self.skews: list[float] = []

    @property
    def host(self) -> str:
        """The host of the registry, or an empty string."""
        return self.registry.host if self.registry else self.authority

    def record_clock_skew(self, headers: "Mapping[str, str]") -> None:
        """Record the difference between the date of an HTTP response and this machine's clock."""
        try:
            date = parsedate_to_datetime(headers.get("date", "")).timestamp()
        except (ValueError, LookupError, OverflowError):
            return
        self.skews.append(date - time.time())


class Check(NamedTuple):
    """A check, the names of the checks that it waits for, and its heading."""

    name: str
    run: "Callable[[Context], Iterable[Finding]]"
    after: tuple[str, ...] = ()
    group: str = ""


def run_checks(
    context: Context, checks: "Sequence[Check]", seconds: float, progress: "Callable[[str], None]"
) -> list[Finding]:
    """Return the findings of all checks in order; a check that exceeds the time limit counts as failed.

    Its thread continues until the process exits, because threads that wait for a network cannot be stopped.
    If no thread can be started, for example at a process limit, the checks run one after another.
    """
    end = time.monotonic() + seconds
    futures: dict[str, Future[list[Finding]]] = {check.name: Future() for check in checks}
    without_thread = []
    for check in checks:
        try:
            threading.Thread(target=_run, args=(check, context, futures), daemon=True).start()
        except RuntimeError:
            without_thread.append(check)
    while without_thread:
        names = {check.name for check in without_thread}
        check = next(check for check in without_thread if names.isdisjoint(check.after))
        without_thread.remove(check)
        progress(f"checking {check.name} …")
        remaining = end - time.monotonic()
        if remaining > 0 and not wait([futures[name] for name in check.after], remaining).not_done:
            _run(check, context, futures)
    pending = set(futures.values())
    while pending and (remaining := end - time.monotonic()) > 0:
        progress(f"checking {_running(checks, futures)} …")
        pending = wait(pending, remaining, FIRST_COMPLETED).not_done
    # Look again, because this thread can have been suspended until after the time limit.
    pending = {future for future in pending if not future.done()}
    findings: list[Finding] = []
    for check in checks:
        if futures[check.name] not in pending:
            findings += futures[check.name].result()
        elif not any(futures[name] in pending for name in check.after):  # otherwise it has not started
            text = f"timed out after {seconds:g} s"
            hint = "check the network, HTTPS_PROXY and the source of the AWS credentials"
            if check.name == "credentials" and open_prompts:
                text = f"no MFA code was entered within {seconds:g} s"
                hint = "run doctor again and enter it in time, or first run: aws sts get-caller-identity"
            findings.append(Finding(FAILURE, text, hint, check.name))
    return findings


def _running(checks: "Sequence[Check]", futures: "Mapping[str, Future[list[Finding]]]") -> str:
    """Return the name of the first check that is running, or an empty string."""
    pending = {name for name, future in futures.items() if not future.done()}
    running = (check.name for check in checks if check.name in pending and pending.isdisjoint(check.after))
    return next(running, "")


def _run(check: Check, context: Context, futures: "Mapping[str, Future[list[Finding]]]") -> None:
    wait([futures[name] for name in check.after])
    try:
        findings = [*check.run(context)]
    except Exception as error:  # noqa: BLE001 - internal_error() leaves its text out, which can contain secrets
        failure = error if isinstance(error, CredentialHelperError) else internal_error(error)
        findings = [Finding(FAILURE, failure.reason, failure.hint)]
    findings = [Finding(kind, _line(text), _line(hint), check.name) for kind, text, hint, _ in findings]
    futures[check.name].set_result(findings)


def _line(text: str) -> str:
    """Return a text as one printable line."""
    return str(CredentialHelperError("", text))

"""What ``doctor`` looks into: checks that run in parallel, what they share, and the findings they bring.

A check is a function of the subject that yields findings. It shows nothing, and no finding holds a secret.
"""

import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, wait
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NamedTuple

from ecr_credhelper.console.terminal import open_prompts
from ecr_credhelper.errors import CredentialHelperError, internal_error
from ecr_credhelper.library.credentials import TokenSource
from ecr_credhelper.registry import authority_of, parse
from ecr_credhelper.settings.loader import Settings, load_settings
from ecr_credhelper.settings.rules import NO_RULE, IdentityOverride

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from botocore.session import Session

    from ecr_credhelper.registry import Registry
    from ecr_credhelper.token import Token

OK, WARNING, FAILURE = "ok", "warning", "failure"
SECONDS = 8
"""For one answer or connection; all checks together have nine."""


class Finding(NamedTuple):
    """One line of the list: what was found, what to do about it, and which check found it."""

    kind: str
    text: str
    hint: str = ""
    check: str = ""


class Context:
    """What is looked into: a registry or an image by its name, or nothing but this machine."""

    def __init__(self, server: str, environ: "Mapping[str, str]", override: IdentityOverride) -> None:
        self.server = server
        self.authority = authority_of(server) or ""  # as clients look for it, with the port that it has
        self.environ = environ
        self.override = override
        self.registry: Registry | None = parse(server)
        self.rule = NO_RULE
        self.settings: Settings | None = None
        self.source: TokenSource | None = None
        self.problem: CredentialHelperError | None = None
        try:
            found = load_settings(environ)
            self.registry = self.registry or found.registry(server)
            if self.registry:
                self.rule = found.rule(self.registry)
            self.rule = override.apply_to(self.rule)
            self.source = TokenSource(profile=override.profile, role_arn=override.role_arn)
            self.settings = found
        except CredentialHelperError as error:
            self.problem = error
        # What a check leaves for those after it.
        self.session: Session | None = None
        self.token: Token | None = None
        self.challenge: str | None = None
        self.skews: list[float] = []

    @property
    def host(self) -> str:
        """The registry as Docker names it, or nothing."""
        return self.registry.host if self.registry else self.authority

    def record_clock_skew(self, headers: "Mapping[str, str]") -> None:
        """Keep how far the date of an HTTP answer is from this machine's clock."""
        try:
            date = parsedate_to_datetime(headers.get("date", "")).timestamp()
        except (ValueError, LookupError, OverflowError):
            return
        self.skews.append(date - time.time())


class Check(NamedTuple):
    """A check, and those that it waits for."""

    name: str
    run: "Callable[[Context], Iterable[Finding]]"
    after: tuple[str, ...] = ()


def run_checks(
    subject: Context, checks: "Sequence[Check]", seconds: float, progress: "Callable[[str], None]"
) -> list[Finding]:
    """Return the findings of all checks in their order; a check that is not done in time has failed.

    Its thread goes on until the process ends: nothing can be stopped that waits for a network. Where
    no thread can be started, as at a limit on processes, the checks run here, one after another.
    """
    end = time.monotonic() + seconds
    futures: dict[str, Future[list[Finding]]] = {check.name: Future() for check in checks}
    without_thread = []
    for check in checks:
        try:
            threading.Thread(target=_run, args=(check, subject, futures), daemon=True).start()
        except RuntimeError:
            without_thread.append(check)
    for check in without_thread:
        progress(f"checking {check.name} …")
        remaining = end - time.monotonic()
        if remaining > 0 and not wait([futures[name] for name in check.after], remaining).not_done:
            _run(check, subject, futures)
    pending = set(futures.values())
    while pending and (remaining := end - time.monotonic()) > 0:
        progress(f"checking {next((name for name, one in futures.items() if not one.done()), '')} …")
        pending = wait(pending, remaining, FIRST_COMPLETED).not_done
    pending = {one for one in pending if not one.done()}  # this thread too may have been held up
    found: list[Finding] = []
    for check in checks:
        if futures[check.name] not in pending:
            found += futures[check.name].result()
        elif not any(futures[name] in pending for name in check.after):  # else it is not to blame
            text, hint = "not done", "check the network, HTTPS_PROXY and the source of the AWS credentials"
            if check.name == "credentials" and open_prompts:
                text = "no MFA code was typed"
                hint = "run it again and type it in time, or run first: aws sts get-caller-identity"
            found.append(Finding(FAILURE, f"{text} within {seconds:g} s", hint, check.name))
    return found


def _run(check: Check, subject: Context, futures: "Mapping[str, Future[list[Finding]]]") -> None:
    wait([futures[name] for name in check.after])
    futures[check.name].set_result(_findings(check, subject))


def _findings(check: Check, subject: Context) -> list[Finding]:
    try:
        found = [*check.run(subject)]
    except CredentialHelperError as error:
        found = [Finding(FAILURE, error.reason, error.hint)]
    except Exception as error:  # noqa: BLE001 - its text might hold a secret, its kind does not
        fault = internal_error(error)
        found = [Finding(FAILURE, fault.reason, fault.hint)]
    return [Finding(one.kind, _line(one.text), _line(one.hint), check.name) for one in found]


def _line(text: str) -> str:
    """Return a text as one printable line."""
    return str(CredentialHelperError("", text))

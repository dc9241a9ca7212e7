"""Change botocore's credential providers where botocore has no option for it.

The changes are to private attributes. Another version of botocore can lack some of them, and works without
the change.
"""

import datetime as dt
import getpass
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from botocore.credentials import CredentialProvider, Credentials, DeferredRefreshableCredentials
from botocore.exceptions import UnknownCredentialError

from ecr_credhelper import fork_lock
from ecr_credhelper.aws.lock import WAIT, ProcessLock, lock_name
from ecr_credhelper.aws.sdk_caches import LoginCache, SSOTokenCache
from ecr_credhelper.cache import open_cache
from ecr_credhelper.errors import PROG, CredentialsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.session import Session

TERMINAL = "/dev/tty"

SSO_PAUSES = (0.1, 0.4)
"""Seconds after which an SSO session that could not be refreshed is read again."""


def use_checked_caches(chain: "Any", host: str) -> None:
    """Make the providers of SSO and ``aws login`` read their files through caches that ignore broken ones.

    botocore has no option for this, so this changes private attributes of its providers.
    """
    sso = chain.get_provider("sso")
    cache = SSOTokenCache(sso._token_provider._cache._dumps, host)  # noqa: SLF001 - see above
    sso._token_cache = sso._token_provider._token_loader._cache = cache  # noqa: SLF001 - see above
    builder = chain.get_provider("assume-role")._profile_provider_builder  # noqa: SLF001 - see above
    builder._sso_token_cache = cache  # noqa: SLF001 - see above
    _lock_refreshes(sso._token_provider)  # noqa: SLF001 - see above
    create = builder._create_sso_provider  # noqa: SLF001 - see above

    def create_with_lock(profile_name: str) -> "Any":
        provider = create(profile_name)
        _lock_refreshes(provider._token_provider)  # noqa: SLF001 - see above
        return provider

    builder._create_sso_provider = create_with_lock  # noqa: SLF001 - see above
    chain.get_provider("login")._token_cache = builder._login_token_cache = LoginCache(host)  # noqa: SLF001 - see above


def _lock_refreshes(provider: "Any") -> None:
    """Make refreshes of an SSO session exclusive between processes: AWS accepts a refresh token only once.

    The others then read the new session.
    """
    refresh = provider._refresher  # noqa: SLF001 - botocore has no option for this

    def refresh_with_lock() -> "Any":
        session = provider._sso_config["session_name"]  # noqa: SLF001 - likewise
        name = f"sso-{lock_name(session)}"  # not a file of tokens: this process can hold one of them already
        with ProcessLock(open_cache(os.environ).store.directory, name, seconds=WAIT):
            token = refresh()
            for pause in SSO_PAUSES:
                if token.expiration > dt.datetime.now(dt.UTC):
                    break
                time.sleep(pause)
                token = refresh_again(token)
            return token

    def refresh_again(old: "Any") -> "Any":
        """Return the session that another program, which does not know the lock, has refreshed meanwhile."""
        config = provider._sso_config  # noqa: SLF001 - likewise
        found = provider._token_loader(config["sso_start_url"], session_name=config["session_name"])  # noqa: SLF001 - likewise
        return old if found["accessToken"] == old.token else refresh()

    provider._refresher = refresh_with_lock  # noqa: SLF001 - likewise


def watch_metadata(chain: "Any") -> None:
    """Record the HTTP status of a failed response of the EC2 instance metadata, which botocore only logs."""
    fetcher = chain.get_provider("iam-role")._role_fetcher  # noqa: SLF001 - botocore has no option for this
    log = fetcher._log_imds_response  # noqa: SLF001 - likewise

    def record(response: "Any", *arguments: object, **options: object) -> None:
        fetcher.status = response.status_code
        log(response, *arguments, **options)

    fetcher._log_imds_response = record  # noqa: SLF001 - likewise


def metadata_status(session: "Session") -> int | None:
    """Return the HTTP status of a failed response of the EC2 instance metadata, or None."""
    chain = session.get_component("credential_provider")
    with suppress(AttributeError, UnknownCredentialError):  # a program's session can have other providers
        status: int = chain.get_provider("iam-role")._role_fetcher.status  # noqa: SLF001 - see watch_metadata
        return status
    return None


class RefusingProcess(CredentialProvider):
    """Raises an error instead of running a credential process."""

    METHOD = "custom-process"

    def __init__(
        self, profile: str, load_config: "Callable[[], Any]", refuse: "Callable[[], dict[str, object]]"
    ) -> None:
        super().__init__()
        self._profile = profile
        self._load_config = load_config
        self._refuse = refuse

    def load(self) -> Credentials | None:
        """Return credentials that raise an error on first use. A role in the CLI's cache needs none."""
        if "credential_process" not in self._load_config()["profiles"].get(self._profile, {}):
            return None
        return DeferredRefreshableCredentials(refresh_using=self._refuse, method=self.METHOD)


def raise_interactive(host: str, requirement: str, *_: object) -> NoReturn:
    """Raise CredentialsError instead of a prompt or a credential process."""
    reason = f"the AWS credentials require {requirement}, which list does not use"
    raise CredentialsError(host, reason, f"run: {PROG} doctor {host}")


def prompt_for_mfa(host: str, role: str, profile: str, prompt: str) -> str:
    """Prompt for an MFA code on the terminal; raise CredentialsError if there is no terminal."""
    with fork_lock():
        from ecr_credhelper.console.prompts import prompt_without_echo
        from ecr_credhelper.console.terminal import clean

    question = clean(f"{host}: role {role}: {prompt}".removeprefix(": "))  # the host can be unknown
    if os.name == "nt":
        return getpass.getpass(question)
    problem = "none was entered"
    try:
        terminal = open(TERMINAL, "rb+", 0)  # noqa: SIM115 - only this call is expected to fail
    except OSError:
        problem = "no terminal is available"
    else:
        with terminal, prompt_without_echo(terminal.fileno()), suppress(EOFError):
            return getpass.getpass(question)
    command = f"aws sts get-caller-identity{f' --profile {profile}' if profile else ''}"
    raise CredentialsError(host, f"role {role} needs an MFA code, but {problem}", f"run: {command}")

"""Fetch an authorization token from Amazon ECR.

This uses botocore directly: boto3 adds only resources and file transfers. botocore provides the credential
chain, endpoints, retries, proxies and CA bundles.
"""

import encodings.idna
import encodings.utf_8_sig  # noqa: F401 - Python imports both on first use, which can be in a thread
import os
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.config import Config

from ecr_credhelper import fork_lock
from ecr_credhelper.aws.authorization import caller_host_of, reject_other_responses, token_of
from ecr_credhelper.aws.files import reject_special_files
from ecr_credhelper.aws.logs import secrets_hidden
from ecr_credhelper.aws.progress import Progress, Stage
from ecr_credhelper.aws.sessions import profile_of, resolve_credentials, session_for, session_lock
from ecr_credhelper.errors import CredentialHelperError
from ecr_credhelper.settings.rules import NO_RULE, Rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.session import Session

    from ecr_credhelper.registry import Registry
    from ecr_credhelper.token import Token

CONNECT_TIMEOUT = 5
"""Seconds to wait for a connection: three attempts fit into the deadline of a get."""

READ_TIMEOUT = 10
"""Seconds to wait for the API's response, which usually takes 0.1 s."""


class Response(NamedTuple):
    """A token, and the host of the registry in the caller's account (empty for the public registry)."""

    token: "Token"
    caller_host: str


@secrets_hidden()
def fetch(  # noqa: PLR0913 - everything that selects an identity
    registry: "Registry",
    clock: "Callable[[], float]",
    rule: Rule = NO_RULE,
    session: "Session | None" = None,
    log: "Callable[[str], object]" = str,
    *,
    is_interactive: bool = True,
    progress: Progress | None = None,
    end: float | None = None,
    open_session: "Callable[[Registry, Rule, Callable[[Session], object]], Session] | None" = None,
) -> Response:
    """Fetch a new token for ``registry`` with the identity that the rule selects.

    ``progress`` is kept up to date. A credential process is killed at ``end`` of ``time.monotonic``.
    ``open_session`` replaces ``session_for``; its third parameter is ``on_session``. The call has no
    ``registryIds``: they are deprecated, and a token is valid for all registries of a region.

    Raises:
        CredentialHelperError: anything failed.

    Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html

    """
    profile: str | None = rule.profile
    progress = progress or Progress()
    is_own_session = session is None

    def explained(error: Exception) -> CredentialHelperError:
        with fork_lock():
            from ecr_credhelper.aws.errors import explain  # its tables are needed only after a failure

            return explain(error, registry, profile, rule, trusts_system=is_own_session)

    def watch(session: "Session") -> None:
        progress.watch(session.register)

    progress.explain = explained
    try:
        if session is None:
            reject_special_files(os.environ, registry.host)
        if open_session:
            session = open_session(registry, rule, watch)
        else:
            session = session_for(
                registry, rule, session, is_interactive=is_interactive, end=end, on_session=watch
            )
        profile = progress.profile = profile_of(session)
        # Resolve credentials before creating the client. Without any, the client would repeat the search,
        # which takes seconds on EC2.
        progress.stage = Stage.CREDENTIALS
        provider = resolve_credentials(session).method
        progress.stage = Stage.PREPARING
        log(f"profile {profile or 'default'}, credential provider {provider}")
        client = make_client(session, registry, rule)
        log(f"endpoint {client.meta.endpoint_url} ({client.meta.region_name})")
        if not is_own_session:  # a program's session is not changed
            progress.watch(client.meta.events.register)
        check = partial(reject_other_responses, registry.host, client.meta.endpoint_url)
        client.meta.events.register("before-parse", check)
        progress.stage = Stage.CREDENTIALS  # those of a role are fetched when the request is signed
        response = client.get_authorization_token()
    except CredentialHelperError:
        raise
    except Exception as error:  # noqa: BLE001 - its message can hold a secret, which a traceback would show
        raise explained(error) from None
    token = token_of(response, registry.host, clock())
    log(f"response: {token}")
    return Response(token, caller_host_of(response))


def make_client(session: "Session", registry: "Registry", rule: Rule = NO_RULE) -> "Any":
    """Return a client of the API that matches the registry's host: region, FIPS and dual-stack.

    Options that neither the host nor the rule sets come from the user's AWS configuration.
    """
    config = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        use_fips_endpoint=registry.fips or None,
        use_dualstack_endpoint=registry.dualstack or None,
    )
    with session_lock(session):
        return session.create_client(
            "ecr-public" if registry.public else "ecr",
            region_name=registry.region if registry.public else rule.region or registry.region,
            endpoint_url=rule.endpoint_url or None,
            verify=rule.ca_bundle or None,
            config=config,
        )

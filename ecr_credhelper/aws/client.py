"""Ask Amazon ECR for an authorization token: the one place that talks to AWS.

boto3's own layer adds resources and file transfers on top of botocore and nothing to this one call,
so the botocore underneath it is used directly; credential chain, endpoints, retries, proxies and CA
bundles are its own.
"""

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.config import Config

from ecr_credhelper.aws.authorization import own_host_of, token_of
from ecr_credhelper.aws.errors import explain
from ecr_credhelper.aws.files import reject_special_files
from ecr_credhelper.aws.sessions import profile_of, resolve_credentials, session_for, session_lock
from ecr_credhelper.errors import CredentialHelperError
from ecr_credhelper.settings.rules import NO_RULE, Rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.session import Session

    from ecr_credhelper.registry import Registry
    from ecr_credhelper.token import Token

CONNECT_TIMEOUT = 5
"""Seconds to wait for a connection: three tries fit into the deadline of the whole answer."""

READ_TIMEOUT = 10
"""Seconds to wait for the API's answer, which usually takes a tenth of one."""


class Response(NamedTuple):
    """A token, and the host of the registry in the identity's own account (empty for the public one)."""

    token: "Token"
    own_host: str


def fetch(  # noqa: PLR0913 - what selects an identity, and how to find it
    registry: "Registry",
    clock: "Callable[[], float]",
    rule: Rule = NO_RULE,
    session: "Session | None" = None,
    log: "Callable[[str], object]" = str,
    *,
    is_interactive: bool = True,
) -> Response:
    """Fetch a new token for ``registry`` with the identity that the rule selects.

    Raises:
        CredentialHelperError: any failure, with what to do about it.

    Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html,
    called without ``registryIds``: those are deprecated, and a token opens every registry of its region.

    """
    profile: str | None = rule.profile
    try:
        if session is None:
            reject_special_files(os.environ, registry.host)
        session = session_for(registry, rule, session, is_interactive=is_interactive)
        profile = profile_of(session)
        # A client would look for them once more, which takes seconds where there is an instance to ask.
        kind = resolve_credentials(session).method
        log(f"profile {profile or 'default'}, AWS credentials of botocore's kind {kind}")
        client = make_client(session, registry, rule)
        log(f"asking {client.meta.endpoint_url} in {client.meta.region_name}")
        response = client.get_authorization_token()
    except CredentialHelperError:
        raise
    except Exception as error:  # noqa: BLE001 - its text may hold a secret, in a traceback too
        raise explain(error, registry, profile) from None
    token = token_of(response, registry.host, clock())
    log(f"response: {token}")
    return Response(token, own_host_of(response))


def make_client(session: "Session", registry: "Registry", rule: Rule = NO_RULE) -> "Any":
    """Return a client of the API that matches the registry's host: region, FIPS and dual-stack.

    Where neither the host nor the rule asks for something, the person's AWS configuration decides.
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

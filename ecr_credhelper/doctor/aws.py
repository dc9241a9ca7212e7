"""Checks that call AWS: the credentials, their identity, the token, and this machine's clock."""

import os
import sys
import time
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

from ecr_credhelper.aws import trust
from ecr_credhelper.aws.client import make_client
from ecr_credhelper.aws.error_fields import ca_bundle
from ecr_credhelper.aws.errors import explain
from ecr_credhelper.aws.files import reject_special_files
from ecr_credhelper.aws.profiles import chain_of
from ecr_credhelper.aws.sessions import OwnSession, profile_of, resolve_credentials, session_for
from ecr_credhelper.cache import open_cache
from ecr_credhelper.console.log import redacted
from ecr_credhelper.console.wording import format_duration
from ecr_credhelper.doctor import CONNECTION_SECONDS, FAILURE, OK, WARNING, Finding
from ecr_credhelper.doctor.sources import describe_source
from ecr_credhelper.errors import PROG, AccessDeniedError, CredentialHelperError, UnreachableError
from ecr_credhelper.fingerprint import fingerprint
from ecr_credhelper.registry import PUBLIC_REGION, Registry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ecr_credhelper.doctor import Context

TOLERATED_SKEW = 60
"""Clock skew in seconds up to which nothing is reported."""

MAX_SKEW = 300
"""Clock skew in seconds up to which AWS accepts signatures."""


def certificates(context: "Context") -> "Iterator[Finding]":
    """Report the CA certificates with which the certificate of AWS is checked."""
    environ = context.environ
    profile, settings = next(iter(chain_of(context.rule.profile, environ).items()))
    path, source = ca_bundle(context.rule, settings, profile, environ)
    if path and not os.path.exists(os.path.expanduser(path)):
        yield Finding(FAILURE, f"the CA bundle {path} does not exist", f"check {source}")
    elif path and not trust.has_certificates(os.path.expanduser(path)):
        yield Finding(
            FAILURE, f"the CA bundle {path} has no certificates that can be used", f"check {source}"
        )
    elif path:
        yield Finding(OK, f"CA bundle {path} ({source})")
    else:
        yield from _system_certificates(context.environ)


def _system_certificates(environ: "Mapping[str, str]") -> "Iterator[Finding]":
    store = trust.system_store(environ)
    native, directory, file = store or trust.Store()
    places = (("", native), ("SSL_CERT_DIR", directory), ("SSL_CERT_FILE", file))
    for name, place in places:
        value = environ.get(name)
        files = trust.files_without_hash(value or "") if name == "SSL_CERT_DIR" else []
        is_useless = files and not any(map(trust.has_certificates, files))
        if value and store and (value != place or is_useless):
            yield Finding(
                WARNING, f"{value} has no certificates that can be used", f"correct or unset {name}"
            )
    if store:
        parts = (
            f"{place} ({name})" if place == environ.get(name) else place for name, place in places if place
        )
        yield Finding(OK, f"CA certificates of the system: {', then '.join(parts)}")
    else:
        package = "truststore" if sys.platform in trust.NATIVE else "ca-certificates"
        yield Finding(
            OK, "CA certificates of botocore: this system has none", f"to use a system's, install {package}"
        )


def credentials(context: "Context") -> "Iterator[Finding]":
    """Report the source of the AWS credentials, and the API that they are used for."""
    if context.problem or (context.server and not context.registry):
        return
    registry, profile = _registry(context, ""), context.rule.profile
    try:
        reject_special_files(context.environ, registry.host)
        if not context.registry:
            region = OwnSession(profile or None).get_config_variable("region")
            registry = _registry(context, region or PUBLIC_REGION)
        sources: list[Session] = []  # the session before it assumes the role of a rule
        session = session_for(registry, context.rule, on_session=sources.append)
        profile = profile_of(session)
        # Fetch the credentials now, so that the token check does not ask for an MFA code.
        resolve_credentials(session).get_frozen_credentials()
        source = describe_source(resolve_credentials(sources[0]).method, profile, context.environ)
        api = make_client(session, registry, context.rule).meta
    except CredentialHelperError:
        raise
    except Exception as error:  # noqa: BLE001 - explain() converts every exception
        raise explain(error, registry, profile, context.rule) from None
    context.session = session
    if context.rule.auto_pattern:
        source += f', selected by profile = "{context.rule.profile}"'
    yield Finding(OK, f"{source}, role {context.rule.role_arn}" if context.rule.role_arn else source)
    if context.registry:
        yield Finding(OK, f"endpoint {redacted(api.endpoint_url)} ({api.region_name})")


def identity(context: "Context") -> "Iterator[Finding]":
    """Report the identity that AWS sees, and whether the registry belongs to another account."""
    session = context.session
    if session is None:
        return
    region = session.get_config_variable("region")
    registry = _registry(context, region)
    config = Config(
        connect_timeout=CONNECTION_SECONDS, read_timeout=CONNECTION_SECONDS, retries={"total_max_attempts": 1}
    )
    try:
        ca_bundle = context.rule.ca_bundle or None
        sts: Any = session.create_client("sts", region_name=region, config=config, verify=ca_bundle)
        response = sts.get_caller_identity()
    except Exception as error:  # noqa: BLE001 - explain() converts every exception
        if isinstance(error, ClientError):
            context.record_clock_skew(error.response["ResponseMetadata"]["HTTPHeaders"])
        failure = explain(error, registry, profile_of(session), context.rule)
        if not isinstance(failure, AccessDeniedError | UnreachableError):
            raise failure from None
        yield Finding(WARNING, failure.reason, failure.hint)  # A pull does not need this call.
        return
    context.record_clock_skew(response["ResponseMetadata"]["HTTPHeaders"])
    yield Finding(OK, response["Arn"])
    if registry.account not in {"", response["Account"]}:
        text = f"cross-account: the repository policy must allow account {response['Account']}"
        yield Finding(OK, text, "if this is not intended, set another profile in the settings file")


def token(context: "Context") -> "Iterator[Finding]":
    """Report the login that ``get`` serves, and fetch it if necessary."""
    if context.source is None or context.registry is None:
        return
    now, cache = time.time(), open_cache(context.environ)
    login = None if context.override else cache.login(context.host, now)
    if context.session is None and not login:  # Only use the cache, to avoid a second prompt for an MFA code.
        key = cache.token_key(context.host, fingerprint(context.environ).full)
        if context.override or not key or not cache.token(key, now):
            return
    found = context.token = login or context.source.fetch(context.registry)
    valid = f"valid for {format_duration(found.expires_at - now)}"
    context.uses_stored_login = login is not None
    if login:
        hint = f"to remove it, run: {PROG} cache clear {context.authority}"
        yield Finding(WARNING, f"using the stored docker login (overrides your AWS identity), {valid}", hint)
    elif found.fetched_at < now:
        yield Finding(OK, f"cached {format_duration(now - found.fetched_at)} ago, {valid}")
    else:
        yield Finding(OK, f"new, {valid}")


def clock(context: "Context") -> "Iterator[Finding]":
    """Report the difference between this machine's clock and the dates of responses."""
    skew = max(context.skews, key=abs, default=None)
    if skew is not None:
        kind = OK if abs(skew) <= TOLERATED_SKEW else WARNING if abs(skew) <= MAX_SKEW else FAILURE
        text = f"{abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} the clock of AWS"
        hint = f"set the clock: AWS rejects requests if it is off by more than {MAX_SKEW} s"
        yield Finding(kind, text, "" if kind == OK else hint)


def _registry(context: "Context", region: str) -> Registry:
    """Return the registry, or a stand-in with a region if the user specified none."""
    return context.registry or Registry("AWS", region)

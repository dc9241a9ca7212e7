"""What AWS answers: who asks, whether there is a token, and whether this machine's clock is right."""

import time
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.session import Session

from ecr_credhelper.aws.client import make_client
from ecr_credhelper.aws.errors import explain
from ecr_credhelper.aws.files import reject_special_files
from ecr_credhelper.aws.sessions import profile_of, resolve_credentials, session_for
from ecr_credhelper.cache import open_cache
from ecr_credhelper.console.durations import format_duration
from ecr_credhelper.console.log import redacted
from ecr_credhelper.doctor import FAILURE, OK, SECONDS, WARNING, Finding
from ecr_credhelper.errors import PROG, CredentialHelperError
from ecr_credhelper.fingerprint import fingerprint
from ecr_credhelper.registry import PUBLIC_REGION, Registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecr_credhelper.doctor import Context


SKEW, MAX_SKEW = 60, 300
"""Seconds that a clock may be off: without a word, and before AWS refuses what is signed by it."""


def credentials(subject: "Context") -> "Iterator[Finding]":
    """Tell where the AWS credentials come from, and which API they are for."""
    if subject.problem or (subject.server and not subject.registry):
        return
    where, profile = _where(subject, ""), subject.rule.profile
    try:
        reject_special_files(subject.environ, where.host)
        if not subject.registry:
            region = Session(profile=profile or None).get_config_variable("region")
            where = _where(subject, region or PUBLIC_REGION)
        session = session_for(where, subject.rule)
        profile = profile_of(session)
        keys = resolve_credentials(session)
        keys.get_frozen_credentials()  # so that nobody is asked for an MFA code a second time, for the token
        api = make_client(session, where, subject.rule).meta
    except CredentialHelperError:
        raise
    except Exception as error:  # noqa: BLE001 - each becomes an error of ours
        raise explain(error, where, profile) from None
    subject.session = session
    role = f", role {subject.rule.role_arn}" if subject.rule.role_arn else ""
    yield Finding(OK, f"profile {profile or 'default'}{role}, botocore's kind {keys.method}")
    if subject.registry:
        yield Finding(OK, f"they are for {redacted(api.endpoint_url)} in {api.region_name}")


def identity(subject: "Context") -> "Iterator[Finding]":
    """Tell who that is, as AWS sees it."""
    session = subject.session
    if session is None:
        return
    region = session.get_config_variable("region")
    where = _where(subject, region)
    config = Config(connect_timeout=SECONDS, read_timeout=SECONDS, retries={"total_max_attempts": 1})
    try:
        ca_bundle = subject.rule.ca_bundle or None
        sts: Any = session.create_client("sts", region_name=region, config=config, verify=ca_bundle)
        answer = sts.get_caller_identity()
    except Exception as error:  # noqa: BLE001 - each becomes an error of ours
        if isinstance(error, ClientError):
            subject.record_clock_skew(error.response["ResponseMetadata"]["HTTPHeaders"])
        raise explain(error, where, profile_of(session)) from None
    subject.record_clock_skew(answer["ResponseMetadata"]["HTTPHeaders"])
    yield Finding(OK, answer["Arn"])
    if where.account not in {"", answer["Account"]}:
        text = f"the registry is another account's: what it gives to {answer['Account']}, its policies say"
        yield Finding(OK, text, "if that is not meant, name another profile in the settings file")


def token(subject: "Context") -> "Iterator[Finding]":
    """Tell the login that a get answers with, and fetch one if need be."""
    if subject.source is None or subject.registry is None:
        return
    now, cache = time.time(), open_cache(subject.environ)
    login = None if subject.override else cache.login(subject.host, now)
    if subject.session is None and not login:  # what is cached serves; nobody is asked for an MFA code twice
        key = cache.route(subject.host, fingerprint(subject.environ).route)
        if subject.override or not key or not cache.token(key, now):
            return
    found = subject.token = login or subject.source.fetch(subject.registry)
    good_for = f"good for {format_duration(found.expires_at - now)}"
    if login:
        hint = f"to remove it: {PROG} cache clear {subject.authority}"
        yield Finding(OK, f"the stored docker login, {good_for}, overrides your AWS identity", hint)
    elif found.fetched_at < now:
        yield Finding(OK, f"from the cache, {format_duration(now - found.fetched_at)} old, {good_for}")
    else:
        yield Finding(OK, f"a new one, {good_for}")


def clock(subject: "Context") -> "Iterator[Finding]":
    """Tell how far this machine's clock is from the dates in what AWS answered."""
    skew = max(subject.skews, key=abs, default=None)
    if skew is not None:
        kind = OK if abs(skew) <= SKEW else WARNING if abs(skew) <= MAX_SKEW else FAILURE
        text = f"{abs(skew):.0f} s {'behind' if skew > 0 else 'ahead of'} the clock of AWS"
        hint = f"set it: beyond {MAX_SKEW} s AWS refuses what this machine signs"
        yield Finding(kind, text, "" if kind == OK else hint)


def _where(subject: "Context", region: str) -> Registry:
    """Return the registry, or what stands for AWS where none was named."""
    return subject.registry or Registry("AWS", region)

"""What the registry answers: without a login, with it, and for an image; nothing is changed there.

Asked as Docker asks, through the system's proxies and with the certificates that the system trusts.
"""

import json
import re
import ssl
from http.client import HTTPException
from socket import gaierror
from typing import TYPE_CHECKING, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from botocore import exceptions as aws

from ecr_credhelper.aws.errors import DENIAL, explain
from ecr_credhelper.doctor import FAILURE, OK, SECONDS, WARNING, Finding
from ecr_credhelper.errors import PROG
from ecr_credhelper.library.credentials import credentials_for
from ecr_credhelper.registry import PUBLIC_HOSTS, SCHEMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecr_credhelper.doctor import Context
    from ecr_credhelper.registry import Registry

MAX_BODY = 64 * 1024
FAULTS = (OSError, HTTPException, ValueError)
"""What asking raises: the last one of a name or a URL that is none."""

KINDS = ("oci.image.index.v1", "oci.image.manifest.v1", "docker.distribution.manifest.v2")
ACCEPT = ", ".join(f"application/vnd.{kind}+json" for kind in KINDS)

# https://github.com/distribution/reference: a repository, and a tag or a digest.
IMAGE = re.compile(r"([a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::(\w[\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?")
CHALLENGE = re.compile(r'\b(\w+)="([^"]*)"')


class Answer(NamedTuple):
    """A registry's answer; nothing of its text is ever shown."""

    status: int
    headers: dict[str, str]
    body: bytes


class _NoRedirects(HTTPRedirectHandler):
    """A login is for one host, wherever its answer points."""

    def redirect_request(self, *_: object) -> None:
        """Follow nothing."""


def anonymous(subject: "Context") -> "Iterator[Finding]":
    """Tell whether the registry answers, and asks for a login."""
    if subject.registry is None:
        return
    try:
        answer = _get(f"https://{subject.authority}/v2/")
    except FAULTS as error:
        yield _unreachable(subject.registry, error)
        return
    subject.record_clock_skew(answer.headers)
    subject.challenge = answer.headers.get("www-authenticate", "")[:4096]
    if answer.status == 401:  # noqa: PLR2004 - so the distribution specification has it
        yield Finding(OK, f"{subject.host} answers, and asks for a login")
    else:
        text = f"{subject.host} does not ask for a login, it answers with HTTP status {answer.status}"
        yield Finding(WARNING, text, "check what it is: a registry, or a proxy in front of it")


def pull(subject: "Context") -> "Iterator[Finding]":
    """Tell whether the registry takes the login, and gives the image."""
    one, path = subject.registry, _path_in(subject.server)
    if one is None or subject.challenge is None or not (subject.token or one.public):
        return
    image = IMAGE.fullmatch(path)
    if path and not image:
        yield Finding(FAILURE, "what follows the host is not an image's name", "give HOST/REPOSITORY:TAG")
        return
    name = image[1] if image else ""
    reference = (image[3] or image[2] or "latest") if image else ""
    try:
        header = _authorization(subject, name)
        path = f"{name}/manifests/{reference}" if name else ""
        answer = _get(f"https://{subject.authority}/v2/{path}", header)
    except FAULTS as error:
        yield _unreachable(one, error)
        return
    what = f"{subject.authority}/{name}{'@' if ':' in reference else ':'}{reference}" if name else ""
    yield _meaning(subject, one, answer, what)


def _meaning(subject: "Context", registry: "Registry", answer: Answer, what: str) -> Finding:
    """Return what an answer to a request with a login means."""
    status, message, host = answer.status, _message(answer.body), subject.authority
    if status == 200 and what:  # noqa: PLR2004 - HTTP, as below
        return Finding(OK, f"{what} can be pulled")
    if status == 200:  # noqa: PLR2004
        return Finding(OK, "the registry takes the login", f"to check a pull: {host}/REPOSITORY:TAG")
    if status == 404 and what:  # noqa: PLR2004
        hint = "check the name; it may be in another account or region"
        return Finding(FAILURE, f"{what} is not there", hint)
    if DENIAL.search(message):
        error = aws.ClientError({"Error": {"Code": "AccessDenied", "Message": message}}, "BatchGetImage")
        denied = explain(error, registry, subject.session.profile if subject.session else None)
        hint = f"{denied.hint}; a repository of another account must allow it in its own policy too"
        return Finding(FAILURE, f"denied: {denied.reason}", hint)
    if status in {401, 403}:
        hint = f"run: {PROG} cache clear {host}; then check account, region and endpoint of the token"
        return Finding(FAILURE, f"the registry does not take the login (HTTP status {status})", hint)
    return Finding(FAILURE, f"the registry answers with HTTP status {status}", "try again")


def _get(url: str, authorization: str = "") -> Answer:
    """Return an answer, whatever its status."""
    headers = {"Accept": ACCEPT, **({"Authorization": authorization} if authorization else {})}
    try:
        response = build_opener(_NoRedirects).open(Request(url, headers=headers), timeout=SECONDS)  # noqa: S310 - https
    except HTTPError as error:
        response = error
    with response:
        found = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status, found, response.read(MAX_BODY))


def _authorization(subject: "Context", name: str) -> str:
    """Return the header for the registry; the public one gives a token of its own in return for the login."""
    header = ""
    if subject.registry and subject.token:
        header = credentials_for(subject.registry, subject.token).authorization
    challenge = dict(CHALLENGE.findall(subject.challenge or ""))
    realm, own = challenge.get("realm", ""), {subject.host, subject.authority}
    if subject.host in PUBLIC_HOSTS:
        own |= {*PUBLIC_HOSTS}
    if not realm.startswith("https://") or urlsplit(realm).netloc not in own:
        return header  # a login never goes to another host
    query = {"service": challenge.get("service", ""), "scope": f"repository:{name}:pull" if name else ""}
    answer = _get(f"{realm}?{urlencode({key: value for key, value in query.items() if value})}", header)
    try:
        return f"Bearer {json.loads(answer.body)['token']}"
    except (ValueError, LookupError, TypeError, RecursionError):
        return header


def _path_in(server: str) -> str:
    """Return what follows the host in an image's name, or nothing."""
    text = server.strip()
    scheme = next((scheme for scheme in SCHEMES if text.lower().startswith(scheme)), "")
    path = text[len(scheme) :].partition("/")[2].strip("/")
    return "" if path in {"v1", "v2"} else path


def _message(body: bytes) -> str:
    """Return the message of a registry's error, to look for names in it."""
    try:
        return str(json.loads(body)["errors"][0]["message"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""


def _unreachable(registry: "Registry", error: Exception) -> Finding:
    """Return why there was no answer: nothing that a server or a proxy sent."""
    reason = getattr(error, "reason", error)
    hint = (
        f"check the network, HTTPS_PROXY, and in a VPC the endpoint com.amazonaws.{registry.region}.ecr.dkr"
    )
    why = f"cannot be reached ({type(reason).__name__})"
    if isinstance(reason, ssl.SSLCertVerificationError):
        why = f"has a certificate that this system does not trust ({reason.verify_message})"
        hint = "add the CA that signed it to the system's, which Docker trusts too"
    elif isinstance(reason, gaierror):
        why = "cannot be reached, its name or that of the proxy is not known"
    elif isinstance(reason, TimeoutError):
        why = "did not answer in time"
    return Finding(FAILURE, f"{registry.host} {why}", hint)

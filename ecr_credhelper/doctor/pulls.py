"""Checks that call the registry: without a login, with it, and for an image. They change nothing there.

The requests are like Docker's, through the system's proxies and with the certificates that the system trusts.
"""

import json
import re
import ssl
from http import HTTPStatus
from http.client import HTTPException
from socket import gaierror
from typing import TYPE_CHECKING, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from botocore import exceptions as aws

from ecr_credhelper.aws.denials import DENIAL
from ecr_credhelper.aws.errors import explain
from ecr_credhelper.doctor import CONNECTION_SECONDS, FAILURE, OK, WARNING, Finding
from ecr_credhelper.errors import PROG
from ecr_credhelper.library.credentials import credentials_for
from ecr_credhelper.registry import PUBLIC_HOSTS, SCHEMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecr_credhelper.doctor import Context
    from ecr_credhelper.registry import Registry

MAX_BODY = 64 * 1024
"""Maximum size of a response that is read, in bytes: more than a token or an error needs."""

MAX_CHALLENGE = 4096
"""Maximum length of a challenge that is parsed, in characters: more than a realm, service and scope need."""

ERRORS = (OSError, HTTPException, ValueError)
"""Exceptions of a request; ValueError is for invalid host names and URLs."""

KINDS = ("oci.image.index.v1", "oci.image.manifest.v1", "docker.distribution.manifest.v2")
ACCEPT = ", ".join(f"application/vnd.{kind}+json" for kind in KINDS)

# https://github.com/distribution/reference: a repository, and a tag or a digest.
IMAGE = re.compile(r"([a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::(\w[\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?")
CHALLENGE = re.compile(r'\b(\w+)="([^"]*)"')


class Response(NamedTuple):
    """A registry's response; its text is never shown."""

    status: int
    headers: dict[str, str]
    body: bytes


class _NoRedirects(HTTPRedirectHandler):
    """Follows no redirects, because a login must only be sent to its own host."""

    def redirect_request(self, *_: object) -> None:
        """Return None, which means: do not follow it."""


def anonymous(context: "Context") -> "Iterator[Finding]":
    """Report whether the registry is reachable and requires a login."""
    if context.registry is None:
        return
    try:
        response = _get(f"https://{context.authority}/v2/")
    except ERRORS as error:
        yield _unreachable(context.registry, error)
        return
    context.record_clock_skew(response.headers)
    context.challenge = response.headers.get("www-authenticate", "")[:MAX_CHALLENGE]
    if response.status == HTTPStatus.UNAUTHORIZED:
        yield Finding(OK, "reachable; login required, as expected")
    else:
        text = f"{context.host} does not require a login (HTTP status {response.status})"
        yield Finding(WARNING, text, "check whether this is a registry, or a proxy in front of it")


def pull(context: "Context") -> "Iterator[Finding]":
    """Report whether the registry accepts the login, and whether the image can be pulled."""
    registry, path = context.registry, _path_in(context.server)
    if registry is None or context.challenge is None or not (context.token or registry.public):
        return
    image = IMAGE.fullmatch(path)
    if path and not image:
        text = "the part after the host is not a valid image name"
        yield Finding(FAILURE, text, "use HOST/REPOSITORY:TAG")
        return
    name = image[1] if image else ""
    reference = (image[3] or image[2] or "latest") if image else ""
    try:
        header = _authorization(context, name)
        path = f"{name}/manifests/{reference}" if name else ""
        response = _get(f"https://{context.authority}/v2/{path}", header)
    except ERRORS as error:
        yield _unreachable(registry, error)
        return
    full_name = f"{context.authority}/{name}{'@' if ':' in reference else ':'}{reference}" if name else ""
    yield _pull_finding(context, registry, response, full_name)


def _pull_finding(context: "Context", registry: "Registry", response: Response, image: str) -> Finding:
    """Return the finding for a response to a request with a login; ``image`` can be empty."""
    status, message, host = response.status, _message(response.body), context.authority
    if status == HTTPStatus.OK and image:
        return Finding(OK, f"{image} can be pulled")
    if status == HTTPStatus.OK:
        return Finding(OK, "login accepted", f"to check a pull, specify an image: {host}/REPOSITORY:TAG")
    if status == HTTPStatus.NOT_FOUND and image:
        return Finding(FAILURE, f"{image} does not exist", "check the name, the account and the region")
    if DENIAL.search(message):
        error = aws.ClientError({"Error": {"Code": "AccessDenied", "Message": message}}, "BatchGetImage")
        denied = explain(error, registry, context.session.profile if context.session else None)
        hint = f"{denied.hint}; the policy of a repository in another account must allow it too"
        return Finding(FAILURE, f"denied: {denied.reason}", hint)
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        hint = f"run: {PROG} cache clear {host}; then check the token's account, region and endpoint"
        return Finding(FAILURE, f"the registry rejected the login (HTTP status {status})", hint)
    return Finding(FAILURE, f"the registry returned HTTP status {status}", "try again")


def _get(url: str, authorization: str = "") -> Response:
    """Return the response to a request, also if its status is an error."""
    headers = {"Accept": ACCEPT, **({"Authorization": authorization} if authorization else {})}
    try:
        response = build_opener(_NoRedirects).open(Request(url, headers=headers), timeout=CONNECTION_SECONDS)  # noqa: S310 - https
    except HTTPError as error:
        response = error
    with response:
        lowercase = {name.lower(): value for name, value in response.headers.items()}
        return Response(response.status, lowercase, response.read(MAX_BODY))


def _authorization(context: "Context", name: str) -> str:
    """Return the Authorization header; the public registry exchanges the login for a bearer token first."""
    header = ""
    if context.registry and context.token:
        header = credentials_for(context.registry, context.token).authorization
    challenge = dict(CHALLENGE.findall(context.challenge or ""))
    realm, hosts = challenge.get("realm", ""), {context.host, context.authority}
    if context.host in PUBLIC_HOSTS:
        hosts |= {*PUBLIC_HOSTS}
    if not realm.startswith("https://") or urlsplit(realm).netloc not in hosts:
        return header  # A login must not be sent to another host.
    query = {"service": challenge.get("service", ""), "scope": f"repository:{name}:pull" if name else ""}
    response = _get(f"{realm}?{urlencode({key: value for key, value in query.items() if value})}", header)
    try:
        return f"Bearer {json.loads(response.body)['token']}"
    except (ValueError, LookupError, TypeError, RecursionError):
        return header


def _path_in(server: str) -> str:
    """Return the part after the host of an image name, or an empty string."""
    text = server.strip()
    scheme = next((scheme for scheme in SCHEMES if text.lower().startswith(scheme)), "")
    path = text[len(scheme) :].partition("/")[2].strip("/")
    return "" if path in {"v1", "v2"} else path


def _message(body: bytes) -> str:
    """Return the message in a registry's error response, or an empty string."""
    try:
        return str(json.loads(body)["errors"][0]["message"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""


def _unreachable(registry: "Registry", error: Exception) -> Finding:
    """Return the finding for a failed request, without texts that a server or a proxy has sent."""
    cause = getattr(error, "reason", error)
    problem = f"cannot be reached ({type(cause).__name__})"
    endpoint = f"com.amazonaws.{registry.region}.ecr.dkr"
    hint = f"check the network and HTTPS_PROXY; in a VPC, check the endpoint {endpoint}"
    if isinstance(cause, ssl.SSLCertVerificationError):
        problem = f"the certificate is not trusted by this system ({cause.verify_message})"
        hint = "add its CA to the certificates that the system trusts, which Docker also uses"
    elif isinstance(cause, gaierror):
        problem = "cannot resolve the host name (or the proxy's)"
    elif isinstance(cause, TimeoutError):
        problem = f"timed out after {CONNECTION_SECONDS} s"
    return Finding(FAILURE, f"{registry.host}: {problem}", hint)

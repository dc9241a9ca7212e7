"""Checks that call the registry: without a login, with it, and for an image. They change nothing there.

The requests are like Docker's, through the system's proxies and with the certificates that the system trusts.
"""

import json
import os
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

from ecr_credhelper.aws.client import make_client
from ecr_credhelper.aws.denials import DENIAL
from ecr_credhelper.aws.errors import explain
from ecr_credhelper.doctor import CONNECTION_SECONDS, FAILURE, NOTE, OK, WARNING, Finding
from ecr_credhelper.errors import PROG
from ecr_credhelper.files import is_special
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

VPC_PARTITIONS = {"aws", "aws-us-gov"}
"""Partitions in which the name of a VPC endpoint begins with ``com.amazonaws``."""

CREATE = "create it, or check the account and region; a push creates it only with a creation template"

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


def image_of(server: str) -> "re.Match[str] | None":
    """Return repository, tag and digest of an image name, or None if it names no valid image."""
    return IMAGE.fullmatch(_path_in(server))


def pull(context: "Context") -> "Iterator[Finding]":
    """Report whether the registry accepts the login, and whether the image can be pulled."""
    registry, path = context.registry, _path_in(context.server)
    if registry is None or context.challenge is None or not (context.token or registry.public):
        return
    image = image_of(context.server)
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
    if response.status == HTTPStatus.NOT_FOUND and name:
        yield _missing(context, registry, response, name, reference)
    else:
        yield _pull_finding(context, registry, response, full_name)


def _missing(
    context: "Context", registry: "Registry", response: Response, name: str, reference: str
) -> Finding:
    """Return the finding for HTTP status 404, which ECR also returns for an archived image."""
    if _error(response.body, "code") == "NAME_UNKNOWN":
        context.lacks_repository = True
        place = registry.host if registry.public else registry.region
        text = f'repository "{name}" does not exist in {place}'
        return Finding(FAILURE, text, CREATE)
    image = f"{context.authority}/{name}{'@' if ':' in reference else ':'}{reference}"
    if _is_archived(context, registry, name, reference):
        hint = "restore it: aws ecr update-image-storage-class --target-storage-class STANDARD …"
        return Finding(FAILURE, f"{image} is archived, and archived images cannot be pulled", hint)
    if context.checks_push:
        return Finding(NOTE, f"{image} does not exist yet")
    return Finding(FAILURE, f"{image} does not exist", "check the name, the account and the region")


def _is_archived(context: "Context", registry: "Registry", name: str, reference: str) -> bool:
    """Return whether ECR has archived an image; False if that cannot be determined, for lack of permission.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/archive-image.html
    """
    if context.session is None or registry.public:
        return False
    owner = {"registryId": registry.account} if registry.account else {}
    image = {"imageDigest" if ":" in reference else "imageTag": reference}
    try:
        client = make_client(context.session, registry, context.rule)
        details = client.describe_images(**owner, repositoryName=name, imageIds=[image])["imageDetails"]
    except Exception:  # noqa: BLE001 - the registry's own response is then all that is known
        return False
    return any(detail.get("imageStatus") == "ARCHIVED" for detail in details)


def _pull_finding(context: "Context", registry: "Registry", response: Response, image: str) -> Finding:
    """Return the finding for a response to a request with a login; ``image`` can be empty."""
    status, message, host = response.status, _error(response.body, "message"), context.authority
    if status == HTTPStatus.OK and image:
        return Finding(OK, f"{image} can be pulled")
    if status == HTTPStatus.OK:
        return Finding(OK, "login accepted", f"to check a pull, specify an image: {host}/REPOSITORY:TAG")
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
    if is_special(os.environ.get("SSL_CERT_FILE", "")):  # OpenSSL would wait for it
        raise OSError(0, "SSL_CERT_FILE is not a file")
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


def _error(body: bytes, field: str) -> str:
    """Return the code or the message in a registry's error response, or an empty string."""
    try:
        return str(json.loads(body)["errors"][0][field])
    except (ValueError, LookupError, TypeError, RecursionError):
        return ""


def _unreachable(registry: "Registry", error: Exception) -> Finding:
    """Return the finding for a failed request, without texts that a server or a proxy has sent."""
    cause = getattr(error, "reason", error)
    problem = f"cannot be reached ({type(cause).__name__})"
    hint = "check the network and HTTPS_PROXY"
    if registry.partition in VPC_PARTITIONS and not (registry.public or registry.fips or registry.dualstack):
        hint += f"; in a VPC, check the endpoint com.amazonaws.{registry.region}.ecr.dkr"
    elif not registry.partition:
        hint += "; check the host name"
    if isinstance(cause, ssl.SSLCertVerificationError):
        problem = f"the certificate is not trusted by this system ({cause.verify_message})"
        hint = "add its CA to the certificates that the system trusts, which Docker also uses"
    elif isinstance(cause, gaierror):
        problem = "cannot resolve the host name (or the proxy's)"
    elif isinstance(cause, TimeoutError):
        problem = f"timed out after {CONNECTION_SECONDS} s"
    return Finding(FAILURE, f"{registry.host}: {problem}", hint)

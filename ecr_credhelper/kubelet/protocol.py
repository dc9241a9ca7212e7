"""The kubelet's protocol: a request on standard input, a response on standard output, both JSON.

The reference is the types in
https://github.com/kubernetes/kubernetes/tree/master/staging/src/k8s.io/kubelet/pkg/apis/credentialprovider.
The kubelet rejects a response with an unknown field or with a field twice. A request can have unknown fields:
a later kubelet can add some to a version of the API.
"""

import json
import re
from typing import NamedTuple

from ecr_credhelper.errors import ProtocolError

GROUP = "credentialprovider.kubelet.k8s.io"
V1 = f"{GROUP}/v1"
API_VERSIONS = (V1, f"{GROUP}/v1beta1", f"{GROUP}/v1alpha1")
REQUEST, RESPONSE = "CredentialProviderRequest", "CredentialProviderResponse"

TOKEN = re.compile(r"[!-~]{4,20000}")
"""The tokens that STS accepts are at least 4 and at most 20,000 characters long, and these have no blanks.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
"""

SUBJECT = "kubelet"
HINT = "the kubelet runs this command; see the page about Kubernetes nodes"


class Request(NamedTuple):
    """A request: the image without tag and digest, and the token and annotations of a service account."""

    api_version: str
    image: str
    token: str
    annotations: dict[str, str]


def parse_request(data: bytes) -> Request:
    """Return the request in standard input; raise ProtocolError if it is malformed."""
    try:
        content = json.loads(data.decode(), object_pairs_hook=_object)
    except (ValueError, RecursionError):
        raise ProtocolError(SUBJECT, "standard input is not JSON", HINT) from None
    if not isinstance(content, dict):
        raise ProtocolError(SUBJECT, "standard input is not a JSON object", HINT)
    if content.get("kind") != REQUEST:
        raise ProtocolError(SUBJECT, f"kind is not {REQUEST}", HINT)
    version = content.get("apiVersion")
    if version not in API_VERSIONS:
        hint = f"supported: {', '.join(API_VERSIONS)}"
        raise ProtocolError(SUBJECT, "this apiVersion is not supported", hint)
    # Go omits empty fields, and decodes null as an empty one. Other empty values are wrong: a request for a
    # service account must not become one for the node.
    fields = {name: value for name, value in content.items() if value is not None}
    token = fields.get("serviceAccountToken", "")
    annotations = fields.get("serviceAccountAnnotations", {})
    if version != V1 and (token or annotations):
        raise ProtocolError(SUBJECT, "only v1 has the fields of a service account", HINT)
    if not isinstance(token, str) or (token and not TOKEN.fullmatch(token)):
        raise ProtocolError(SUBJECT, "serviceAccountToken is not a token", HINT)
    if not isinstance(annotations, dict) or not all(isinstance(text, str) for text in annotations.values()):
        raise ProtocolError(SUBJECT, "serviceAccountAnnotations is not an object of strings", HINT)
    if annotations and not token:
        raise ProtocolError(SUBJECT, "serviceAccountToken is missing", HINT)
    image = content.get("image")
    if not isinstance(image, str) or not image:
        raise ProtocolError(SUBJECT, "image is missing", HINT)
    return Request(version, image, token, annotations)


def format_response(api_version: str, cache_seconds: int, auth: dict[str, tuple[str, str]] | None) -> str:
    """Return a response in one line. ``auth`` maps a host to user name and password."""
    logins = {host: {"username": name, "password": word} for host, (name, word) in (auth or {}).items()}
    return json.dumps(
        {
            "apiVersion": api_version,
            "kind": RESPONSE,
            "cacheKeyType": "Registry",
            "cacheDuration": go_duration(cache_seconds),
            "auth": logins or None,
        }
    )


def go_duration(seconds: int) -> str:
    """Return a duration as Go formats it: https://pkg.go.dev/time#Duration.String."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{seconds}s"
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"


def _object(members: list[tuple[str, object]]) -> dict[str, object]:
    """Return a JSON object; raise ValueError if a field appears twice."""
    result = dict(members)
    if len(result) < len(members):
        raise ValueError("a field appears twice")
    return result

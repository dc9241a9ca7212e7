"""A Kubernetes secret for pulls, and the names that Kubernetes accepts."""

import base64
import json
import re
from typing import Any

from ecr_credhelper.console.wording import utc_time
from ecr_credhelper.errors import PROG

EXPIRY_ANNOTATION = f"{PROG}/expires-at"
"""The annotation of a secret with the time at which the first of its logins expires, in RFC 3339."""

LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
NAMES = {
    # kind: form, maximum length, its description
    "secret": (re.compile(rf"{LABEL}(?:\.{LABEL})*"), 253, "lowercase letters, digits, hyphens and dots"),
    "namespace": (re.compile(LABEL), 63, "lowercase letters, digits and hyphens"),
}
"""https://kubernetes.io/docs/concepts/overview/working-with-objects/names/"""


def problem_of_name(name: str, kind: str) -> str:
    """Return what is wrong with the name of a Kubernetes object, or an empty string."""
    form, length, description = NAMES[kind]
    if len(name) <= length and form.fullmatch(name):
        return ""
    found = f'"{name}"' if len(name) <= length else f"{len(name)} characters"
    return f"found {found}, expected at most {length} {description}, with a letter or digit at both ends"


def pull_secret(
    docker_config: dict[str, Any], name: str, namespace: str | None, expires_at: float
) -> dict[str, Any]:
    """Return a Kubernetes secret with a Docker configuration; the time is in seconds since the epoch.

    Source: https://kubernetes.io/docs/concepts/configuration/secret/#docker-config-secrets
    """
    text = json.dumps(docker_config, sort_keys=True)
    metadata = {"name": name, "annotations": {EXPIRY_ANNOTATION: utc_time(expires_at)}}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata | ({"namespace": namespace} if namespace else {}),
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": base64.b64encode(text.encode()).decode()},
    }

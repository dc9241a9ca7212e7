"""Decode responses and configurations as strictly as the kubelet does.

The types are those of Kubernetes 1.34 (https://github.com/kubernetes/kubernetes):

- staging/src/k8s.io/kubelet/pkg/apis/credentialprovider/{v1,v1beta1,v1alpha1}/types.go
- staging/src/k8s.io/kubelet/config/v1/types.go, with the checks in pkg/credentialprovider/plugin/config.go
- ``ParseDuration`` of Go's package time, for metav1.Duration

The kubelet's codec is strict (``serializer.EnableStrict`` in pkg/credentialprovider/plugin/plugin.go):
unknown fields, duplicate fields and fields in another case are errors.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

GROUP = "credentialprovider.kubelet.k8s.io"
VERSIONS = ("v1", "v1beta1", "v1alpha1")
CACHE_KEY_TYPES = ("Image", "Registry", "Global")
CACHE_TYPES = ("ServiceAccount", "Token")

UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
DURATION = re.compile(r"([+-]?)(0|((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))+)")
PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")

PATTERN = re.compile(r"[a-z0-9*]([a-z0-9.*-]*[a-z0-9*])?(:[0-9]+)?")
"""A host with an optional port: the patterns that we print. The kubelet accepts these and more."""

QUALIFIED_NAME = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[a-z0-9]([-a-z0-9_.]*[a-z0-9])?")


class StrictError(ValueError):
    """The kubelet rejects the text."""


class Response(NamedTuple):
    """A CredentialProviderResponse. ``cache_duration`` is in seconds, or None for the default."""

    api_version: str
    cache_key_type: str
    cache_duration: float | None
    auth: dict[str, tuple[str, str]]


def decode_response(data: bytes) -> Response:
    """Return a response; raise StrictError if the kubelet rejects it."""
    content = _load(data)
    _fields(content, {"apiVersion", "kind", "cacheKeyType"}, {"cacheDuration", "auth"})
    group, _, version = str(content["apiVersion"]).partition("/")
    if group != GROUP or version not in VERSIONS or content["kind"] != "CredentialProviderResponse":
        raise StrictError("group, version, kind")
    if content["cacheKeyType"] not in CACHE_KEY_TYPES:
        raise StrictError("cacheKeyType")
    logins: dict[str, tuple[str, str]] = {}
    auth = content.get("auth")
    if not isinstance(auth, dict | None):
        raise StrictError("auth")
    for key, login in (auth or {}).items():
        _fields(login, {"username", "password"}, set())
        if not isinstance(login["username"], str) or not isinstance(login["password"], str):
            raise StrictError("AuthConfig")
        logins[key] = (login["username"], login["password"])
    duration = content.get("cacheDuration")
    seconds = None if duration is None else parse_duration(duration)
    return Response(content["apiVersion"], content["cacheKeyType"], seconds, logins)


def decode_configuration(data: str) -> list[dict[str, Any]]:
    """Return the providers of a CredentialProviderConfig; raise StrictError if the kubelet rejects it."""
    content = _load(data.encode())
    _fields(content, {"apiVersion", "kind", "providers"}, set())
    if (content["apiVersion"], content["kind"]) != ("kubelet.config.k8s.io/v1", "CredentialProviderConfig"):
        raise StrictError("group, version, kind")
    names = [provider["name"] for provider in content["providers"]]
    if not names or len(set(names)) < len(names):
        raise StrictError("providers")
    for provider in content["providers"]:
        required = {"name", "matchImages", "defaultCacheDuration", "apiVersion"}
        _fields(provider, required, {"args", "env", "tokenAttributes"})
        if re.search("[/ ]", provider["name"]) or provider["name"] in {"", ".", ".."}:
            raise StrictError("name")
        if provider["apiVersion"] not in {f"{GROUP}/{version}" for version in VERSIONS}:
            raise StrictError("apiVersion")
        _strings(provider["matchImages"])
        if not all(PATTERN.fullmatch(pattern) for pattern in provider["matchImages"]):
            raise StrictError("matchImages")
        if not provider["matchImages"] or parse_duration(provider["defaultCacheDuration"]) < 0:
            raise StrictError("matchImages, defaultCacheDuration")
        _strings(provider.get("args", []))
        for variable in provider.get("env", []):
            _fields(variable, {"name", "value"}, set())
            _strings(list(variable.values()))
        if "tokenAttributes" in provider:
            _check_attributes(provider["tokenAttributes"], provider["apiVersion"])
    return list(content["providers"])


def _check_attributes(attributes: dict[str, Any], version: str) -> None:
    required, optional = "requiredServiceAccountAnnotationKeys", "optionalServiceAccountAnnotationKeys"
    fields = {"serviceAccountTokenAudience", "cacheType", "requireServiceAccount"}
    _fields(attributes, fields, {required, optional})
    keys = [*attributes.get(required, []), *attributes.get(optional, [])]
    _strings(keys)
    if (
        version != f"{GROUP}/v1"
        or not attributes["serviceAccountTokenAudience"]
        or attributes["cacheType"] not in CACHE_TYPES
        or not isinstance(attributes["requireServiceAccount"], bool)
        or (attributes.get(required) and not attributes["requireServiceAccount"])
        or len(set(keys)) < len(keys)
        or not all(QUALIFIED_NAME.fullmatch(key.lower()) for key in keys)
    ):
        raise StrictError("tokenAttributes")


def parse_duration(text: object) -> float:
    """Return the seconds of a duration; raise StrictError if Go cannot parse it."""
    found = DURATION.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise StrictError("duration")
    seconds = sum(float(number) * UNITS[unit] for number, unit in PART.findall(found[2]))
    return -seconds if found[1] == "-" else seconds


def _load(data: bytes) -> Any:
    try:
        return json.loads(data.decode(), object_pairs_hook=_object)
    except ValueError as error:
        raise StrictError(str(error)) from None


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(members)) < len(members):
        raise StrictError("duplicate field")
    return dict(members)


def _fields(content: Any, required: set[str], optional: set[str]) -> None:
    if not isinstance(content, dict) or not required <= content.keys() <= required | optional:
        raise StrictError(f"expected the fields {sorted(required | optional)}")


def _strings(values: Any) -> None:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise StrictError("expected strings")

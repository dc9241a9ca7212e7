"""Play the kubelet of a node, and AWS's credential provider.

``Kubelet`` calls a provider and caches its responses as Kubernetes 1.34 does: ``provide`` in
https://github.com/kubernetes/kubernetes/blob/master/pkg/credentialprovider/plugin/plugin.go, and
``URLsMatch`` in pkg/credentialprovider/keyring.go.

``AmazonsProvider`` does what AWS's provider does: each run calls AWS, and half of the token's life is the
duration for the cache. Its source is
https://github.com/kubernetes/cloud-provider-aws/blob/master/cmd/ecr-credential-provider/main.go.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from tests.commands import EXECUTABLE
from tests.conftest import Result
from tests.kubelet.go_types import GROUP, decode_configuration, decode_response

Auth = dict[str, tuple[str, str]]
"""Match key -> user name and password."""

Plugin = Callable[[bytes], Result]

LIFETIME = 12 * 3600
LIMIT = 60
"""Seconds after which the kubelet ends a provider."""


class ServiceAccount(NamedTuple):
    """A service account, with its annotations and the token of a pod."""

    name: str
    token: str
    annotations: dict[str, str]
    namespace: str = "default"

    @property
    def uid(self) -> str:
        return f"uid-of-{self.namespace}-{self.name}"


def request(image: str, account: ServiceAccount | None = None, version: str = "v1") -> bytes:
    """Return a request as Go encodes it: empty fields are left out, and a newline ends it."""
    content: dict[str, Any] = {"kind": "CredentialProviderRequest", "apiVersion": f"{GROUP}/{version}"}
    content["image"] = image
    if account:
        content["serviceAccountToken"] = account.token
        content |= {"serviceAccountAnnotations": account.annotations} if account.annotations else {}
    return json.dumps(content, separators=(",", ":")).encode() + b"\n"


def matches(pattern: str, image: str) -> bool:
    """Return whether an image matches a pattern of ``matchImages`` or a key of ``auth``.

    A pattern without a port does not match an image with one.
    """
    (pattern_host, pattern_port, pattern_path), (host, port, path) = _split(pattern), _split(image)
    if pattern_port != port:
        return False
    labels, patterns = host.split("."), pattern_host.split(".")
    same = len(labels) == len(patterns) and all(map(fnmatchcase, labels, patterns))
    return same and path.startswith(pattern_path)


def _split(url: str) -> tuple[str, str, str]:
    authority, slash, path = url.partition("/")
    host, _, port = authority.partition(":")
    return host, port, f"{slash}{path}"


class Kubelet:
    """The kubelet with one provider, as ``config`` configures it. ``errors`` are the lines in its log.

    ``clock`` returns seconds. ``executions`` counts the runs of the provider.
    """

    def __init__(self, config: str, plugin: Plugin, clock: Callable[[], float] = time.monotonic) -> None:
        (self._provider,) = decode_configuration(config)
        self._plugin = plugin
        self._clock = clock
        self._lock = threading.Lock()
        self._cache: dict[tuple[object, ...], tuple[float, Auth]] = {}
        self._flights: dict[tuple[object, ...], Future[Result]] = {}
        self.executions = 0
        self.errors: list[str] = []

    def login(self, image: str, account: ServiceAccount | None = None) -> tuple[str, str] | None:
        """Return the login for the pull of an image by a pod, or None."""
        auth = self.provide(image, account)
        keys = sorted((key for key in auth if matches(key, image)), reverse=True)
        return auth[keys[0]] if keys else None

    def provide(self, image: str, account: ServiceAccount | None = None) -> Auth:
        if not any(matches(pattern, image) for pattern in self._provider["matchImages"]):
            return {}
        attributes: dict[str, Any] = self._provider.get("tokenAttributes", {})
        if not attributes:
            account = None
        owner: tuple[object, ...] = ()
        if account:
            wanted = attributes.get("optionalServiceAccountAnnotationKeys", [])
            annotations = {key: account.annotations[key] for key in wanted if key in account.annotations}
            account = account._replace(annotations=annotations)
            owner = (account.namespace, account.name, account.uid, tuple(sorted(annotations.items())))
            owner += (account.token,) if attributes["cacheType"] == "Token" else ()
        host = image.partition("/")[0]
        now = self._clock()
        with self._lock:
            for key in (image, host, "global"):
                end, auth = self._cache.get((key, owner), (0.0, {}))
                if end > now:
                    return auth
        result = self._single_flight((image, owner, account and account.token), image, account)
        if result.status:
            self.errors.append(result.stderr.decode())
            return {}
        response = decode_response(result.stdout)
        assert response.api_version == self._provider["apiVersion"]
        seconds = response.cache_duration
        if seconds is None:
            seconds = LIFETIME
        assert seconds >= 0
        cache_key = {"Image": image, "Registry": host, "Global": "global"}[response.cache_key_type]
        if seconds:
            with self._lock:
                self._cache[cache_key, owner] = (now + seconds, response.auth)
        return response.auth

    def _single_flight(self, key: tuple[object, ...], image: str, account: ServiceAccount | None) -> Result:
        """Run the provider once for all callers with the same key at the same time."""
        with self._lock:
            flight = self._flights.get(key)
            is_first = flight is None
            if flight is None:
                flight = self._flights[key] = Future()
                self.executions += 1
        if is_first:
            try:
                flight.set_result(self._plugin(request(image, account)))
            except BaseException as error:
                flight.set_exception(error)
                raise
            finally:
                with self._lock:
                    del self._flights[key]
        return flight.result()

    def executable(self, command: tuple[str, ...] = (EXECUTABLE,), limit: float = LIMIT) -> None:
        """Run the real executable as the provider, with the arguments and variables of the configuration."""
        variables = {entry["name"]: entry["value"] for entry in self._provider["env"]}

        def run(data: bytes) -> Result:
            done = subprocess.run(
                [*command, *self._provider["args"]],
                input=data,
                capture_output=True,
                check=False,
                timeout=limit,
                env={**os.environ, **variables},
            )
            return Result(done.returncode, done.stdout, done.stderr)

        self._plugin = run


class AmazonsProvider:
    """A model of AWS's provider. ``calls`` counts its calls of GetAuthorizationToken.

    Each run ends when ``at_once`` runs have started.
    """

    def __init__(self, at_once: int = 1) -> None:
        self.calls = 0
        self._lock = threading.Lock()
        self._barrier = threading.Barrier(at_once)

    def __call__(self, data: bytes) -> Result:
        content = json.loads(data)
        self._barrier.wait()
        with self._lock:
            self.calls += 1
        response = {
            "kind": "CredentialProviderResponse",
            "apiVersion": content["apiVersion"],
            "cacheKeyType": "Registry",
            "cacheDuration": f"{LIFETIME // 2}s",
            "auth": {content["image"].partition("/")[0]: {"username": "AWS", "password": "a-password"}},
        }
        return Result(0, json.dumps(response).encode(), b"")

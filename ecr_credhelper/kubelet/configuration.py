"""The configuration with which the kubelet runs this program as a credential provider.

The reference is
https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/kubelet/config/v1/types.go.
"""

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from ecr_credhelper.errors import PROG
from ecr_credhelper.kubelet.protocol import V1
from ecr_credhelper.kubelet.provider import ROLE_ANNOTATION
from ecr_credhelper.paths import cache_directory, has_settings, settings_file
from ecr_credhelper.registry import FORMS, PARTITIONS, PUBLIC_HOSTS, parse
from ecr_credhelper.settings.rules import ALL_REGISTRIES, PUBLIC

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ecr_credhelper.settings.loader import Settings

CACHE_DIRECTORY = "/var/cache"
"""The directory for the cache on a node. The kubelet often runs without HOME."""


def configuration(
    settings: "Settings", environ: "Mapping[str, str]", audience: str = "", platform: str = sys.platform
) -> str:
    """Return a CredentialProviderConfig as indented JSON; raise ConfigurationError for invalid settings.

    With ``audience``, the kubelet passes on tokens of service accounts with this audience.
    """
    provider: dict[str, Any] = {
        "name": PROG,
        "matchImages": list(dict.fromkeys(_patterns(settings))),
        # This is for responses without a duration. Ours always have one.
        "defaultCacheDuration": "0s",
        "apiVersion": V1,
        "args": ["kubelet"],
        "env": [
            {"name": name, "value": value} for name, value in _variables(environ, platform).items() if value
        ],
    }
    if audience:
        provider["tokenAttributes"] = {
            "serviceAccountTokenAudience": audience,
            "cacheType": "ServiceAccount",
            "requireServiceAccount": False,
            "optionalServiceAccountAnnotationKeys": [ROLE_ANNOTATION],
        }
    content = {
        "apiVersion": "kubelet.config.k8s.io/v1",
        "kind": "CredentialProviderConfig",
        "providers": [provider],
    }
    return json.dumps(content, indent=2)


def _patterns(settings: "Settings") -> "Iterator[str]":
    """Yield patterns for the hosts of ECR and the custom hosts. ``*`` matches within one label."""
    for labels, _, is_dualstack in FORMS:
        for _, _, suffix, dualstack_suffix in PARTITIONS:
            if domain := dualstack_suffix if is_dualstack else suffix:
                yield f"*.{labels}*.{domain}"
    yield from PUBLIC_HOSTS
    settings.raise_if_invalid(ALL_REGISTRIES, *(rule.pattern for rule in settings.rules))
    for rule in settings.rules:
        is_custom = (rule.region or rule.public) and not rule.is_account and rule.pattern != PUBLIC
        if is_custom and parse(rule.pattern) is None:
            yield rule.pattern


def _variables(environ: "Mapping[str, str]", platform: str) -> dict[str, str]:
    """Return the variables that the kubelet sets. On Windows, the system's directory for caches is used.

    Paths are absolute: the kubelet has another working directory, and perhaps no home directory.
    """
    directory = "" if platform == "win32" else CACHE_DIRECTORY
    if environ.get("AWS_ECR_CACHE_DIR"):
        directory = os.path.dirname(cache_directory(environ) or "")
    return {
        "AWS_ECR_CACHE_DIR": directory,
        "ECR_CREDHELPER_CONFIG": (settings_file(environ) or "") if has_settings(environ) else "",
    }

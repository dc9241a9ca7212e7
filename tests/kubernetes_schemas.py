"""Check Kubernetes objects against the schemas of Kubernetes, which kubernetes-validate contains."""

from __future__ import annotations

from typing import Any

import kubernetes_validate
from kubernetes_validate.utils import all_versions
from ruamel.yaml import YAML

VERSIONS = tuple(all_versions()[index] for index in (0, -1))
"""The oldest and the newest version of Kubernetes whose schemas are there."""


def check_objects(text: str) -> list[dict[str, Any]]:
    """Return the Kubernetes objects of a YAML text, each of which must match its schema.

    A field that the schema does not know is an error, and so is an object without a name.
    """
    objects: list[dict[str, Any]] = list(YAML(typ="safe").load_all(text))
    assert objects
    for found in objects:
        for version in VERSIONS:
            kubernetes_validate.validate(found, version, strict=True)
        assert found["metadata"]["name"], found
    return objects

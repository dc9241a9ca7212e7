"""Check Kubernetes objects against the schemas of Kubernetes, which kubernetes-validate contains."""

from __future__ import annotations

from typing import Any

import kubernetes_validate
import yaml
from kubernetes_validate.utils import all_versions

VERSIONS = tuple(all_versions()[index] for index in (0, -1))
"""The oldest and the newest version of Kubernetes whose schemas are there."""


class _Loader(yaml.SafeLoader):
    """Rejects duplicate keys, of which PyYAML takes the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT002 - of PyYAML
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"duplicate key in {keys}"
        return super().construct_mapping(node, deep=deep)


class _StringLoader(_Loader):
    """Leaves every scalar a string: PyYAML would take the key ``on`` of a workflow for a truth value."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - of PyYAML


def parse_yaml(text: str, *, types: bool = True) -> list[Any]:
    """Return the documents of a YAML text (JSON is YAML). Without ``types``, all scalars are strings."""
    return list(yaml.load_all(text, _Loader if types else _StringLoader))


def check_objects(text: str) -> list[dict[str, Any]]:
    """Return the Kubernetes objects of a YAML text, each of which must match its schema.

    A field that the schema does not know is an error, and so is an object without a name.
    """
    objects: list[dict[str, Any]] = parse_yaml(text)
    assert objects
    for found in objects:
        for version in VERSIONS:
            kubernetes_validate.validate(found, version, strict=True)
        assert found["metadata"]["name"], found
    return objects

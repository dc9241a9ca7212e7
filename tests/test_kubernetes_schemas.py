"""The check of Kubernetes objects finds the mistakes that the API server would reject."""

from __future__ import annotations

import pytest
from kubernetes_validate import SchemaNotFoundError, ValidationError

from tests.kubernetes_schemas import check_objects

ROLE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: a
rules:
  - apiGroups: [""]
    resources: [secrets]
    verbs: [create]
"""


def test_every_object_of_a_text_is_returned() -> None:
    first, second = check_objects(f"{ROLE}---\n{ROLE.replace('name: a', 'name: b')}")
    assert (first["metadata"]["name"], second["metadata"]["name"]) == ("a", "b")


@pytest.mark.parametrize(("right", "wrong"), [
    ("kind: Role", "kind: Rule"),
    ("rules:", "ruls:"),
    ("verbs: [create]", "verbs: create"),
    ("    verbs: [create]\n", ""),
    ("verbs: [create]", "verb: [create]"),
    ("  name: a", "  name: a\n  name: b"),
    ("  name: a", "  namespace: a"),
])  # fmt: skip
def test_every_mistake_is_found(right: str, wrong: str) -> None:
    assert right in ROLE
    with pytest.raises((AssertionError, KeyError, SchemaNotFoundError, ValidationError)):
        check_objects(ROLE.replace(right, wrong))

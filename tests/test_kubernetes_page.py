"""The page on pull secrets: its commands run with a substitute for kubectl, and so does its job."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ecr_credhelper.cli.kubernetes import EXPIRY_ANNOTATION
from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.conftest import HOST
from tests.kubernetes_schemas import check_objects
from tests.pages import blocks, page, session
from tests.user_shell import Shell

PAGE = page("docs/how-to/kubernetes-pull-secrets.md")
ACCOUNT, MANIFESTS = (check_objects(text) for text in blocks(PAGE, "yaml"))
OBJECTS = {found["kind"]: found for found in MANIFESTS}
POD = OBJECTS["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]

KUBECTL = f"""\
#!{sys.executable}
import os, sys
with open(os.path.join(os.path.dirname(__file__), "kubectl.log"), "a") as log:
    print(repr((sys.argv[1:], sys.stdin.read() if "-" in sys.argv else "")), file=log)
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the substitute is a script")


@pytest.fixture
def kubectl(tmp_path: Path) -> Path:
    """Put a kubectl on PATH that records its calls; return the path of the record."""
    (tmp_path / "kubectl").write_text(KUBECTL)
    (tmp_path / "kubectl").chmod(0o755)
    return tmp_path / "kubectl.log"


def calls(log: Path) -> list[tuple[list[str], str]]:
    return [eval(line) for line in log.read_text().splitlines()]


def check_secret(text: str, namespace: str | None) -> None:
    """Check the secret that kubectl got: the page's name, a login for the page's registry, its expiry."""
    (secret,) = check_objects(text)
    metadata = secret["metadata"]
    assert (metadata["name"], metadata.get("namespace")) == ("ecr", namespace)
    assert metadata["annotations"].keys() == {EXPIRY_ANNOTATION}
    config = json.loads(base64.b64decode(secret["data"][".dockerconfigjson"]))
    assert config["auths"].keys() == {HOST}


def test_every_command_of_the_page_works(shell: Shell, kubectl: Path, aws: FakeECR) -> None:
    for line in session(PAGE):
        shell(line)
    applied = [text for argv, text in calls(kubectl) if argv == ["apply", "--server-side", "-f", "-"]]
    assert len(applied) == 3
    for text, namespace in zip(applied, ("team-a", "team-a", "team-b"), strict=True):
        check_secret(text, namespace)
    others = [argv for argv, text in calls(kubectl) if not text]
    assert [argv[0] for argv in others] == ["patch", "describe", "create"]
    (patch,) = (argv[-1] for argv in others if argv[0] == "patch")
    assert json.loads(patch)["imagePullSecrets"] == ACCOUNT[0]["imagePullSecrets"] == [{"name": "ecr"}]
    assert len(aws.calls) == 1


def test_the_job_writes_the_secret_that_it_applies(shell: Shell, tmp_path: Path) -> None:
    (auth,), (apply,) = POD["initContainers"], POD["containers"]
    (mount,) = auth["volumeMounts"]
    file = f"{mount['mountPath']}/secret.json"
    assert auth["command"] == ["sh", "-c"]
    (script,) = auth["args"]
    shell(script.replace(file, f"{tmp_path}/secret.json"))
    check_secret((tmp_path / "secret.json").read_text(), None)
    assert (tmp_path / "secret.json").stat().st_mode & 0o777 == 0o600
    assert apply["command"] == ["kubectl", "apply", "--server-side", "-f", file]
    assert apply["volumeMounts"] == auth["volumeMounts"]


@pytest.mark.usefixtures("shell")
def test_a_failed_job_applies_nothing(tmp_path: Path, aws: FakeECR) -> None:
    aws.identities.clear()
    script = POD["initContainers"][0]["args"][0].replace("/secret/", f"{tmp_path}/")
    failed = subprocess.run(["sh", "-c", script], check=False, capture_output=True, text=True)
    assert failed.returncode == 1
    assert failed.stderr.startswith(f"docker-credential-ecr-py: {HOST}: ")
    assert (tmp_path / "secret.json").read_text() == ""


def test_the_objects_belong_together() -> None:
    name, namespace = "ecr-pull-secret", "team-a"
    for found in MANIFESTS:
        assert found["metadata"].items() >= {"name": name, "namespace": namespace}.items()
    assert OBJECTS["RoleBinding"]["roleRef"] == {
        "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name,
    }  # fmt: skip
    account = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
    assert OBJECTS["RoleBinding"]["subjects"] == [account]
    assert POD["serviceAccountName"] == name
    (volume,) = POD["volumes"]
    assert volume["emptyDir"]["medium"] == "Memory"
    containers: list[dict[str, Any]] = [*POD["initContainers"], *POD["containers"]]
    assert all(mount["name"] == volume["name"] for found in containers for mount in found["volumeMounts"])


def test_the_job_has_no_more_rights_than_it_needs() -> None:
    changes, creates = OBJECTS["Role"]["rules"]
    assert changes == {
        "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["ecr"], "verbs": ["get", "patch"],
    }  # fmt: skip
    assert creates == {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]}
    assert POD["securityContext"]["runAsNonRoot"]
    for container in (*POD["initContainers"], *POD["containers"]):
        restricted = container["securityContext"]
        assert restricted["readOnlyRootFilesystem"]
        assert not restricted["allowPrivilegeEscalation"]
        assert restricted["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"].keys() == {"memory"}

"""The commands of docs/how-to/kubernetes-nodes.md set up a node that pulls."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from ecr_credhelper.testing.fake_ecr import FakeECR
from tests import systems
from tests.commands import EXECUTABLE
from tests.conftest import HOST
from tests.kubelet.go_types import decode_configuration, decode_response
from tests.kubelet.node import AmazonsProvider, Kubelet
from tests.kubelet.test_provider import ANNOTATION
from tests.kubernetes_schemas import check_objects
from tests.pages import blocks, page, session

PAGE = page("docs/how-to/kubernetes-nodes.md")

pytestmark = systems.shells


def test_the_commands_of_the_page_set_up_a_node(
    tmp_path: Path, aws: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{Path(EXECUTABLE).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("AWS_ECR_CACHE_DIR", str(tmp_path / "cache"))
    configurations = []
    for line in session(PAGE):
        here = line.replace("sudo ", "").replace("/etc/kubernetes", str(tmp_path))
        subprocess.run(["sh", "-c", here], check=True, capture_output=True, cwd=tmp_path)
        if "tee" in here:
            configurations.append((tmp_path / "ecr.json").read_text())
    flags = dict(re.findall(r"^(--[\w-]+)=(\S+)$", PAGE, re.MULTILINE))
    directory = Path(flags["--image-credential-provider-bin-dir"].replace("/etc/kubernetes", str(tmp_path)))
    assert flags["--image-credential-provider-config"] == "/etc/kubernetes/ecr.json"
    of_the_node, of_service_accounts = configurations
    (provider,) = decode_configuration(of_the_node)
    node = Kubelet(of_the_node, AmazonsProvider())
    node.executable((str(directory / provider["name"]),), limit=600)
    assert node.login(f"{HOST}/app")
    assert node.errors == []
    assert list(decode_response((tmp_path / "response.json").read_bytes()).auth) == [HOST]
    assert (tmp_path / "response.json").stat().st_mode & 0o077 == 0
    assert len(aws.calls) == 1
    (with_tokens,) = decode_configuration(of_service_accounts)
    attributes = with_tokens.pop("tokenAttributes")
    assert with_tokens == provider
    role, binding, account = (found for block in blocks(PAGE, "yaml") for found in check_objects(block))
    assert role["rules"][0] == {
        "apiGroups": [""],
        "resources": [attributes["serviceAccountTokenAudience"]],
        "verbs": ["request-serviceaccounts-token-audience"],
    }
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    assert attributes["optionalServiceAccountAnnotationKeys"] == [ANNOTATION]
    assert list(account["metadata"]["annotations"]) == [ANNOTATION]


def test_the_trust_policy_is_for_the_service_account_and_the_audience_of_the_page() -> None:
    (policy,) = (json.loads(block) for block in blocks(PAGE, "json"))
    (statement,) = policy["Statement"]
    account = check_objects(blocks(PAGE, "yaml")[1])[0]["metadata"]
    provider = statement["Principal"]["Federated"].partition("oidc-provider/")[2]
    assert statement["Condition"] == {
        "StringEquals": {
            f"{provider}:aud": "sts.amazonaws.com",
            f"{provider}:sub": f"system:serviceaccount:{account['namespace']}:{account['name']}",
        }
    }

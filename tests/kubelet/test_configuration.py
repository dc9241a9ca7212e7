"""The printed configuration, as the kubelet reads it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ecr_credhelper.kubelet.configuration import configuration
from ecr_credhelper.paths import settings_file
from ecr_credhelper.registry import PUBLIC_HOSTS
from ecr_credhelper.settings.loader import Settings, load_settings
from ecr_credhelper.settings.validation import HOST as HOST_PATTERN
from tests.conftest import HOST, Run
from tests.corpus import HOSTS
from tests.docker_files import write_settings
from tests.kubelet.go_types import StrictError, decode_configuration
from tests.kubelet.node import matches

CUSTOM = """\
[registry."images.example.com:5000"]
account = "111122223333"
region = "eu-west-1"

[registry."*.mirror.example.com"]
region = "us-east-1"

[registry."mirror.example.org"]
public = true

[registry."444455556666"]
profile = "prod"

[registry.public]
on_error = "error"

[registry."111122223333.dkr.ecr.us-west-2.amazonaws.com"]
region = "us-west-2"
"""


def provider(text: str) -> dict[str, Any]:
    (found,) = decode_configuration(text)
    return found


def test_the_kubelet_accepts_the_configuration(kubelet: Run) -> None:
    result = kubelet("--print-config")
    assert (result.status, result.stderr) == (0, b"")
    found = provider(result.stdout.decode())
    assert found["name"] == "docker-credential-ecr-py"
    assert found["apiVersion"] == "credentialprovider.kubelet.k8s.io/v1"
    assert found["args"] == ["kubelet"]
    cache = [] if sys.platform == "win32" else [{"name": "AWS_ECR_CACHE_DIR", "value": "/var/cache"}]
    assert found["env"] == cache
    assert "tokenAttributes" not in found


def test_the_kubelet_accepts_the_configuration_for_service_accounts(kubelet: Run) -> None:
    result = kubelet("--print-config", "--service-accounts", "sts.amazonaws.com")
    assert provider(result.stdout.decode())["tokenAttributes"] == {
        "serviceAccountTokenAudience": "sts.amazonaws.com",
        "cacheType": "ServiceAccount",
        "requireServiceAccount": False,
        "optionalServiceAccountAnnotationKeys": ["eks.amazonaws.com/ecr-role-arn"],
    }


def test_an_audience_without_the_configuration_is_an_error(kubelet: Run) -> None:
    result = kubelet("--service-accounts", "sts.amazonaws.com")
    error = b"docker-credential-ecr-py: kubelet: --service-accounts requires --print-config; add it\n"
    assert (result.status, result.stdout, result.stderr) == (1, b"", error)


@pytest.mark.parametrize("audience", ["", " ", "a\nb"])
def test_a_wrong_audience_is_a_wrong_command_line(here: Run, audience: str) -> None:
    result = here("--print-config", "--service-accounts", audience)
    assert (result.status, result.stdout) == (2, b"")
    assert b"an audience is printable text" in result.stderr


def patterns() -> list[str]:
    found: list[str] = provider(configuration(load_settings(os.environ), os.environ))["matchImages"]
    return found


@pytest.mark.parametrize("host", sorted({row.host for row in HOSTS} | set(PUBLIC_HOSTS)))
def test_every_host_of_ecr_matches(host: str) -> None:
    assert [pattern for pattern in patterns() if matches(pattern, f"{host}/team/app")]


@pytest.mark.parametrize("host", [
    "ghcr.io", f"{HOST}:443", f"{HOST}.example.com", "docker.io", "dkr.ecr.us-west-2.amazonaws.com", "on.aws",
])  # fmt: skip
def test_other_hosts_do_not_match(host: str) -> None:
    assert not [pattern for pattern in patterns() if matches(pattern, f"{host}/app")]


def test_no_pattern_is_there_twice() -> None:
    assert len(set(patterns())) == len(patterns())


def test_custom_hosts_of_the_settings_match(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    standard = patterns()
    write_settings(home, CUSTOM)
    monkeypatch.setenv("AWS_ECR_CACHE_DIR", "/var/lib/ecr")
    found = provider(configuration(load_settings(os.environ), os.environ))
    custom = ["images.example.com:5000", "*.mirror.example.com", "mirror.example.org"]
    assert found["matchImages"] == [*standard, *custom]
    assert found["env"] == [
        {"name": "AWS_ECR_CACHE_DIR", "value": os.path.abspath("/var/lib/ecr")},
        {"name": "ECR_CREDHELPER_CONFIG", "value": settings_file(os.environ)},
    ]


@pytest.mark.parametrize("path", ["~", "~/cache", "cache", "../cache"])
def test_the_directory_for_the_cache_is_an_absolute_path(
    path: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ECR_CACHE_DIR", path)
    expected = os.path.normpath(path.replace("~", str(home)) if "~" in path else tmp_path / path)
    assert provider(configuration(load_settings(os.environ), os.environ))["env"] == [
        {"name": "AWS_ECR_CACHE_DIR", "value": expected}
    ]


@given(st.from_regex(HOST_PATTERN, fullmatch=True), st.sampled_from(["region", "public"]))
def test_the_pattern_of_any_custom_host_matches_as_the_settings_do(pattern: str, field: str) -> None:
    assume(not pattern.replace("-", "").isdigit())  # an account ID, or a wrong one
    rule = {field: "us-west-2" if field == "region" else True}
    settings = Settings("config.toml", {"registry": {pattern: rule}}, {})
    host = pattern.replace("*", "x")
    found = provider(configuration(settings, {}))["matchImages"]
    if settings.registry(host):
        assert [one for one in found if matches(one, f"{host}/app")]


def test_an_invalid_rule_is_an_error(home: Path, kubelet: Run) -> None:
    write_settings(home, '[registry."images.example.com"]\nregion = "nowhere"\n')
    result = kubelet("--print-config")
    assert (result.status, result.stdout) == (1, b"")
    assert b'registry."images.example.com".region: found "nowhere"' in result.stderr


def test_windows_has_its_own_directory_for_the_cache() -> None:
    assert provider(configuration(load_settings(os.environ), os.environ, platform="win32"))["env"] == []


@pytest.mark.parametrize(("old", "new"), [
    ('"name": "docker', '"name": "a/docker'), ('"args"', '"Args"'), ('"0s"', '"-1s"'), ('"0s"', "0"),
    ('"kubelet"', "1"), ("kubelet.config.k8s.io/v1", "v1"), ('"ServiceAccount"', '"Pod"'),
    ("credentialprovider.kubelet.k8s.io/v1", "credentialprovider.kubelet.k8s.io/v1beta1"),
    ('"providers"', '"kind": "a", "providers"'),
    ('"matchImages": [', '"matchImages": [1,'), ('"public.ecr.aws"', '"public.ecr.aws:a"'),
    ('"public.ecr.aws"', '"[public"'), ("false", "0"),
    ("CredentialProviderConfig", "Config"), ('"audience"', '""'),
])  # fmt: skip
def test_the_strict_decoder_of_the_tests_is_strict(old: str, new: str) -> None:
    text = configuration(load_settings(os.environ), os.environ, "audience")
    assert provider(text)
    assert old in text
    with pytest.raises(StrictError):
        decode_configuration(text.replace(old, new))

"""A node: the kubelet of tests/kubelet/node.py runs the real executable for many images."""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ecr_credhelper.kubelet.configuration import configuration
from ecr_credhelper.registry import private_host
from ecr_credhelper.settings.loader import load_settings
from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.commands import with_limit
from tests.conftest import HOST, OTHER_ACCOUNT
from tests.fake_sts import FakeSTS
from tests.kubelet.node import AmazonsProvider, Kubelet, ServiceAccount
from tests.man_page import ROOT

PAGE = " ".join((ROOT / "docs/how-to/kubernetes-nodes.md").read_text(encoding="utf-8").split())
ANNOTATION = "eks.amazonaws.com/ecr-role-arn"
REGIONS = ("us-west-2", "eu-central-1", "cn-north-1")
ACCOUNTS = [f"{number:012}" for number in range(100000000001, 100000000011)]
MINUTES = 600.0
"""Seconds for one run: a busy machine can exceed the real limits."""

EXECUTABLE = tuple(with_limit("kubelet.provider", "DEADLINE", MINUTES))


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Return a function that returns the printed configuration, with a cache of this test."""
    monkeypatch.setenv("AWS_ECR_CACHE_DIR", str(tmp_path))
    return functools.partial(configuration, load_settings(os.environ), os.environ)


def real_node(config: str) -> Kubelet:
    node = Kubelet(config, AmazonsProvider())
    node.executable(EXECUTABLE, limit=MINUTES)
    return node


def test_hundreds_of_images_take_one_call_for_each_region(aws: FakeECR, config: Callable[..., str]) -> None:
    """By default, the kubelet pulls one image after another."""
    hosts = [private_host(account, region) for account in ACCOUNTS for region in REGIONS]
    images = [f"{host}/team/app-{number}" for number in range(10) for host in hosts]
    assert len(images) == 300
    amazons = AmazonsProvider()
    node, other = real_node(config()), Kubelet(config(), amazons)
    for image in images:
        login = node.login(image)
        assert login
        assert login[0] == "AWS"
        assert other.login(image)
    assert node.errors == []
    assert node.executions == other.executions == len(hosts)
    assert len(aws.calls) == len(REGIONS)
    assert amazons.calls == len(hosts)
    result = f"take {len(aws.calls)} calls, and {amazons.calls} with a model of AWS's provider"
    assert f"{len(images)} images of {len(hosts)} registries in {len(REGIONS)} regions {result}" in PAGE


def test_a_burst_of_20_images_of_10_registries_of_a_region_is_one_call(
    aws: FakeECR, config: Callable[..., str]
) -> None:
    hosts = [private_host(account, "us-west-2") for account in ACCOUNTS]
    images = [f"{host}/app-{number}" for host in hosts for number in (1, 2)]
    amazons = AmazonsProvider(at_once=len(images))
    for node in (real_node(config()), Kubelet(config(), amazons)):
        with ThreadPoolExecutor(len(images)) as pool:
            logins = list(pool.map(node.login, images))
        assert node.errors == []
        assert all(logins)
    assert len(aws.calls) == 1
    assert amazons.calls == len(images)
    registries = f"{len(images)} images of {len(hosts)} registries in one region at the same time"
    assert f"{registries} take {len(aws.calls)} call, and {amazons.calls} with the model" in PAGE


def test_two_service_accounts_and_the_node_at_once_get_their_own_logins(
    aws: FakeECR, sts: FakeSTS, config: Callable[..., str]
) -> None:
    node = real_node(config("sts.amazonaws.com"))
    roles = {name: f"arn:aws:iam::111122223333:role/{name}" for name in ("a", "b")}
    accounts = [ServiceAccount(name, f"e30.e30.{name}", {ANNOTATION: role}) for name, role in roles.items()]
    pulls = list(itertools.product((HOST, OTHER_ACCOUNT), [*accounts, None]))
    with ThreadPoolExecutor(len(pulls)) as pool:
        logins = list(pool.map(lambda pull: node.login(f"{pull[0]}/app", pull[1]), pulls))
    assert node.errors == []
    role_of_key = {f"ASIAFAKE{n:012}": call.parameters["RoleArn"] for n, call in enumerate(sts.calls, 1)}
    tokens = {call.parameters["RoleArn"]: set[str]() for call in sts.calls}
    for call in sts.calls:
        tokens[call.parameters["RoleArn"]].add(call.parameters["WebIdentityToken"])
    assert tokens == {role: {f"e30.e30.{name}"} for name, role in roles.items()}
    owner_of_password = {
        aws.password(call.region, serial=number): role_of_key.get(call.access_key, "the node")
        for number, call in enumerate(aws.calls, 1)
    }
    for (_, account), login in zip(pulls, logins, strict=True):
        assert login
        assert owner_of_password[login[1]] == (account.annotations[ANNOTATION] if account else "the node")
    executions = node.executions
    for (host, account), login in zip(pulls, logins, strict=True):
        assert node.login(f"{host}/other", account) == login, "the kubelet's own cache"
    assert node.executions == executions


def test_the_kubelet_asks_again_after_the_duration(config: Callable[..., str]) -> None:
    now: list[float] = []
    amazons = AmazonsProvider()
    node = Kubelet(config(), amazons, lambda: now[-1])
    for seconds, calls in ((0, 1), (6 * 3600 - 1, 1), (6 * 3600, 2)):
        now.append(seconds)
        assert node.login(f"{HOST}/app")
        assert amazons.calls == calls


def test_the_kubelet_does_not_run_the_provider_for_other_images(config: Callable[..., str]) -> None:
    node = Kubelet(config(), AmazonsProvider())
    assert node.login("ghcr.io/team/app") is None
    assert node.executions == 0

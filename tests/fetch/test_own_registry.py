"""The registry in the account of the AWS credentials: found with as many calls to AWS as a get needs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import boto3
import pytest

from ecr_credhelper import (
    ConfigurationError,
    CredentialProvider,
    InvalidResponseError,
    UnsupportedRegistryError,
    get_credentials,
)
from ecr_credhelper.cache import open_cache
from ecr_credhelper.fetch.own_registry import KIND
from ecr_credhelper.library.source import TokenSource
from ecr_credhelper.testing.fake_ecr import FakeECR, Fault
from tests.conftest import HOST, OTHER_REGION, run
from tests.docker_files import write, write_settings

REGION = "us-west-2"
PROFILES = """
[profile other]
region = eu-central-1
aws_access_key_id = AKIAOTHER
aws_secret_access_key = other
aws_account_id = 111122223333
"""


@pytest.fixture
def other(aws: FakeECR, home: Path) -> FakeECR:
    """Add the profile ``other``, which belongs to the account of the API's responses."""
    write(home / ".aws/config", PROFILES)
    aws.identities["AKIAOTHER"] = "other"
    return aws


def used_keys(aws: FakeECR) -> list[str]:
    return [call.access_key for call in aws.calls]


def test_a_program_needs_no_registry(aws: FakeECR, monkeypatch: pytest.MonkeyPatch) -> None:
    login = get_credentials(region=REGION)
    assert (login.registry, login.account, login.region) == (HOST, "111122223333", REGION)
    monkeypatch.setenv("AWS_REGION", REGION)
    assert get_credentials() == login
    assert get_credentials(HOST) == get_credentials("111122223333") == login
    assert run("get", stdin=HOST).reply["Secret"] == login.password
    assert len(aws.calls) == 1


def test_the_region_is_that_of_the_profile_or_the_session(other: FakeECR) -> None:
    assert get_credentials(profile="other").registry == OTHER_REGION
    assert get_credentials(session=boto3.Session(profile_name="other")).registry == OTHER_REGION
    assert get_credentials(session=boto3.Session(region_name=REGION)).registry == HOST
    assert get_credentials("111122223333", session=boto3.Session(region_name=REGION)).registry == HOST
    session = boto3.Session(region_name=REGION)
    assert get_credentials(OTHER_REGION, session=session).registry == OTHER_REGION
    assert set(used_keys(other)) == {"AKIAOTHER", other.access_key}
    with pytest.raises(ConfigurationError, match=r"^no region is configured; use --region,"):
        get_credentials()
    with pytest.raises(UnsupportedRegistryError, match="is in eu-central-1, not in us-west-2"):
        get_credentials(OTHER_REGION, region=REGION)
    with pytest.raises(ConfigurationError, match=r'^region: found "x", expected a region such as'):
        get_credentials(region="x")


@pytest.mark.parametrize("value", [[HOST], None, b"x"])
def test_several_registries_are_a_clear_type_error(value: Any) -> None:
    error = f"the registry must be one string, not {type(value).__name__}"
    with pytest.raises(TypeError, match=error):
        TokenSource().registry(value)
    with CredentialProvider() as provider, pytest.raises(TypeError, match=error):
        provider.get_credentials(value)


def test_without_a_cache_there_is_one_call(aws: FakeECR, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ECR_DISABLE_CACHE", "1")
    assert get_credentials(region=REGION).registry == HOST
    assert len(aws.calls) == 1


def test_a_rule_for_the_account_is_followed(other: FakeECR, home: Path) -> None:
    write_settings(home, '[registry.111122223333]\nprofile = "other"\n')
    for _ in range(2):
        assert get_credentials(region=REGION).registry == HOST
    assert used_keys(other) == [other.access_key, "AKIAOTHER"]


def test_the_account_selects_a_profile_only_after_it_is_known(other: FakeECR, home: Path) -> None:
    write_settings(home, '[registry."*.dkr.ecr.us-west-2.amazonaws.com"]\nprofile = "auto"\n')
    assert get_credentials(region=REGION).registry == HOST
    assert used_keys(other) == [other.access_key, "AKIAOTHER"]


def test_a_token_that_is_about_to_expire_is_returned_if_aws_fails(aws: FakeECR) -> None:
    login = get_credentials(region=REGION)
    aws.faults += [Fault.aws("AccessDeniedException")]
    source = TokenSource(region=REGION, clock=lambda: login.expires_at.timestamp() - 60)
    registry, token = source.fetch_own_registry()
    assert (registry.host, token.password) == (HOST, login.password)
    assert not aws.faults


def test_a_missing_record_costs_one_call(aws: FakeECR) -> None:
    get_credentials(HOST)
    store = open_cache(os.environ).store
    (name,) = store.names(KIND)
    store.discard(KIND, name)
    assert get_credentials(region=REGION).registry == HOST
    assert get_credentials(region=REGION).registry == HOST
    assert len(aws.calls) == 2


def test_the_public_registry_leaves_no_record(aws: FakeECR) -> None:
    get_credentials("public.ecr.aws")
    assert open_cache(os.environ).store.names(KIND) == []
    assert len(aws.calls) == 1


@pytest.mark.parametrize("endpoint", [None, "https://registry.example.com"])
def test_a_response_without_the_registry_is_an_error(
    endpoint: str | None, aws: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    respond = aws.respond

    def respond_otherwise(call: Any) -> bytes:
        body = json.loads(respond(call))
        body["authorizationData"][0]["proxyEndpoint"] = endpoint
        return json.dumps(body).encode()

    monkeypatch.setattr(aws, "respond", respond_otherwise)
    with pytest.raises(
        InvalidResponseError, match=r"^the API response has no proxyEndpoint of an Amazon ECR"
    ):
        get_credentials(region=REGION)


def test_a_malformed_region_in_the_configuration_is_an_error(
    aws: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "west")
    with pytest.raises(ConfigurationError, match=r"^west is not a region; use a region such as us-west-2"):
        get_credentials()
    assert not aws.calls

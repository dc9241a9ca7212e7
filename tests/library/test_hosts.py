"""The registry that a user means, in all forms, and the wrong part of everything else."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_credhelper import ConfigurationError, UnsupportedRegistryError, registry_host
from ecr_credhelper.library.hosts import parse_registry, resolve
from ecr_credhelper.library.regions import check_region, known_regions, regions_in
from ecr_credhelper.registry import PARTITIONS, authority_of, parse
from ecr_credhelper.settings.loader import Settings, load_settings
from tests.conftest import HOST, PUBLIC
from tests.corpus import HOSTS, NOT_ECR, Row
from tests.docker_files import write, write_settings

ACCOUNT, REGION = "111122223333", "us-west-2"
CHINA = f"{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com.cn"
GOV = f"{ACCOUNT}.dkr.ecr.us-gov-west-1.amazonaws.com"
ARN = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/team/app"
WRITE_AS = f"did you mean {HOST}?"
NO_SETTINGS = Settings("", {}, {})
CUSTOM = Settings("", {"registry": {"images.example.com:5000": {"region": "eu-west-1"}}}, {})


def find(argument: str, settings: Settings = NO_SETTINGS, *, region: str = "", profile: str = "") -> str:
    """Return the registry of an argument; fail on a warning."""
    return resolve(argument, settings, region=region, profile=profile, warn=pytest.fail)


def error_of(argument: str, *, region: str = "") -> str:
    with pytest.raises(UnsupportedRegistryError) as caught:
        find(argument, region=region)
    return str(caught.value)


@pytest.mark.parametrize(("argument", "expected"), [
    (HOST, HOST),
    (f" https://{HOST.upper()}./\n", f"{HOST}/"),
    (f"DOCKER://{HOST}:443/Team/app:1", f"{HOST}:443/Team/app:1"),
    (f"{HOST}/app@sha256:{'0' * 64}", f"{HOST}/app@sha256:{'0' * 64}"),
    (ARN, f"{HOST}/team/app"),
    (f"arn:aws-cn:ecr:cn-north-1:{ACCOUNT}:repository/app", f"{CHINA}/app"),
    (f"arn:aws-us-gov:ecr:us-gov-west-1:{ACCOUNT}:repository/app", f"{GOV}/app"),
    (f"{PUBLIC}/docker/library/alpine", f"{PUBLIC}/docker/library/alpine"),
])  # fmt: skip
def test_a_registry_is_found_in_every_form(argument: str, expected: str) -> None:
    assert find(argument) == expected


@pytest.mark.parametrize(("argument", "region", "expected"), [
    (ACCOUNT, REGION, HOST),
    ("1111-2222-3333", REGION, HOST),
    (f"{ACCOUNT}/app:1", REGION, f"{HOST}/app:1"),
    (ACCOUNT, "cn-north-1", CHINA),
    (ACCOUNT, "us-gov-west-1", GOV),
])  # fmt: skip
def test_an_account_id_and_a_region_are_a_registry(argument: str, region: str, expected: str) -> None:
    assert find(argument, region=region) == expected


def test_the_region_of_an_account_id_is_that_of_the_environment_or_the_profile(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{ACCOUNT}: no region is configured; use --region"):
        find(ACCOUNT)
    write(home / ".aws/config", "[default]\nregion = eu-west-1\n[profile dev]\nregion = eu-west-2\n")
    write_settings(home, f'[registry.{ACCOUNT}]\nprofile = "dev"\n')
    settings = load_settings(os.environ)
    hosts = [find(ACCOUNT), find(ACCOUNT, settings), find(ACCOUNT, profile="dev")]
    monkeypatch.setenv("AWS_PROFILE", "dev")
    hosts.append(find(ACCOUNT))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    hosts.append(find(ACCOUNT))
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    hosts += [find(ACCOUNT), find(ACCOUNT, region=REGION)]
    regions = ["eu-west-1", "eu-west-2", "eu-west-2", "eu-west-2", "eu-west-3", "eu-north-1", REGION]
    assert [host.split(".")[3] for host in hosts] == regions


def test_a_custom_host_is_found_in_the_settings() -> None:
    argument = "https://Images.example.com:5000/app:1"
    assert find(argument, CUSTOM, region=REGION) == "images.example.com:5000/app:1"


@pytest.mark.parametrize(("argument", "error"), [
    ("11112222333", "11112222333 has 11 digits; an AWS account ID has 12"),
    (HOST.replace("3333", "333", 1), "11112222333 has 11 digits; an AWS account ID has 12"),
    (HOST.replace("1111", "11111", 1), "1111122223333 has 13 digits; an AWS account ID has 12"),
    (HOST.replace("1111", "l111", 1), "l11122223333 is not an AWS account ID; "),
    ("dkr.ecr.us-west-2.amazonaws.com", "dkr is not an AWS account ID; "),
    (HOST.replace("dkr.", ""), f"{ACCOUNT}.ecr must be {ACCOUNT}.dkr.ecr; {WRITE_AS}"),
    (HOST.replace("ecr.", ""), f"{ACCOUNT}.dkr must be {ACCOUNT}.dkr.ecr; {WRITE_AS}"),
    (HOST.replace("dkr.ecr.", ""), f"{ACCOUNT} must be {ACCOUNT}.dkr.ecr; {WRITE_AS}"),
    (HOST.replace("ecr.", "erc."), f"{ACCOUNT}.dkr.erc must be {ACCOUNT}.dkr.ecr; {WRITE_AS}"),
    (HOST[:-1], f"dkr.ecr hosts in us-west-2 end in .amazonaws.com, not in .amazonaws.co; {WRITE_AS}"),
    (CHINA.removesuffix(".cn"), "in cn-north-1 end in .amazonaws.com.cn, not in .amazonaws.com; did you"),
    (f"{HOST}.cn", f"end in .amazonaws.com, not in .amazonaws.com.cn; {WRITE_AS}"),
    (f"{HOST}.evil.com", f"end in .amazonaws.com, not in .amazonaws.com.evil.com; {WRITE_AS}"),
    (HOST.replace("dkr.", "dkr-"), "dkr-ecr hosts in us-west-2 end in .on.aws, not in .amazonaws.com; "),
    (f"{ACCOUNT}.dkr-ecr.us-iso-east-1.on.aws", "us-iso-east-1 has no dual-stack hosts; use 1111"),
    (HOST.replace("us-west-2.", ""), "the host name contains no region; use 111122223333.dkr.ecr.REGION."),
    (HOST.replace("west", "wset"), "us-wset-2 is not a known region; did you mean us-west-2?"),
    (HOST.replace("west-", "west"), "us-west2 is not a known region; did you mean us-west-2?"),
    (HOST.replace("us-west-2", "eu-centrl-1"), "eu-centrl-1 is not a known region; did you mean eu-central"),
    (HOST.replace("us-west-2", "x-y"), "x-y is not a known region; use a region such as us-west-2"),
    ("*.dkr.ecr.us-west-2.amazonaws.com", "Docker does not support wildcards in host names; name each"),
    ("gallery.ecr.aws", "gallery.ecr.aws: not an Amazon ECR registry; did you mean public.ecr.aws?"),
    ("ecr-public.aws.co/x", "not an Amazon ECR registry; did you mean ecr-public.aws.com?"),
    ("ecr.example.com", "ecr.example.com: not an Amazon ECR registry; for a custom host"),
    ("web:1", "web:1: not an Amazon ECR registry; for a custom host"),
    ("nginx:latest", "nginx: not an Amazon ECR registry; for a custom host"),
    ("hello_world", "hello_world: not an Amazon ECR registry; for a custom host"),
    ("https://my_host/app", "my_host: not an Amazon ECR registry; for a custom host"),
    ("\xfc.example.com", "the given registry: not an Amazon ECR registry; for a custom host"),
    ("arn:aws:iam::111122223333:role/pull", "the ARN is not that of an ECR repository; expected arn:"),
    (f"arn:aws:ecr-public::{ACCOUNT}:repository/a", "does not contain the alias of its registry; use publ"),
    (f"arn:aws:ecr:cn-north-1:{ACCOUNT}:repository/a", "arn:aws, but cn-north-1 is in partition aws-cn; "),
    (ARN.replace("west", "wset"), "us-wset-2 is not a known region; did you mean us-west-2?"),
])  # fmt: skip
def test_the_error_names_the_wrong_part(argument: str, error: str) -> None:
    assert error in error_of(argument)
    if "wset" not in argument and "centrl" not in argument:  # programs can use any well-formed region
        with pytest.raises(UnsupportedRegistryError) as caught:
            parse_registry(argument)
        assert error in str(caught.value)


def test_a_misspelled_region_of_an_account_id_is_an_error() -> None:
    expected = "us-wset-2 is not a known region; did you mean us-west-2?"
    assert error_of(ACCOUNT, region="us-wset-2") == expected


def test_a_region_must_be_that_of_the_host() -> None:
    assert find(HOST, region=REGION) == HOST
    assert error_of(f"{HOST}/app", region="eu-west-1") == (
        f"{HOST} is in us-west-2, not in eu-west-1; omit the region, or correct the host"
    )
    assert find(PUBLIC, region="eu-west-1") == PUBLIC


@pytest.mark.parametrize("secret", [
    "https://AWS:hunter2@{}", "hunter2@{}", "AWS:hunter2", "AWS:hunt/er2@{}", "hunter2/x@{}", "hunter2*@{}",
    "hunter2?{}", "https://https://hunter2",
])  # fmt: skip
def test_an_error_shows_no_text_that_can_be_a_password(secret: str) -> None:
    error = error_of(secret.format(HOST))
    assert "hunt" not in error
    assert re.match(r"(the given registry|AWS|https): not an Amazon ECR registry; ", error)


def test_user_information_is_reported() -> None:
    assert error_of(f"https://AWS:x@{HOST}").endswith("; remove the user name and the password before @")


@pytest.mark.parametrize(
    "region", ["us-west-9", "mx-west-1", "ap-southwest-1", "us-gov-north-1", "xy-east-1"]
)
def test_a_region_that_can_be_new_is_accepted_with_a_warning(region: str) -> None:
    warnings: list[str] = []
    host = f"{ACCOUNT}.dkr.ecr.{region}.amazonaws.com"
    assert resolve(host, NO_SETTINGS, warn=warnings.append) == host
    assert warnings == [f"{region} is not a known region"]


def test_the_regions_are_those_of_the_installed_botocore() -> None:
    assert {"us-west-2", "cn-north-1", "us-gov-west-1"} <= known_regions()
    assert "aws-global" not in known_regions()
    for region in known_regions():
        check_region(region, pytest.fail)


@pytest.mark.parametrize(
    "content", [None, "{", "[]", '{"partitions": [1]}', json.dumps({"partitions": [{}]})]
)
def test_without_data_of_botocore_every_well_formed_region_is_accepted(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "partitions.json"
    if content:
        file.write_text(content)
    assert regions_in(str(file)) == frozenset()
    monkeypatch.setattr("ecr_credhelper.library.regions.known_regions", frozenset)
    check_region("us-moon-1", pytest.fail)
    with pytest.raises(UnsupportedRegistryError, match="use a region such as us-west-2"):
        check_region("moon", pytest.fail)


@pytest.mark.parametrize("server", NOT_ECR)
def test_what_is_not_ecr_is_an_error(server: str) -> None:
    assert error_of(server)


@pytest.mark.parametrize("row", HOSTS, ids=lambda row: row.server)
def test_what_is_ecr_is_accepted(row: Row) -> None:
    assert authority_of(find(row.server)) == authority_of(row.server)


LABELS = st.sampled_from([
    "", *HOST.split("."), "dkr-ecr", "ecr-fips", "erc", "us-west", "us-wset-2", "cn-north-1", "on", "aws",
    "cn", "public", "amazonaws", "11112222333", "1111-2222-3333", "*", ":443", "/app:1", "@", "arn:aws:ecr",
])  # fmt: skip
TEXTS = st.one_of(
    st.text(),
    st.lists(LABELS).map(".".join),
    st.lists(st.sampled_from(["arn", "aws", "ecr", "", REGION, "x", ACCOUNT, "repository/a/b", "*"])).map(
        ":".join
    ),
)


@given(TEXTS, st.sampled_from(["us-west-2", "us-wset-2", "cn-north-1", "x"]))
def test_any_text_is_a_registry_or_an_error_about_the_registry(text: str, region: str) -> None:
    warnings: list[str] = []
    try:
        found = resolve(text, CUSTOM, region=region, warn=warnings.append)
    except UnsupportedRegistryError:
        return
    assert parse_registry(found, CUSTOM)
    assert resolve(found, CUSTOM, warn=warnings.append) == found


@given(st.sampled_from(HOSTS), st.sampled_from(["", "https://", " oci://"]), st.text("/:@aB*.é", max_size=9))
def test_what_parse_accepts_keeps_its_host(row: Row, scheme: str, path: str) -> None:
    server = f"{scheme}{row.server.strip()}/{path}"
    if parse(server):
        assert authority_of(find(server)) == authority_of(server)


@pytest.mark.parametrize("row", [row for row in HOSTS if row.account and not row.fips and not row.dualstack])
def test_a_host_is_built_in_every_partition(row: Row) -> None:
    assert registry_host(row.account, row.region) == row.host


def test_every_known_region_has_a_host() -> None:
    partitions = {name for name, *_ in PARTITIONS}
    hosts = [parse(registry_host(ACCOUNT, region)) for region in known_regions()]
    assert {registry.partition for registry in hosts if registry} == partitions
    assert None not in hosts


@pytest.mark.parametrize(("account", "region", "error"), [
    ("1", REGION, "1 has 1 digits; "),
    ("\uff11" * 12, REGION, " is not an AWS account ID; "),
    (f"https://{ACCOUNT}", REGION, " is not an AWS account ID; "),
    (ACCOUNT, "", "is not a known region; use a region such as us-west-2"),
    (ACCOUNT, "US-WEST-2", "US-WEST-2 is not a known region; did you mean us-west-2?"),
    (ACCOUNT, "us-west-2.amazonaws.com/x", "/x is not a known region; "),
    (ACCOUNT, "üs-west-2", "not an Amazon ECR registry"),
])  # fmt: skip
def test_a_wrong_account_or_region_has_no_host(account: str, region: str, error: str) -> None:
    with pytest.raises(UnsupportedRegistryError) as caught:
        registry_host(account, region)
    assert error in str(caught.value)

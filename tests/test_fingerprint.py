"""Different AWS identities have different fingerprints."""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_credhelper.fingerprint import (
    FILES,
    SELF_CONTAINED,
    VARIABLES,
    Fingerprint,
    configuration_files,
    file_stamps,
    fingerprint,
    join_fields,
    machine_id,
    split_fields,
)
from tests import systems
from tests.docker_files import write


def line(environ: Mapping[str, str]) -> str:
    return fingerprint(environ).identity


@pytest.mark.parametrize("name", VARIABLES)
def test_every_variable_makes_another_line(name: str) -> None:
    assert line({name: "one"}) != line({name: "two"}) != line({})


@pytest.mark.parametrize("service", ["ECR", "ECR_PUBLIC", "STS", "SSO", "SSO_OIDC", "SIGNIN"])
def test_the_endpoint_of_every_service_that_a_fetch_can_call_makes_another_line(service: str) -> None:
    """The search in botocore's source below cannot find these names: botocore composes them."""
    assert line({f"AWS_ENDPOINT_URL_{service}": "http://127.0.0.1:9"}) != line({})


def test_an_empty_variable_is_not_the_same_as_none() -> None:
    """An empty profile name is an error in botocore, so it must not get the default profile's token."""
    assert line({"AWS_PROFILE": ""}) != line({})


def test_a_missing_token_file_of_a_container_is_not_the_same_as_none(tmp_path: Path) -> None:
    """botocore fails if the file is missing, so it must not get a token that was fetched without it."""
    assert line({"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(tmp_path / "missing")}) != line({})


@pytest.mark.parametrize(
    "name", ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN"]
)
def test_no_secret_is_in_the_line(name: str) -> None:
    assert "the-secret" not in line({name: "the-secret"})


def test_an_authorization_token_of_another_container_makes_another_line() -> None:
    name = "AWS_CONTAINER_AUTHORIZATION_TOKEN"
    assert line({name: "one"}) != line({name: "two"})


@pytest.mark.parametrize("name", [".aws/config", ".aws/credentials", ".boto"])
def test_a_configuration_file_makes_another_line_when_it_changes(home: Path, name: str) -> None:
    lines = [line({})]
    file = home / name
    file.parent.mkdir(exist_ok=True)
    for text in ("[default]\n", "[profile other]\n"):
        file.write_text(text)
        lines.append(line({}))
    file.unlink()
    assert len(set(lines)) == 3
    assert line({}) == lines[0]


@pytest.mark.parametrize("name", [variable for _, variable, *_ in FILES if variable])
def test_a_file_in_a_variable_counts_by_its_content(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLACE", str(tmp_path))
    path = (
        "$PLACE/file"
        if name in {"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "BOTO_CONFIG"}
        else str(tmp_path / "file")
    )
    (tmp_path / "file").write_text("one")
    before = line({name: path})
    (tmp_path / "file").write_text("other")
    assert line({name: path}) != before


def test_a_path_is_expanded_as_botocore_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore does not expand the path of a container's token file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "$X").write_text("one")
    name = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
    before = line({name: "$X"})
    (tmp_path / "$X").write_text("other")
    assert line({name: "$X"}) != before


def test_a_replaced_file_with_the_same_size_and_time_changes_the_fingerprint(home: Path) -> None:
    file = home / ".boto"
    file.write_text("one")
    os.utime(file, ns=(1, 1))
    before = line({})
    other = home / "other"
    other.write_text("two")
    os.utime(other, ns=(1, 1))
    other.replace(file)
    assert line({}) != before


def test_the_machine_is_part_of_the_fingerprint_unless_the_identity_is_self_contained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ecr_credhelper.fingerprint.machine_id", lambda _: "one")
    assert "machine=one" in line({})
    assert "machine=one" in line({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1"})
    for name in ("AWS_ACCESS_KEY_ID", *SELF_CONTAINED):
        assert "machine=" not in line({name: "x"})


@pytest.mark.parametrize("file", [".aws/config", ".aws/credentials"])
def test_a_profile_can_take_its_credentials_from_the_machine(
    file: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """botocore prefers the role of a profile to the token file of a web identity and to a container."""
    monkeypatch.setattr("ecr_credhelper.fingerprint.machine_id", lambda _: "one")
    write(home / file, "[default]\nrole_arn = r\ncredential_source = Ec2InstanceMetadata\n")
    for name in SELF_CONTAINED:
        assert "machine=one" in line({name: "x"})
    assert "machine=" not in line({"AWS_ACCESS_KEY_ID": "x"})


@pytest.fixture
def on_machine(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, dict[str, str]], str]:
    """Return the fingerprint of an environment on another machine with the same home directory."""

    def ask(name: str, environ: dict[str, str]) -> str:
        monkeypatch.setattr("ecr_credhelper.fingerprint.machine_id", lambda _: name)
        return line(environ)

    return ask


def test_instances_with_a_shared_home_have_different_fingerprints(
    on_machine: Callable[[str, dict[str, str]], str],
) -> None:
    assert on_machine("one", {}) != on_machine("two", {})


def test_each_ecs_task_has_one_fingerprint_for_all_its_containers(
    on_machine: Callable[[str, dict[str, str]], str],
) -> None:
    task, other = ({"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": f"/v2/credentials/{task}"} for task in "ab")
    assert on_machine("one", task) == on_machine("two", task)
    assert on_machine("one", task) != on_machine("one", other)


def test_each_eks_service_account_has_one_fingerprint_for_all_its_containers(
    on_machine: Callable[[str, dict[str, str]], str], tmp_path: Path
) -> None:
    file = tmp_path / "eks-pod-identity-token"  # the same path in every pod
    environ = {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(file),
    }
    file.write_text("a token of this pod")
    this_pod = on_machine("node", environ)
    assert on_machine("node", environ) == this_pod
    file.write_text("a token of another pod")
    assert on_machine("node", environ) != this_pod
    assert on_machine("other node", environ) != on_machine("node", environ)


def test_a_machine_is_identified_by_its_boot_id_or_otherwise_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "boot_id"
    file.write_text("an-id\n")
    assert machine_id({}, str(file)) == "an-id"
    missing = str(tmp_path / "missing")
    monkeypatch.setattr("sys.platform", "win32")
    assert machine_id({"COMPUTERNAME": "A-PC"}, missing) == "A-PC"
    assert machine_id({}, missing) == ""


def test_a_boot_id_that_is_not_ascii_identifies_a_machine_too(tmp_path: Path) -> None:
    file = tmp_path / "boot_id"
    file.write_bytes(b"an-id\xff\n")
    assert machine_id({}, str(file)) == "an-id\ufffd"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no os.uname")
def test_a_machine_without_a_boot_id_is_identified_by_its_name(tmp_path: Path) -> None:
    assert machine_id({}, str(tmp_path / "missing")) == os.uname().nodename


def test_a_path_with_a_null_character_counts_as_missing() -> None:
    assert "=-" in line({"AWS_CONFIG_FILE": "a\0b"})
    assert file_stamps({"AWS_CONFIG_FILE": "a\0b"}).startswith("-\t")


@given(st.dictionaries(st.sampled_from(VARIABLES), st.text(max_size=20)))
def test_any_environment_makes_one_printable_line(environ: dict[str, str]) -> None:
    assert all(field.isprintable() for field in line(environ).split("\t"))


def test_a_tab_in_a_value_is_not_a_field_separator() -> None:
    assert line({"AWS_PROFILE": "a\tAWS_ROLE_ARN=b"}) != line({"AWS_PROFILE": "a", "AWS_ROLE_ARN": "b"})


def test_another_home_directory_changes_the_fingerprint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = line({})
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert line({}) != before


# Completeness: every variable that selects an identity or an endpoint must be in the fingerprint.

NO_MATTER = {
    # the secret of a key: the key ID identifies it
    "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_CREDENTIAL_EXPIRATION",
    # in the fingerprint as a checksum
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    # the host contains the region, and the region of STS does not affect the identity
    "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_STS_REGIONAL_ENDPOINTS", "AWS_SIGV4A_SIGNING_REGION_SET",
    # transport options
    "AWS_CA_BUNDLE", "AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE", "AWS_DEFAULTS_MODE",
    "AWS_DISABLE_HOST_PREFIX_INJECTION", "AWS_DISABLE_REQUEST_COMPRESSION",
    "AWS_REQUEST_CHECKSUM_CALCULATION", "AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES",
    "AWS_RESPONSE_CHECKSUM_VALIDATION", "AWS_METADATA_SERVICE_NUM_ATTEMPTS", "AWS_METADATA_SERVICE_TIMEOUT",
    "BOTOCORE_TCP_KEEPALIVE", "BOTO_DISABLE_CRT",
    "BOTO_EXPERIMENTAL__ADD_PROXY_HOST_HEADER", "BOTO_EXPERIMENTAL__NO_EMPTY_CONTINUE",
    # user agent options
    "AWS_EXECUTION_ENV", "AWS_LAMBDA_FUNCTION_NAME", "AWS_SDK_UA_APP_ID", "AWS_CSM_CLIENT_ID",
    "AWS_CSM_ENABLED", "AWS_CSM_HOST", "AWS_CSM_PORT",
    # options of other services and signature types
    "AWS_ACCOUNT_ID", "AWS_ACCOUNT_ID_ENDPOINT_MODE", "AWS_AUTH_SCHEME_PREFERENCE", "AWS_BEARER_TOKEN_",
    "AWS_ENDPOINT_DISCOVERY_ENABLED",
    "AWS_S3_DISABLE_EXPRESS_SESSION_AUTH", "AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS",
    "AWS_S3_USE_ARN_REGION", "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT",
    # prefix of names that VARIABLES contains in full
    "AWS_ENDPOINT_URL_",
}  # fmt: skip

KNOWN = {*VARIABLES, *(variable for _, variable, *_ in FILES), *NO_MATTER}


def names_in_botocore() -> set[str]:
    """Return every string in botocore's source that looks like a variable of AWS or boto."""
    files = Path(botocore.__file__).parent.glob("*.py")
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in files)
    nodes = (node for tree in trees for node in ast.walk(tree))
    texts = {str(node.value) for node in nodes if isinstance(node, ast.Constant)}
    return {text for text in texts if re.fullmatch(r"(AWS|BOTO|BOTOCORE)_[A-Z0-9_]+", text)}


def test_every_variable_in_botocores_source_is_in_the_fingerprint_or_irrelevant() -> None:
    found = names_in_botocore()
    assert {"AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"} <= found
    assert found <= KNOWN, found - KNOWN


def test_no_variable_is_both_in_the_fingerprint_and_irrelevant() -> None:
    assert not set(VARIABLES) & NO_MATTER


class Recorder(MutableMapping[str, str]):
    """An environment that records every name that is read."""

    def __init__(self, environ: MutableMapping[str, str]) -> None:
        self.environ = environ
        self.override: set[str] = set()

    def __getitem__(self, name: str) -> str:
        if not isinstance(name, str):
            raise KeyError(name)  # os.get_exec_path looks for b"PATH" too
        self.override.add(name)
        return self.environ[name]

    def __setitem__(self, name: str, value: str) -> None:
        self.environ[name] = value

    def __delitem__(self, name: str) -> None:
        del self.environ[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.environ)

    def __len__(self) -> int:
        return len(self.environ)

    def copy(self) -> dict[str, str]:
        return dict(self.environ)


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"AWS_WEB_IDENTITY_TOKEN_FILE": "/token", "AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/r"},
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/credentials"},
        {"AWS_PROFILE": "process"},
        {"AWS_PROFILE": "sso"},
    ],
    ids=["nothing", "web identity", "container", "process", "sso"],
)
def test_every_variable_that_botocore_reads_is_in_the_fingerprint_or_irrelevant(
    environ: dict[str, str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / ".aws").mkdir()
    (home / ".aws" / "config").write_text(
        "[profile process]\ncredential_process = false\n"
        "[profile sso]\nsso_session = s\nsso_account_id = 111122223333\nsso_role_name = r\n"
        "[sso-session s]\nsso_start_url = https://example.invalid/start\nsso_region = us-east-1\n"
    )
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    recorder = Recorder(os.environ)
    monkeypatch.setattr(os, "environ", recorder)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # the call itself goes nowhere
    monkeypatch.setattr("botocore.utils.ContainerMetadataFetcher.RETRY_ATTEMPTS", 1)
    monkeypatch.setattr("botocore.utils.ContainerMetadataFetcher.SLEEP_TIME", 0)
    session = botocore.session.Session()
    for service in ("ecr", "ecr-public"):
        try:
            client: Any = session.create_client(service, region_name="us-east-1")
            client.get_authorization_token()
        except Exception:  # noqa: BLE001 - only the names that were read matter
            continue
    asked = {name for name in recorder.override if name.startswith(("AWS_", "BOTO"))}
    asked = {name for name in asked if not name.startswith("AWS_BEARER_TOKEN_")}
    assert {"AWS_PROFILE", *environ} <= asked
    assert asked <= KNOWN, asked - KNOWN


def test_the_fields_of_a_line_can_be_taken_apart_again() -> None:
    fields = [("a", "1"), ("b", ""), ("c", "x=y")]
    assert join_fields(fields) == "a=1\tb=\tc=x=y"
    assert split_fields(join_fields(fields)) == dict(fields)
    assert split_fields("") == {}


@pytest.mark.parametrize(("value", "shown"), [
    ("plain", "plain"), ("ä", "ä"), ("a\tb", r"'a\tb'"), ("a\\b", r"'a\\b'"), ("", ""),
    ("\ud800", r"'\ud800'"),
])  # fmt: skip
def test_a_value_that_could_pass_for_something_else_is_escaped(value: str, shown: str) -> None:
    assert join_fields([("a", value)]) == f"a={shown}"


def test_the_settings_are_a_line_of_their_own_and_part_of_the_route(home: Path) -> None:
    file = home / "config.toml"
    environ = {"ECR_CREDHELPER_CONFIG": str(file)}
    plain = fingerprint(environ)
    assert (plain.settings, plain.full) == ("", f"\t{plain.identity}")
    variable = {**environ, "ECR_CREDHELPER_PROFILE_111122223333": "a", "ECR_CREDHELPER_OTHER": "b"}
    assert fingerprint(variable).settings == "ECR_CREDHELPER_PROFILE_111122223333=a"
    role = {"ECR_CREDHELPER_ROLE_ARN_111122223333": "r"}
    assert fingerprint({**role, **variable}).settings == fingerprint({**variable, **role}).settings
    file.write_text("one")
    one = fingerprint(environ)
    file.write_text("two")
    two = fingerprint(environ)
    assert fingerprint(variable).settings == f"ECR_CREDHELPER_PROFILE_111122223333=a\t{two.settings}"
    assert one.identity == two.identity == plain.identity
    assert len({plain.settings, one.settings, two.settings}) == 3
    assert split_fields(one.full) == {**split_fields(one.identity), **split_fields(one.settings)}


def test_where_a_rule_or_a_program_can_name_a_profile_the_machine_counts_also_with_a_key(home: Path) -> None:
    file = home / "config.toml"
    environ = {"AWS_ACCESS_KEY_ID": "AKIA", "ECR_CREDHELPER_CONFIG": str(file)}
    assert "machine" not in split_fields(line(environ))
    assert "machine" in split_fields(fingerprint(environ, has_override=True).identity)
    assert "machine" in split_fields(line({**environ, "ECR_CREDHELPER_ROLE_ARN_111122223333": "r"}))
    assert "machine" in split_fields(line({"AWS_ACCESS_KEY_ID": ""})), "an empty variable names nobody"
    file.write_text("")
    assert "machine" in split_fields(line(environ))


@pytest.mark.parametrize(("size", "is_read"), [(1024 * 1024, True), (1024 * 1024 + 1, False)])
def test_a_file_counts_by_its_content_up_to_a_mebibyte(size: int, is_read: bool, home: Path) -> None:
    file = home / ".boto"
    file.write_bytes(b"a" * size)
    before = line({})
    os.utime(file, ns=(1, 1))
    assert (line({}) == before) is is_read
    file.write_bytes(b"a" * (size - 1) + b"b")
    os.utime(file, ns=(1, 1))
    assert line({}) != before


@systems.pipes
def test_a_pipe_is_not_read_and_is_not_a_missing_file(home: Path) -> None:
    missing = split_fields(line({}))
    os.mkfifo(home / ".boto")
    assert (missing["boto"], split_fields(line({}))["boto"]) == ("-", "not a file")


@pytest.mark.parametrize("name", [".aws/config", ".config/ecr-credhelper/config.toml"])
def test_a_write_between_two_looks_is_seen_also_with_the_same_content(name: str, home: Path) -> None:
    file = home / name
    file.parent.mkdir(parents=True)
    file.write_text("[default]\n")
    os.utime(file, ns=(1000, 1000))
    watched = fingerprint(dict(os.environ))
    watched.watch()
    assert watched.is_unchanged()
    os.utime(file, ns=(2000, 2000))
    assert not watched.is_unchanged()
    watched.watch()
    assert watched.is_unchanged()
    file.write_text("[other]\n")
    os.utime(file, ns=(2000, 2000))
    assert not watched.is_unchanged()


def test_a_new_file_beside_a_configuration_file_is_not_a_change(home: Path) -> None:
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text("[default]\n")
    before = file_stamps({})
    (home / ".aws/cli").mkdir()
    os.utime(home / ".aws", ns=(1, 1))
    assert file_stamps({}) == before


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_a_link_on_the_way_to_a_file_that_leads_elsewhere_is_seen(home: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    (tmp_path / "one/config").write_text("[default]\n")
    os.link(tmp_path / "one/config", tmp_path / "two/config")  # the same file: only the way to it differs
    (home / ".aws").symlink_to(tmp_path / "one")
    before = file_stamps({})
    assert file_stamps({}) == before
    (home / ".aws").unlink()
    (home / ".aws").symlink_to(tmp_path / "two")
    assert file_stamps({}) != before


def test_the_files_of_the_configuration_are_named_with_their_variables(home: Path) -> None:
    token = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
    environ = {"AWS_CONFIG_FILE": "~/mine", "AWS_CREDENTIAL_FILE": "$HOME/as-it-is", token: "~/as-it-is"}
    found = configuration_files(environ)
    assert found == [
        ("AWS_CONFIG_FILE", os.path.expanduser("~/mine")),
        ("AWS_SHARED_CREDENTIALS_FILE", str(home / ".aws/credentials")),
        ("AWS_CREDENTIAL_FILE", "$HOME/as-it-is"),
        ("BOTO_CONFIG", str(home / ".boto")),
        ("", "/etc/boto.cfg"),
        (token, "~/as-it-is"),
    ]


def test_files_without_a_default_path_are_read_only_if_their_variable_is_set() -> None:
    name, token = "AWS_CREDENTIAL_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
    assert {name: "", token: ""}.items() <= dict(configuration_files({})).items()
    assert dict(configuration_files({name: "~/keys"}))[name] == os.path.expanduser("~/keys")


@pytest.mark.parametrize("name", [
    "AWS_ACCESS_KEY_ID", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_WEB_IDENTITY_TOKEN_FILE",
])  # fmt: skip
def test_an_identity_that_is_the_same_on_every_machine_does_not_depend_on_one(name: str) -> None:
    assert "machine" not in split_fields(line({name: "x"}))


@pytest.mark.skipif(sys.platform != "linux", reason="the boot id is Linux's")
def test_the_machine_is_linuxs_boot_id() -> None:
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    assert split_fields(line({}))["machine"] == machine_id({}) == boot_id


def test_a_change_before_the_watch_began_is_seen_too(home: Path) -> None:
    (home / ".boto").write_text("one")
    seen = fingerprint({})
    (home / ".boto").write_text("two")
    seen.watch()
    assert not seen.is_unchanged()


def test_an_override_is_part_of_the_second_look() -> None:
    """Otherwise, a Python program with its own identity would never save a token."""
    seen = fingerprint({"AWS_ACCESS_KEY_ID": "AKIA"}, has_override=True)
    seen.watch()
    assert seen.is_unchanged()


def test_without_a_home_directory_the_settings_file_counts_as_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    seen = fingerprint({})
    seen.watch()
    assert seen.is_unchanged()
    assert seen.settings == ""


def test_a_fingerprint_without_files_never_changes() -> None:
    one = Fingerprint("identity", "settings")
    assert one.is_unchanged()
    one.watch()
    assert one.is_unchanged()
    assert one.full == "settings\tidentity"

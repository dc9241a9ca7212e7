"""The check of the configuration of podman, skopeo and buildah."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.commands import SUFFIX
from tests.conftest import HOST
from tests.doctor_findings import Doctor, docker, write
from tests.systems import links

pytest_plugins = ("tests.doctor_fixtures",)

PODMAN = f"run: docker-credential-ecr-py configure --podman {HOST}"
LOGIN = {"auths": {f"https://{HOST}/v1/": {"auth": "QVdTOnNlY3JldA=="}}}
OURS = {"credHelpers": {HOST: "ecr-py"}}
VALIDITY = "which is valid for 12 hours at most"


@pytest.fixture(autouse=True)
def podman_program(
    no_network: None,  # noqa: ARG001 - only needs to exist
    bin_directory: Path,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    # The default can exist on this machine, closed to this user: /run/containers.
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home / "run"))
    program = bin_directory / f"podman{SUFFIX}"
    program.touch(mode=0o755)
    return program


@pytest.fixture
def auth(home: Path) -> Path:
    return home / ".config/containers/auth.json"


@pytest.fixture
def conf(home: Path) -> Path:
    path = home / ".config/containers/registries.conf"
    write(path, "")
    return path


def test_docker_is_not_checked_if_only_podman_is_installed(
    doctor: Doctor, bin_directory: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = doctor(HOST)
    assert found.findings("docker") == []
    text = f"no credential helper configured for this registry in {home / '.config/containers/auth.json'}"
    assert found.finding("podman") == ("failure", text, PODMAN)
    (bin_directory / f"docker{SUFFIX}").touch(mode=0o755)
    found = doctor(HOST)
    assert (found.finding("docker")[0], found.finding("podman")[0]) == ("failure", "failure")
    docker(home, {"credsStore": "ecr-py"})
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(home / "auth.json"))
    found = doctor(HOST)
    assert (found.finding("docker")[0], found.finding("podman")[0]) == ("ok", "warning")


def test_podman_is_not_checked_without_a_registry(doctor: Doctor) -> None:
    assert doctor().findings("podman") == doctor("ghcr.io").findings("podman") == []


@pytest.mark.parametrize(("content", "result", "text"), [
    (OURS, "ok", "podman uses this helper (credHelpers in {auth})"),
    ({"CREDHELPERS": {HOST: "ecr-py"}}, "ok", "podman uses this helper (credHelpers in {auth})"),
    (
        {"credHelpers": {HOST: "pass"}, **LOGIN},
        "failure",
        "podman uses docker-credential-pass instead (credHelpers in {auth})",
    ),
    (LOGIN, "warning", f"podman uses the login in {{auth}}, {VALIDITY}"),
    ({"credHelpers": {HOST: ""}}, "failure", "no credential helper configured for this registry in {auth}"),
    ([], "failure", "{auth} is not valid: must contain a JSON object"),
])  # fmt: skip
def test_podman_reads_auth_json(
    content: object, result: str, text: str, auth: Path, conf: Path, doctor: Doctor
) -> None:
    write(auth, json.dumps(content))
    assert doctor(HOST).finding("podman")[:2] == (result, text.format(auth=auth, conf=conf))


AUTH = ".config/containers/auth.json"
NONE = ("failure", "no credential helper configured for this registry in {auth}")


@pytest.mark.parametrize(("content", "text", "expected"), [
    (LOGIN, '["ecr-py"]', ("ok", "podman uses this helper (credential-helpers in {conf})")),
    (
        OURS,
        '["ecr-login"]',
        ("failure", "podman uses docker-credential-ecr-login instead (credential-helpers in {conf})"),
    ),
    (
        {},
        '["pass", "secretservice"]',
        (
            "failure",
            "podman uses docker-credential-pass, then docker-credential-secretservice instead"
            " (credential-helpers in {conf})",
        ),
    ),
    (
        LOGIN,
        '["pass", "ecr-py"]',
        (
            "ok",
            "podman asks docker-credential-pass first, then this helper (credential-helpers in {conf})",
        ),
    ),
    (
        OURS,
        '["ecr-login", "containers-auth.json"]',
        (
            "warning",
            "podman asks docker-credential-ecr-login first, then this helper (credHelpers in {auth})",
        ),
    ),
    (
        LOGIN,
        '["containers-auth.json", "ecr-py"]',
        ("warning", f"podman uses the login in {{auth}}, {VALIDITY}"),
    ),
    (OURS, '["containers-auth.json", "pass"]', ("ok", "podman uses this helper (credHelpers in {auth})")),
    (OURS, "[]", ("ok", "podman uses this helper (credHelpers in {auth})")),
    ({}, "[]", NONE),
    (OURS, "1", ("failure", "{conf} has credential-helpers that are not a list of strings")),
    (OURS, "[1]", ("failure", "{conf} has credential-helpers that are not a list of strings")),
    (OURS, "=", ("failure", "{conf} is not valid TOML")),
])  # fmt: skip
def test_every_helper_in_registries_conf_counts(
    content: object, text: str, expected: tuple[str, str], auth: Path, conf: Path, doctor: Doctor
) -> None:
    write(auth, json.dumps(content))
    for field in ("credential-helpers", "Credential-Helpers"):
        write(conf, f"{field} = {text}")
        result, found = expected
        assert doctor(HOST).finding("podman")[:2] == (result, found.format(auth=auth, conf=conf))


def test_the_hint_names_the_file_that_leaves_auth_json_out(conf: Path, doctor: Doctor) -> None:
    write(conf, 'credential-helpers = ["pass"]')
    assert doctor(HOST).finding("podman")[2] == f'add "ecr-py" to credential-helpers in {conf}'
    write(conf, 'credential-helpers = ["pass", "containers-auth.json"]')
    assert doctor(HOST).finding("podman")[2] == PODMAN


def test_the_last_drop_in_counts(conf: Path, doctor: Doctor) -> None:
    write(conf, 'credential-helpers = ["ecr-py"]')
    write(conf.with_name("registries.conf.d") / "50-b.conf", 'credential-helpers = ["b"]')
    write(conf.with_name("registries.conf.d") / "50-a.conf", 'credential-helpers = ["a"]')
    write(conf.with_name("registries.conf.d") / "60.conf", "unqualified-search-registries = []")
    write(conf.with_name("registries.conf.d") / "70.conf.off", 'credential-helpers = ["off"]')
    (conf.with_name("registries.conf.d") / "80.conf").mkdir()
    assert "docker-credential-b instead" in doctor(HOST).finding("podman")[1]
    write(conf.with_name("registries.conf.d") / "90.conf", "credential-helpers = []")
    assert doctor(HOST).finding("podman")[:2] == (NONE[0], NONE[1].format(auth=conf.with_name("auth.json")))


def test_a_directory_of_drop_ins_that_cannot_be_listed_is_a_failure(conf: Path, doctor: Doctor) -> None:
    write(conf.with_name("registries.conf.d"), "")
    assert "registries.conf.d cannot be read (" in doctor(HOST).finding("podman")[1]


@pytest.mark.parametrize("name", ["CONTAINERS_REGISTRIES_CONF", "REGISTRIES_CONFIG_PATH"])
def test_a_variable_names_another_registries_conf(
    name: str, home: Path, conf: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user's drop-ins still apply. XDG_CONFIG_HOME does not move this file."""
    other = home / "other"
    monkeypatch.setenv(name, str(other))
    assert doctor(HOST).finding("podman") == ("failure", f"{other} does not exist", "correct it")
    write(other, 'credential-helpers = ["ecr-py"]')
    write(conf, 'credential-helpers = ["pass"]')
    assert doctor(HOST).finding("podman")[0] == "ok"
    write(conf.with_name("registries.conf.d") / "a.conf", 'credential-helpers = ["b"]')
    assert "docker-credential-b instead" in doctor(HOST).finding("podman")[1]
    monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "xdg"))
    write(home / "xdg/containers/registries.conf", 'credential-helpers = ["x"]')
    assert "docker-credential-b instead" in doctor(HOST).finding("podman")[1]


def test_podman_reads_dockers_file_unless_a_variable_names_another(
    home: Path, conf: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert conf.exists()
    docker(home, OURS)
    assert doctor(HOST).finding("podman")[0] == "ok"
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(home / "auth.json"))
    assert doctor(HOST).finding("podman")[0] == "failure"
    write(home / "auth.json", "")
    assert doctor(HOST).finding("podman")[1] == f"{home / 'auth.json'} is not valid JSON"


def test_an_invalid_file_of_docker_is_reported_once(home: Path, conf: Path, doctor: Doctor) -> None:
    assert conf.exists()
    docker(home, [])
    found = doctor(HOST)
    assert found.findings("docker")[0][1].endswith("config.json is not valid: must contain a JSON object")
    assert found.finding("podman")[:2] == (NONE[0], NONE[1].format(auth=home / AUTH))


def test_an_unreadable_file_of_podman_is_no_problem_of_a_docker_user(
    home: Path, conf: Path, bin_directory: Path, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After ``su``, ``/run/containers`` can be closed to the user. A directory cannot be read either."""
    assert conf.exists()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(home / "run"))
    (home / "run/containers/auth.json").mkdir(parents=True)
    docker(home, OURS)
    assert doctor(HOST).finding("podman")[0] == "failure"
    (bin_directory / f"docker{SUFFIX}").touch(mode=0o755)
    file = home / ".docker/config.json"
    assert doctor(HOST).finding("podman")[:2] == ("ok", f"podman uses this helper (credHelpers in {file})")


@links
def test_a_link_with_the_name_of_amazons_helper_is_this_helper(
    bin_directory: Path, auth: Path, conf: Path, doctor: Doctor
) -> None:
    assert conf.exists()
    os.symlink(bin_directory / "docker-credential-ecr-py", bin_directory / "docker-credential-ecr-login")
    write(auth, json.dumps({"credHelpers": {HOST: "ecr-login"}}))
    assert doctor(HOST).finding("podman")[0] == "ok"


def test_podman_looks_up_a_registry_with_its_port(auth: Path, conf: Path, doctor: Doctor) -> None:
    assert conf.exists()
    write(auth, json.dumps({"credHelpers": {f"{HOST}:443": "ecr-py"}}))
    assert [doctor(f"{HOST}{port}").finding("podman")[0] for port in (":443", "")] == ["ok", "failure"]

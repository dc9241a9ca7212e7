"""Inline logins and helpers in Docker's configuration file."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_credhelper.docker.config import DockerConfig, docker_config
from tests.conftest import HOST, NOT_FOUND, Result, Run, run
from tests.docker_files import write_settings

pytest_plugins = ("tests.doctor_fixtures",)

HUB = "https://index.docker.io/v1/"


def auth(username: str = "me", password: str = "pass:word") -> dict[str, str]:
    return {"auth": base64.b64encode(f"{username}:{password}".encode()).decode()}


def config(home: Path, **content: Any) -> DockerConfig:
    directory = home / ".docker"
    directory.mkdir(exist_ok=True)
    (directory / "config.json").write_text(json.dumps(content))
    return docker_config(os.environ)


@pytest.mark.parametrize(
    "key", ["ghcr.io", "https://ghcr.io", "https://ghcr.io/v1/", "http://ghcr.io/v2/", "GHCR.io"]
)
@pytest.mark.parametrize("server", ["ghcr.io", "https://ghcr.io", "https://ghcr.io/v2/", "http://ghcr.io"])
def test_every_form_of_a_server_finds_the_login_of_its_registry(key: str, server: str, home: Path) -> None:
    assert config(home, auths={"other.io": auth("you"), key: auth()}).login(server) == ("me", "pass:word")


@pytest.mark.parametrize("key", [HUB, "index.docker.io", "docker.io", "https://registry-1.docker.io"])
@pytest.mark.parametrize("server", [HUB, "docker.io"])
def test_all_names_of_docker_hub_find_its_login(key: str, server: str, home: Path) -> None:
    assert config(home, auths={key: auth()}).login(server) == ("me", "pass:word")


@pytest.mark.parametrize("server", [f"{HUB}refresh-token", "docker.io/library/alpine", "ghcr.io", "a", ""])
def test_a_different_registry_or_path_finds_no_login(server: str, home: Path) -> None:
    assert config(home, auths={HUB: auth()}).login(server) is None


def test_a_key_with_a_path_is_a_separate_login(home: Path) -> None:
    found = config(home, auths={"ghcr.io/team": auth("team"), f"{HUB}refresh-token": auth("t")})
    assert found.login("ghcr.io/team") == ("team", "pass:word")
    assert found.login(f"{HUB}refresh-token") == ("t", "pass:word")
    assert found.login("ghcr.io") is None


def test_an_exact_key_takes_precedence(home: Path) -> None:
    found = config(home, auths={"https://a.io": auth("one"), "a.io": auth("two")})
    assert found.login("a.io") == ("two", "pass:word")
    assert found.login("https://a.io") == ("one", "pass:word")


def test_the_port_is_part_of_the_registry(home: Path) -> None:
    found = config(home, auths={"localhost:5000": auth()})
    assert found.login("https://localhost:5000") == ("me", "pass:word")
    assert found.login("localhost") is None


@pytest.mark.parametrize(
    ("entry", "login"),
    [
        (auth(), ("me", "pass:word")),
        ({"username": "me", "password": "p"}, ("me", "p")),
        ({"auth": "", "identitytoken": "t"}, ("<token>", "t")),
        ({**auth(), "identitytoken": "t"}, ("<token>", "t")),
        ({"auth": base64.b64encode(b"me:p\0\0").decode()}, ("me", "p")),
        ({}, None),
        ({"auth": ""}, None),
        ({"auth": "%%%"}, None),
        ({"auth": "ÄÖ"}, None),
        ({"auth": base64.b64encode(b"\xff\xfe").decode()}, None),
        ({"auth": base64.b64encode(b"me").decode()}, None),
        ({"username": "me"}, None),
        ({"username": 1, "password": "p"}, None),
        ({"username": "me", "password": ["p"]}, None),
        ({"auth": 7, "identitytoken": {"a": 1}}, None),
        ({"auth": None, "identitytoken": None, "username": "me", "password": "p"}, ("me", "p")),
        ([], None),
        (None, None),
    ],
)
def test_the_login_of_an_entry(entry: object, login: tuple[str, str] | None, home: Path) -> None:
    found = config(home, auths={"a.io": entry})
    assert found.login("a.io") == login
    assert found.logins() == ({"a.io": login[0]} if login else {})


def test_logins_are_listed_by_host_and_docker_hub_by_its_key(home: Path) -> None:
    keys = ["https://ghcr.io/v1/", "docker.io", "quay.io", "quay.io/team"]
    listed = config(home, auths={key: auth() for key in keys}).logins()
    assert listed == {"ghcr.io": "me", HUB: "me", "quay.io": "me", "quay.io/team": "me"}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b'{"auths": []}', b"[" * 100_000])
def test_a_damaged_file_has_no_logins_and_no_helper(content: bytes, home: Path) -> None:
    (home / ".docker").mkdir()
    (home / ".docker" / "config.json").write_bytes(content)
    found = docker_config(os.environ)
    assert (found.login("a.io"), found.logins(), found.creds_store) == (None, {}, "")


def test_a_file_with_a_byte_order_mark_is_read(home: Path) -> None:
    (home / ".docker").mkdir()
    (home / ".docker" / "config.json").write_bytes(b'\xef\xbb\xbf{"credsStore": "ecr-py"}')
    assert docker_config(os.environ).creds_store == "ecr-py"


NAMES = st.sampled_from(["auth", "username", "password", "identitytoken", "registrytoken"])


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda c: st.dictionaries(NAMES | st.text(max_size=5), c, max_size=4) | st.lists(c, max_size=3),
        max_leaves=8,
    )
)
def test_any_json_value_is_read_without_an_error(content: object) -> None:
    directory = Path(os.environ["HOME"])
    (directory / "config.json").write_text(
        json.dumps({"auths": {"a.io": content, "b.io": {"auth": content}}})
    )
    found = docker_config({"DOCKER_CONFIG": str(directory)})
    found.login("a.io")
    found.logins()


NOT_STRINGS = [None, 0, 7, True, [], ["ecr-py"], {}, {"ecr-py": "ecr-py"}]


@pytest.mark.parametrize("value", NOT_STRINGS, ids=repr)
@pytest.mark.usefixtures("bin_directory")
def test_a_value_that_is_not_a_string_counts_as_missing_and_is_never_shown(
    value: object, home: Path, ask: Run
) -> None:
    found = config(home, credsStore=value, credHelpers={HOST: value}, auths={HOST: value, "a.io": value})
    assert (found.creds_store, found.helpers, found.hosts_of_this_helper(os.environ)) == (
        "",
        {HOST: ""},
        set(),
    )
    assert found.logins() == {}
    write_settings(home, f'[registry."{HOST}"]\nprofile = "dev"\n')
    for argv in (["status"], ["doctor", HOST], ["doctor", "example.com"], ["configure", HOST, "--dry-run"]):
        done = ask(*argv)
        output = (done.stdout + done.stderr).decode()
        assert not [
            part for part in ("None", "Traceback", "internal", "[]", "{'", "credential-7") if part in output
        ]
        if argv[0] == "status":
            assert done.status == 0
            assert f"{HOST}  profile dev  none   no client\n" in output
    assert ask("get", stdin="example.com") == Result(1, NOT_FOUND, b"")
    assert ask("list").reply == {}


def test_null_counts_as_a_missing_section(home: Path) -> None:
    found = config(home, credsStore=None, credHelpers=None, auths=None)
    assert (found.creds_store, found.helpers, found.logins(), found.problem) == ("", {}, {}, "")
    done = run("configure", HOST, "--yes")
    assert done.status == 0
    assert json.loads((home / ".docker/config.json").read_text())["credHelpers"] == {HOST: "ecr-py"}

"""The logins that are written in Docker's own configuration file."""

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
from tests.conftest import HOST, NOT_FOUND, Result, run
from tests.doctor_findings import settings

pytest_plugins = ("tests.doctor_fixtures",)

HUB = "https://index.docker.io/v1/"


def auth(username: str = "me", password: str = "pass:word") -> dict[str, str]:
    return {"auth": base64.b64encode(f"{username}:{password}".encode()).decode()}


def config(home: Path, **content: Any) -> DockerConfig:
    folder = home / ".docker"
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(content))
    return docker_config(os.environ)


@pytest.mark.parametrize(
    "key", ["ghcr.io", "https://ghcr.io", "https://ghcr.io/v1/", "http://ghcr.io/v2/", "GHCR.io"]
)
@pytest.mark.parametrize("server", ["ghcr.io", "https://ghcr.io", "https://ghcr.io/v2/", "http://ghcr.io"])
def test_every_form_of_a_registry_finds_its_login(key: str, server: str, home: Path) -> None:
    assert config(home, auths={"other.io": auth("you"), key: auth()}).login(server) == ("me", "pass:word")


@pytest.mark.parametrize("key", [HUB, "index.docker.io", "docker.io", "https://registry-1.docker.io"])
@pytest.mark.parametrize("server", [HUB, "docker.io"])
def test_docker_hub_has_many_names(key: str, server: str, home: Path) -> None:
    assert config(home, auths={key: auth()}).login(server) == ("me", "pass:word")


@pytest.mark.parametrize("server", [f"{HUB}refresh-token", "docker.io/library/alpine", "ghcr.io", "a", ""])
def test_another_registry_or_path_finds_nothing(server: str, home: Path) -> None:
    assert config(home, auths={HUB: auth()}).login(server) is None


def test_a_key_with_a_path_is_found_by_itself(home: Path) -> None:
    found = config(home, auths={"ghcr.io/team": auth("team"), f"{HUB}refresh-token": auth("t")})
    assert found.login("ghcr.io/team") == ("team", "pass:word")
    assert found.login(f"{HUB}refresh-token") == ("t", "pass:word")
    assert found.login("ghcr.io") is None


def test_an_exact_key_comes_first(home: Path) -> None:
    found = config(home, auths={"https://a.io": auth("one"), "a.io": auth("two")})
    assert found.login("a.io") == ("two", "pass:word")
    assert found.login("https://a.io") == ("one", "pass:word")


def test_a_port_is_part_of_a_registry(home: Path) -> None:
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
def test_what_an_entry_holds(entry: object, login: tuple[str, str] | None, home: Path) -> None:
    found = config(home, auths={"a.io": entry})
    assert found.login("a.io") == login
    assert found.logins() == ({"a.io": login[0]} if login else {})


def test_logins_are_listed_under_bare_hosts_and_docker_hub_under_its_key(home: Path) -> None:
    keys = ["https://ghcr.io/v1/", "docker.io", "quay.io", "quay.io/team"]
    listed = config(home, auths={key: auth() for key in keys}).logins()
    assert listed == {"ghcr.io": "me", HUB: "me", "quay.io": "me", "quay.io/team": "me"}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b'{"auths": []}', b"[" * 100_000])
def test_a_damaged_file_says_nothing(content: bytes, home: Path) -> None:
    (home / ".docker").mkdir()
    (home / ".docker" / "config.json").write_bytes(content)
    found = docker_config(os.environ)
    assert (found.login("a.io"), found.logins(), found.creds_store) == (None, {}, "")


def test_a_byte_order_mark_does_not_matter(home: Path) -> None:
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
def test_any_json_is_read_without_an_error(content: object) -> None:
    folder = Path(os.environ["HOME"])
    (folder / "config.json").write_text(json.dumps({"auths": {"a.io": content, "b.io": {"auth": content}}}))
    found = docker_config({"DOCKER_CONFIG": str(folder)})
    found.login("a.io")
    found.logins()


NO_TEXT = [None, 0, 7, True, [], ["ecr-py"], {}, {"ecr-py": "ecr-py"}]


@pytest.mark.parametrize("value", NO_TEXT, ids=repr)
@pytest.mark.usefixtures("bin_folder")
def test_a_value_that_is_no_text_is_none_and_is_shown_nowhere(value: object, home: Path) -> None:
    found = config(home, credsStore=value, credHelpers={HOST: value}, auths={HOST: value, "a.io": value})
    assert (found.creds_store, found.helpers, found.ours()) == ("", {HOST: ""}, set())
    assert found.logins() == {}
    settings(home, f'[registry."{HOST}"]\nprofile = "dev"\n')
    for argv in (["status"], ["doctor", HOST], ["doctor", "example.com"], ["configure", HOST, "--dry-run"]):
        done = run(*argv)
        told = (done.stdout + done.stderr).decode()
        assert not [
            part for part in ("None", "Traceback", "internal", "[]", "{'", "credential-7") if part in told
        ]
        if argv[0] == "status":
            assert done.status == 0
            assert f"{HOST}  -" in told
    assert run("get", stdin="example.com") == Result(1, NOT_FOUND, b"")
    assert run("list").reply == {}


def test_null_in_the_place_of_each_part_is_as_if_it_was_missing(home: Path) -> None:
    found = config(home, credsStore=None, credHelpers=None, auths=None)
    assert (found.creds_store, found.helpers, found.logins(), found.problem) == ("", {}, {}, "")
    done = run("configure", HOST, "--yes")
    assert done.status == 0
    assert json.loads((home / ".docker/config.json").read_text())["credHelpers"] == {HOST: "ecr-py"}

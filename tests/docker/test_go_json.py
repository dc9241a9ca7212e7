"""Docker's and podman's fields in any spelling, as Go's encoding/json decodes them."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_credhelper.docker import json_edit
from ecr_credhelper.docker.config import parsed
from ecr_credhelper.docker.edit import check
from ecr_credhelper.docker.go_json import is_same_field
from tests.conftest import HOST
from tests.docker_files import here, load, tree, write, write_settings

RECORDED = Path(__file__).parents[1].joinpath("data", "docker_helpers.tsv").read_text(encoding="utf-8")
ROWS = [line.split("\t") for line in RECORDED.splitlines() if not line.startswith("#")]


@pytest.mark.parametrize(("helper", "text"), ROWS)
def test_the_helper_is_the_one_that_docker_asked(helper: str, text: str) -> None:
    assert (parsed("config.json", text).helper_for("r.io") or "-") == helper


@pytest.mark.parametrize("key", ["credsStore", "CREDSSTORE", "cred\u017f\u017ftore", "credS\u017ftore"])
def test_a_field_matches_in_any_case(key: str) -> None:
    assert is_same_field(key, "credsStore")


@pytest.mark.parametrize("key", ["cred\u00dftore", "credStore", "credsStore ", "creds\ufb06ore", ""])
def test_a_key_with_other_letters_is_not_the_field(key: str) -> None:
    assert not is_same_field(key, "credsStore")


# A small model of Go: members in their order, with objects as lists of members.

SPELLINGS = {
    "store": st.sampled_from(["credsStore", "CredsStore", "credsstore", "CREDS\u017fTORE"]),
    "helpers": st.sampled_from(["credHelpers", "CredHelpers", "credhelper\u017f"]),
    "auths": st.sampled_from(["auths", "Auths", "AUTHS"]),
}
OTHERS = st.sampled_from(["credStore", "x", "cred\u00dftore"])
TEXTS = st.sampled_from(["a", "b", ""])
NOT_TEXTS = st.sampled_from([None, 7, True, [], ["a"]])
HOSTS = st.sampled_from(["r.io", "R.io", "q.io"])


class Members(list[tuple[str, Any]]):
    """The members of an object, possibly with repeated keys."""

    def text(self) -> str:
        members = (
            f"{json.dumps(key)}:{value.text() if isinstance(value, Members) else json.dumps(value)}"
            for key, value in self
        )
        return f"{{{','.join(members)}}}"


def members(keys: st.SearchStrategy[str], values: st.SearchStrategy[Any]) -> st.SearchStrategy[Members]:
    return st.lists(st.tuples(keys, values), max_size=3).map(Members)


HELPERS = members(HOSTS, TEXTS | NOT_TEXTS)
LOGINS = members(HOSTS, members(st.sampled_from(["username", "Username", "password"]), TEXTS | NOT_TEXTS))
CONFIGS = st.lists(
    st.tuples(SPELLINGS["store"], TEXTS | NOT_TEXTS)
    | st.tuples(SPELLINGS["helpers"], HELPERS | NOT_TEXTS)
    | st.tuples(SPELLINGS["auths"], LOGINS | NOT_TEXTS)
    | st.tuples(OTHERS, TEXTS | HELPERS),
    max_size=5,
).map(Members)


def fold(key: str) -> str:
    return key.replace("\u017f", "s").lower()


def decoded(config: Members) -> tuple[str, dict[str, str], dict[str, dict[str, str]]]:
    """Return credsStore, credHelpers and auths as Go sets them, member by member."""
    store, helpers, auths = "", dict[str, str](), dict[str, dict[str, str]]()
    for key, value in config:
        if fold(key) == "credsstore" and isinstance(value, str):
            store = value
        if fold(key) == "credhelpers":
            helpers = {} if value is None else helpers
            for host, helper in value if isinstance(value, Members) else ():
                helpers[host] = helper if isinstance(helper, str) else ""
        if fold(key) == "auths":
            auths = {} if value is None else auths
            for host, entry in value if isinstance(value, Members) else ():
                auths[host] = {}
                for name, text in entry if isinstance(entry, Members) else ():
                    if isinstance(text, str):
                        auths[host][fold(name)] = text
    return store, helpers, auths


@given(CONFIGS)
def test_a_configuration_is_decoded_as_by_go(config: Members) -> None:
    found = parsed("config.json", config.text())
    store, helpers, auths = decoded(config)
    assert (found.creds_store, found.helpers, found.problem) == (store, helpers, "")
    assert {
        host: {name: text for name, text in entry.items() if isinstance(text, str)}
        for host, entry in found.section("auths").items()
    } == auths


@given(CONFIGS)
def test_an_edit_changes_the_value_that_go_uses(config: Members) -> None:
    """Also if the other spelling of an object has the same registry: such texts are rejected."""
    text = config.text()
    try:
        check(text)
    except ValueError:
        return
    before = parsed("config.json", text)
    assert (json_edit.value(text, "credsStore") or "") == before.creds_store
    edited = json_edit.put(text, ("credsStore",), '"ecr-py"')
    edited = json_edit.put(edited, ("credHelpers", HOST), '"ecr-py"')
    after = parsed("config.json", edited)
    assert (after.creds_store, after.helpers) == ("ecr-py", {**before.helpers, HOST: "ecr-py"})
    keys = [fold(key) for key, _ in config]
    missing = {"credsstore", "credhelpers"}.difference(keys)
    assert sorted(map(fold, json.loads(edited))) == sorted([*keys, *missing]), "no second spelling"
    check(edited)


# The commands.


@pytest.fixture
def config(home: Path) -> Path:
    return home / ".docker" / "config.json"


def auth(username: str) -> dict[str, str]:
    return {"Auth": base64.b64encode(f"{username}:pass".encode()).decode()}


def test_a_login_is_read_in_any_spelling() -> None:
    found = parsed("config.json", json.dumps({"Auths": {"a.io": auth("me")}, "auths": {"b.io": auth("you")}}))
    assert found.logins() == {"a.io": "me", "b.io": "you"}


@pytest.mark.parametrize("key", ["CredsStore", "credsstore"])
def test_the_store_becomes_the_fallback_in_any_spelling(key: str, config: Path, home: Path) -> None:
    write(config, json.dumps({key: "pass"}))
    before = tree(home)
    here("configure", "--creds-store", "--yes")
    assert load(config) == {key: "ecr-py"}
    assert 'fallback = "pass"' in (home / ".config/ecr-credhelper/config.toml").read_text()
    here("unconfigure", "--yes")
    assert tree(home) == before


def test_the_last_spelling_of_the_store_becomes_the_fallback(config: Path, home: Path) -> None:
    content = write(config, '{"credsStore":"ecr-py","credSstore":"osxkeychain"}').read_bytes()
    here("configure", "--creds-store", "--yes")
    assert config.read_text() == '{"credsStore":"ecr-py","credSstore":"ecr-py"}'
    assert 'fallback = "osxkeychain"' in (home / ".config/ecr-credhelper/config.toml").read_text()
    here("unconfigure", "--yes")
    assert config.read_bytes() == content


def test_a_registry_is_added_to_the_spelling_in_the_file(config: Path, home: Path) -> None:
    stale = {HOST: {"auth": "QVdTOnNlY3JldA=="}}
    write(config, json.dumps({"CredHelpers": {"gcr.io": "gcloud"}, "AUTHS": stale}))
    before = tree(home)
    here("configure", HOST, "--yes")
    assert load(config) == {"CredHelpers": {"gcr.io": "gcloud", HOST: "ecr-py"}, "AUTHS": {}}
    here("unconfigure", "--yes")
    assert tree(home) == before


@pytest.mark.parametrize("stores", ['"CredsStore": "pass"', '"credsStore": "a", "CredsStore": "pass"'])
def test_no_backup_is_kept_if_docker_has_changed_the_spelling(stores: str, config: Path) -> None:
    write(config, f'{{{stores}, "CredHelpers": {{"gcr.io": "gcloud"}}}}')
    here("configure", "--creds-store", "--yes")
    write(config, '{"credsStore": "ecr-py", "credHelpers": {"gcr.io": "gcloud"}}')
    here("unconfigure", "--yes")
    assert list(tree(config.parent)) == ["config.json"]
    assert load(config) == {"credsStore": "pass", "credHelpers": {"gcr.io": "gcloud"}}


def test_configure_keeps_a_setting_for_a_store_in_another_spelling(config: Path, home: Path) -> None:
    settings = write_settings(home, 'fallback = "pass"\n')
    write(config, '{"CREDSSTORE": "pass"}')
    here("configure", "--creds-store", "--yes")
    assert settings.read_text() == 'fallback = "pass"\n'

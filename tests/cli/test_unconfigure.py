"""unconfigure: what was there before comes back, and what others wrote since stays."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_credhelper.docker import edit, json_edit, restore
from ecr_credhelper.docker.config import login_keys
from tests.conftest import HOST, OTHER_ACCOUNT, PUBLIC, run
from tests.docker.test_json_edit import BLANKS, JSON_TEXTS
from tests.docker_files import BACKUP, CORPUS, here, load, tree, write
from tests.terminals import run_in_terminal

each = pytest.mark.parametrize("original", CORPUS, ids=lambda path: path.stem)
HOSTS = [HOST, OTHER_ACCOUNT, PUBLIC]


@pytest.fixture
def config(home: Path) -> Path:
    return home / ".docker" / "config.json"


@each
@pytest.mark.parametrize("option", [[], ["--creds-store"], ["--podman"]])
def test_what_was_there_comes_back_byte_for_byte(original: Path, option: list[str], home: Path) -> None:
    folder = home / (".config/containers" if "--podman" in option else ".docker")
    name = "auth.json" if "--podman" in option else "config.json"
    write(folder / name, original.read_bytes()).chmod(0o644)
    here("configure", HOST, PUBLIC, "--yes", *option)
    assert (folder / name).read_bytes() != original.read_bytes()
    session = here("unconfigure", "--yes")
    assert session.status == 0
    assert tree(home) == {str((folder / name).relative_to(home)): original.read_bytes()}
    assert (folder / name).stat().st_mode & 0o777 == 0o644


@each
def test_as_processes_too(original: Path, config: Path) -> None:
    write(config, original.read_bytes())
    assert run("configure", PUBLIC, HOST, "--yes").status == 0
    assert run("configure", OTHER_ACCOUNT, "--creds-store", "--yes").status == 0
    assert run("unconfigure", "--yes").status == 0
    assert tree(config.parent) == {"config.json": original.read_bytes()}


@each
@pytest.mark.parametrize("indent", [None, "\t"], ids=["others edit", "Docker rewrites"])
def test_what_others_wrote_since_stays(original: Path, indent: str | None, config: Path) -> None:
    write(config, original.read_bytes())
    before = load(config)
    here("configure", *HOSTS, "--creds-store", "--yes")
    now = load(config)
    now.setdefault("auths", {})
    now["auths"] = {**(now["auths"] or {}), "quay.example": {"auth": "eDp5"}}
    now["credHelpers"]["other.example"] = "pass"
    now["new"] = {"a": "b"}
    write(config, json.dumps(now, indent=indent, sort_keys=bool(indent)))
    here("unconfigure", "--yes")
    before["auths"] = {**(before.get("auths") or {}), "quay.example": {"auth": "eDp5"}}
    before["credHelpers"] = {**(before.get("credHelpers") or {}), "other.example": "pass"}
    assert load(config) == {**before, "new": {"a": "b"}}


@given(JSON_TEXTS | BLANKS, st.lists(st.sampled_from(HOSTS), unique=True), st.booleans(), st.data())
def test_any_text_comes_back(text: str, hosts: list[str], has_store: bool, data: st.DataObject) -> None:
    keys = st.sampled_from([*HOSTS, f"https://{HOST}/v1/", "ghcr.io"])
    logins = data.draw(st.lists(keys, unique=True))
    for key in logins:
        text = json_edit.put(text, ("auths", key), data.draw(st.sampled_from(["{}", '{"auth":"x"}'])))
    before = data.draw(BLANKS) + text if not text.startswith("\ufeff") else text
    try:
        edit.check(before)
        now = before
        for host in hosts:
            now = json_edit.put(now, (edit.HELPERS, host), edit.NAME)
            for key in login_keys(edit.section(now, edit.LOGINS), host):
                now = json_edit.remove(now, (edit.LOGINS, key))
        if has_store:
            now = json_edit.put(now, (edit.STORE,), edit.NAME)
    except ValueError:
        return
    assert restore.restored(now, before) == before


def test_a_file_that_was_not_there_is_gone(home: Path) -> None:
    here("configure", HOST, "--yes")
    here("configure", PUBLIC, "--yes")
    here("unconfigure", "--yes")
    assert not tree(home)


def test_a_file_that_another_program_has_emptied_stays(config: Path) -> None:
    here("configure", HOST, "--yes")
    write(config, "")
    here("unconfigure", "--yes")
    assert tree(config.parent) == {"config.json": b""}


def test_a_file_that_was_not_there_stays_with_what_others_wrote(config: Path) -> None:
    here("configure", HOST, "--yes")
    write(config, json.dumps({"auths": {}, **load(config)}, indent="\t"))
    here("unconfigure", "--yes")
    assert tree(config.parent) == {"config.json": b'{\n\t"auths": {}\n}'}


def test_what_a_person_has_removed_since_stays_removed(config: Path) -> None:
    write(config, '{"credHelpers": {"quay.io": "pass"}, "credsStore": "desktop"}')
    here("configure", HOST, "--yes")
    write(config, f'{{"credHelpers": {{"{HOST}": "ecr-py"}}}}')
    here("unconfigure", "--yes")
    assert config.read_text() == '{"credHelpers": {}}'


def test_the_backup_is_from_before_the_first_configure(config: Path) -> None:
    write(config, '{"x": 1}')
    here("configure", HOST, "--yes")
    here("configure", PUBLIC, "--yes")
    assert config.with_name(config.name + BACKUP).read_text() == '{"x": 1}'
    write(config, '{"x": 2}')  # by hand, without us
    here("configure", HOST, "--yes")
    assert config.with_name(config.name + BACKUP).read_text() == '{"x": 2}'


def test_entries_by_hand_are_removed_if_the_person_wants_it(config: Path) -> None:
    text = f'{{"credHelpers": {{"{HOST}": "ecr-py", "quay.io": "pass"}}, "credsStore": "ecr-py"}}'
    write(config, text)
    assert here("unconfigure", typed="n\n").status == 1
    assert here("unconfigure", "--dry-run").status == 0
    assert tree(config.parent) == {"config.json": text.encode()}
    assert here("unconfigure", typed="y\n").status == 0
    assert tree(config.parent) == {"config.json": b'{"credHelpers": {"quay.io": "pass"}}'}


def test_a_backup_alone_is_removed(config: Path) -> None:
    write(config, "{}")
    here("configure", HOST, "--yes")
    write(config, '{"x": 2}')
    assert here("unconfigure", "--yes").screen == f"ok {config} is given back\n"
    assert tree(config.parent) == {"config.json": b'{"x": 2}'}


def test_there_may_be_nothing_to_give_back(config: Path) -> None:
    write(config, '{"credHelpers": {"quay.io": "pass"}}')
    result = run("unconfigure")
    assert (result.status, result.stderr) == (0, b"")
    assert result.stdout.endswith(b" nothing to give back\n")


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals")
def test_on_a_terminal_it_asks(home: Path) -> None:
    run("configure", HOST, "--yes")
    before = tree(home)
    assert run("unconfigure").status == 1
    assert run_in_terminal("unconfigure", typed="\n").status == 1
    assert tree(home) == before
    session = run_in_terminal("unconfigure", typed="y\n")
    assert "Write this? [y/N] " in session.screen
    assert (session.status, tree(home)) == (0, {})

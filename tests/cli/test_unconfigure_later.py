"""unconfigure after other programs or the user have changed files between two runs: nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Never

import pytest

from ecr_credhelper.errors import ConfigurationError
from tests.cli.test_configure import settings_file
from tests.conftest import HOST, OTHER_ACCOUNT, PUBLIC
from tests.docker_files import BACKUP, here, load, tree, write
from tests.systems import links

LOGIN = {"auth": "QVdTOm9sZA=="}


def edit(config: Path, **entries: object) -> None:
    """Change entries as the user or Docker would; None removes an entry."""
    content = {**load(config), **entries}
    write(config, json.dumps({key: entry for key, entry in content.items() if entry is not None}))


@pytest.mark.parametrize(("since", "command"), [
    ({"auths": {OTHER_ACCOUNT: LOGIN}}, [OTHER_ACCOUNT]),
    ({"credHelpers": {HOST: "ecr-py", OTHER_ACCOUNT: "osxkeychain"}}, [OTHER_ACCOUNT]),
    ({"credsStore": "desktop"}, ["--creds-store"]),
])  # fmt: skip
@pytest.mark.parametrize("original", ['{"auths": {}}', "{}", "", None])
def test_unconfigure_restores_what_a_second_configure_replaced(
    original: str | None, since: dict[str, object], command: list[str], config: Path, home: Path
) -> None:
    if original is not None:
        write(config, original)
    here("configure", HOST, "--yes")
    edit(config, **since)
    expected = load(config)
    here("configure", *command, "--yes")
    here("configure", PUBLIC, "--yes")
    assert load(config) != expected
    here("unconfigure", "--yes")
    del expected["credHelpers"][HOST]
    now = load(config)
    assert {key: now.get(key) or {} for key in expected} == expected
    assert list(tree(home)) == [".docker/config.json"]


def test_unconfigure_restores_a_store_set_between_two_runs(config: Path) -> None:
    write(config, '{"credsStore": "pass"}')
    here("configure", HOST, "--creds-store", "--yes")
    edit(config, credsStore="desktop")
    here("configure", "--creds-store", "--yes")
    here("unconfigure", "--yes")
    assert load(config) == {"credsStore": "desktop"}


def test_unconfigure_restores_a_removed_file(config: Path) -> None:
    original = json.dumps({"auths": {"ghcr.io": LOGIN, HOST: LOGIN}}).encode()
    write(config, original)
    here("configure", HOST, "--yes")
    config.unlink()
    assert here("unconfigure", typed="y\n").status == 0
    assert tree(config.parent) == {"config.json": original}


@pytest.mark.parametrize("since", [{"credHelpers": None}, {"auths": {HOST: {}}}, {"auths": None}])
def test_unconfigure_always_restores_a_login_that_configure_removed(
    since: dict[str, object], config: Path
) -> None:
    write(config, json.dumps({"auths": {HOST: LOGIN}}))
    here("configure", HOST, "--yes")
    edit(config, **since)
    here("unconfigure", "--yes")
    assert load(config) == {"auths": {HOST: LOGIN}}
    assert list(tree(config.parent)) == ["config.json"]


@pytest.mark.parametrize("original", [
    {"auths": {"ghcr.io": LOGIN}},
    {"credHelpers": {HOST: "osxkeychain"}},
    {"proxies": {"default": {}}},
])  # fmt: skip
def test_a_backup_with_missing_entries_stays(original: dict[str, object], config: Path) -> None:
    write(config, json.dumps(original))
    here("configure", HOST, "--yes")
    write(config, '{"new": 1}')
    before = tree(config.parent)
    screen = here("unconfigure", "--yes").screen
    message = f"! Kept {config}{BACKUP}: it has entries that are missing from {config}\n"
    assert screen == f"{message}ok Nothing to undo\n"
    here("configure", PUBLIC, "--yes")
    assert message in here("unconfigure", "--yes").screen
    assert load(config)["new"] == "1"
    assert len(tree(config.parent)) == len(before)


def test_a_leftover_backup_is_removed_without_asking(config: Path) -> None:
    write(config, "{}")
    here("configure", HOST, "--yes")
    write(config, "{}")
    before = tree(config.parent)
    assert here("unconfigure", "--dry-run").status == 0
    assert tree(config.parent) == before
    assert here("unconfigure").status == 0
    assert tree(config.parent) == {"config.json": b"{}"}


@pytest.mark.parametrize("text", [f'{{"credHelpers": {{"{HOST}": "ecr-py"}}}}', '{"credsStore": "ecr-py"}'])
def test_a_file_without_a_backup_is_never_removed(text: str, config: Path) -> None:
    write(config, text)
    here("unconfigure", "--yes")
    assert tree(config.parent) == {"config.json": b"{}"}


def test_empty_settings_stay_a_file(config: Path, home: Path) -> None:
    write(config, '{"credsStore": "pass"}')
    write(settings_file(home), "")
    here("configure", "--creds-store", "--yes")
    here("unconfigure", "--yes")
    assert settings_file(home).read_bytes() == b""
    assert len(tree(home)) == 2


def test_unconfigure_keeps_the_fallback_of_another_configuration(
    config: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(config, '{"credsStore": "pass"}')
    here("configure", "--creds-store", "--yes")
    before = settings_file(home).read_bytes()
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    for option in ([], ["--creds-store"]):
        here("configure", HOST, *option, "--yes")
        here("unconfigure", "--yes")
        assert settings_file(home).read_bytes() == before
    monkeypatch.delenv("DOCKER_CONFIG")
    assert '-fallback = "pass"' in here("unconfigure", "--yes").screen
    assert list(tree(home)) == [".docker/config.json"]


@pytest.mark.parametrize("is_new", [True, False])
def test_unconfigure_keeps_an_edited_fallback(is_new: bool, config: Path, home: Path) -> None:
    write(config, '{"credsStore": "pass"}')
    if not is_new:
        write(settings_file(home), "# mine\n")
    here("configure", "--creds-store", "--yes")
    text = settings_file(home).read_text().replace("pass", "secretservice")
    write(settings_file(home), text)
    here("unconfigure", "--yes")
    assert list(tree(settings_file(home).parent).values()) == [text.encode()]


def test_a_broken_file_without_a_backup_does_not_stop_unconfigure(config: Path, home: Path) -> None:
    write(config, '{"credsStore": "pass"}')
    here("configure", "--creds-store", "--yes")
    write(home / ".config/containers/auth.json", "{")
    settings_file(home).with_name(f"config.toml{BACKUP}").unlink()
    write(settings_file(home), b"\xff")
    session = here("unconfigure", "--yes")
    assert session.status == 0
    assert "auth.json: is not valid" in session.screen
    assert "config.toml: is not UTF-8" in session.screen
    assert config.read_text() == '{"credsStore": "pass"}'
    with pytest.raises(ConfigurationError, match=r"auth.json: is not valid"):
        here("unconfigure", "--yes")


@links
@pytest.mark.parametrize("is_link", [True, False])
def test_a_file_shared_by_all_clients_is_restored_once(
    is_link: bool, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(config, "{}")
    path = config.with_name("auth.json") if is_link else config
    if is_link:
        path.symlink_to(config)
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(path))
    for option in ([], ["--podman"]):
        here("configure", HOST, *option, "--yes")
        assert here("unconfigure", "--yes").screen.count("Restored ") == 1
        assert set(tree(config.parent).values()) == {b"{}"}


def test_interrupting_the_prompt_reports_that_nothing_changed(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> Never:
        raise KeyboardInterrupt

    messages: list[str] = []
    monkeypatch.setattr("ecr_credhelper.console.terminal.Terminal.ask", interrupt)
    monkeypatch.setattr(
        "ecr_credhelper.console.terminal.Terminal.warn", lambda self, text: messages.append(text)
    )
    with pytest.raises(KeyboardInterrupt):
        here("configure", HOST, typed="")
    assert messages == ["nothing changed"]
    assert not config.exists()


def test_answering_no_reports_that_nothing_changed(config: Path) -> None:
    write(config, "{}")
    here("configure", HOST, "--yes")
    assert here("unconfigure", typed="n\n").screen.endswith("nothing changed\n")


def test_a_newer_login_in_a_store_is_not_replaced_by_the_old_login(config: Path) -> None:
    login = {"auth": "QVdTOnN0YWxl"}
    write(config, json.dumps({"credsStore": "pass", "auths": {OTHER_ACCOUNT: login}}))
    here("configure", HOST, "--yes")
    write(config, json.dumps({**load(config), "auths": {OTHER_ACCOUNT: {}}}))  # docker login, into the store
    here("unconfigure", "--yes")
    assert load(config) == {"credsStore": "pass", "auths": {OTHER_ACCOUNT: {}}}

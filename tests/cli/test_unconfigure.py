"""unconfigure: it restores the previous content and keeps later changes by other programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_credhelper.docker import edit, json_edit, restore
from ecr_credhelper.docker.config import login_keys
from ecr_credhelper.errors import ConfigurationError
from tests import systems
from tests.conftest import HOST, OTHER_ACCOUNT, OTHER_REGION, PUBLIC, Run, run
from tests.docker.test_json_edit import BLANKS, JSON_TEXTS
from tests.docker_files import BACKUP, CORPUS, here, load, tree, write, write_settings
from tests.terminals import run_in_terminal

each = pytest.mark.parametrize("original", CORPUS, ids=lambda path: path.stem)
HOSTS = [HOST, OTHER_ACCOUNT, PUBLIC]


@each
@pytest.mark.parametrize("option", [[], ["--creds-store"], ["--podman"]])
def test_unconfigure_restores_the_file_byte_for_byte(original: Path, option: list[str], home: Path) -> None:
    directory = home / (".config/containers" if "--podman" in option else ".docker")
    name = "auth.json" if "--podman" in option else "config.json"
    file = write(directory / name, original.read_bytes())
    file.chmod(0o644)
    mode = file.stat().st_mode  # not 0o644 on Windows
    here("configure", HOST, PUBLIC, "--yes", *option)
    assert file.read_bytes() != original.read_bytes()
    session = here("unconfigure", "--yes")
    assert session.status == 0
    assert tree(home) == {file.relative_to(home).as_posix(): original.read_bytes()}
    assert file.stat().st_mode == mode


@each
def test_unconfigure_restores_the_file_after_two_configures(original: Path, config: Path, ask: Run) -> None:
    write(config, original.read_bytes())
    assert ask("configure", PUBLIC, HOST, "--yes").status == 0
    assert ask("configure", OTHER_ACCOUNT, "--creds-store", "--yes").status == 0
    assert ask("unconfigure", "--yes").status == 0
    assert tree(config.parent) == {"config.json": original.read_bytes()}


@each
@pytest.mark.parametrize("indent", [None, "\t"], ids=["others edit", "Docker rewrites"])
def test_unconfigure_keeps_later_changes_by_other_programs(
    original: Path, indent: str | None, config: Path
) -> None:
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
def test_unconfigure_restores_any_text(
    text: str, hosts: list[str], has_store: bool, data: st.DataObject
) -> None:
    keys = st.sampled_from([*HOSTS, f"https://{HOST}/v1/", "ghcr.io"])
    logins = data.draw(st.lists(keys, unique=True))
    for key in logins:
        text = json_edit.put(text, ("auths", key), data.draw(st.sampled_from(["{}", '{"auth":"x"}'])))
    before = data.draw(BLANKS) + text if not text.startswith("\ufeff") else text
    try:
        edit.check(before)
        now = before
        for host in hosts:
            now = json_edit.put(now, (edit.HELPERS, host), edit.QUOTED_SUFFIX)
            for key in login_keys(edit.section(now, edit.LOGINS), host):
                now = json_edit.remove(now, (edit.LOGINS, key))
        if has_store:
            now = json_edit.put(now, (edit.CREDS_STORE,), edit.QUOTED_SUFFIX)
    except ValueError:
        return
    assert restore.restored(now, before) == before


def test_unconfigure_removes_a_file_that_configure_created(home: Path) -> None:
    here("configure", HOST, "--yes")
    here("configure", PUBLIC, "--yes")
    here("unconfigure", "--yes")
    assert not tree(home)


def test_unconfigure_keeps_a_file_that_another_program_has_emptied(config: Path) -> None:
    here("configure", HOST, "--yes")
    write(config, "")
    here("unconfigure", "--yes")
    assert tree(config.parent) == {"config.json": b""}


def test_unconfigure_keeps_a_created_file_with_entries_from_other_programs(config: Path) -> None:
    here("configure", HOST, "--yes")
    write(config, json.dumps({"auths": {}, **load(config)}, indent="\t"))
    here("unconfigure", "--yes")
    assert tree(config.parent) == {"config.json": b'{\n\t"auths": {}\n}'}


def test_unconfigure_does_not_restore_entries_that_the_user_has_removed(config: Path) -> None:
    write(config, '{"credHelpers": {"quay.io": "pass"}, "credsStore": "desktop"}')
    here("configure", HOST, "--yes")
    write(config, f'{{"credHelpers": {{"{HOST}": "ecr-py"}}}}')
    here("unconfigure", "--yes")
    assert config.read_text() == '{"credHelpers": {}}'


def test_the_backup_has_the_content_before_the_first_configure(config: Path) -> None:
    write(config, '{"x": 1}')
    here("configure", HOST, "--yes")
    here("configure", PUBLIC, "--yes")
    assert config.with_name(config.name + BACKUP).read_text() == '{"x": 1}'
    write(config, '{"x": 2}')  # by hand, without us
    here("configure", HOST, "--yes")
    assert config.with_name(config.name + BACKUP).read_text() == '{"x": 2}'


def test_unconfigure_removes_entries_added_by_hand_after_a_yes(config: Path) -> None:
    text = f'{{"credHelpers": {{"{HOST}": "ecr-py", "quay.io": "pass"}}, "credsStore": "ecr-py"}}'
    write(config, text)
    assert here("unconfigure", typed="n\n").status == 1
    assert here("unconfigure", "--dry-run").status == 0
    assert tree(config.parent) == {"config.json": text.encode()}
    assert here("unconfigure", typed="y\n").status == 0
    assert tree(config.parent) == {"config.json": b'{"credHelpers": {"quay.io": "pass"}}'}


def test_unconfigure_removes_a_backup_without_entries_to_restore(config: Path) -> None:
    write(config, "{}")
    here("configure", HOST, "--yes")
    write(config, '{"x": 2}')
    assert here("unconfigure", "--yes").screen == f"ok Nothing to undo in {config}; removed its backup\n"
    assert tree(config.parent) == {"config.json": b'{"x": 2}'}


def test_unconfigure_without_changes_to_undo(config: Path) -> None:
    write(config, '{"credHelpers": {"quay.io": "pass"}}')
    result = run("unconfigure")
    assert (result.status, result.stderr) == (0, b"")
    assert result.stdout.endswith(b" Nothing to undo\n")


@systems.terminals
def test_unconfigure_asks_on_a_terminal(home: Path) -> None:
    run("configure", HOST, "--yes")
    before = tree(home)
    assert run("unconfigure").status == 1
    assert run_in_terminal("unconfigure", typed="\n").status == 1
    assert tree(home) == before
    session = run_in_terminal("unconfigure", typed="y\n")
    assert "Apply these changes? [y/N] " in session.screen
    assert (session.status, tree(home)) == (0, {})


# -- some registries


@each
@pytest.mark.parametrize("options", [[], ["--creds-store"]])
def test_unconfigure_undoes_one_registry(
    original: Path, options: list[str], config: Path, home: Path
) -> None:
    write(config, original.read_bytes())
    here("configure", HOST, "--yes")
    only_one = load(config)
    here("configure", OTHER_ACCOUNT, "--yes")
    here("configure", *options, PUBLIC, "--yes")
    session = here("unconfigure", OTHER_ACCOUNT, f"https://{PUBLIC}/nginx/nginx", "--yes")
    assert session.status == 0
    assert session.screen.endswith(f"ok Updated {config}\n")
    now, before = load(config), only_one
    for content in (now, before):  # Docker accepts any spelling of a field.
        content["credsStore"] = content.pop("CredsStore", content.get("credsStore"))
    assert now.pop("credsStore") == ("ecr-py" if options else before["credsStore"])
    del before["credsStore"]
    if options:  # It also replaces the entries of Amazon's helper; that of PUBLIC was restored above.
        helpers = before["credHelpers"]
        before["credHelpers"] = {
            host: name if host == PUBLIC else name.replace("ecr-login", "ecr-py")
            for host, name in helpers.items()
        }
    assert now == before
    here("unconfigure", *([] if options else [HOST]), "--yes")
    assert tree(home) == {".docker/config.json": original.read_bytes()}


def test_unconfigure_restores_the_logins_of_one_registry(config: Path) -> None:
    original = {"auths": {HOST: {"auth": "eDp5"}, f"https://{OTHER_ACCOUNT}": {"auth": "eDp6"}}}
    write(config, json.dumps(original))
    here("configure", HOST, OTHER_ACCOUNT, "--yes")
    here("unconfigure", HOST, "--yes")
    assert load(config) == {"auths": {HOST: {"auth": "eDp5"}}, "credHelpers": {OTHER_ACCOUNT: "ecr-py"}}
    here("unconfigure", "--yes")
    assert load(config) == original


def test_unconfigure_undoes_a_registry_of_podman(home: Path) -> None:
    here("configure", HOST, "--yes")
    here("configure", OTHER_ACCOUNT, PUBLIC, "--podman", "--yes")
    podman = home / ".config/containers/auth.json"
    assert here("unconfigure", PUBLIC, "--yes").screen.endswith(f"ok Updated {podman}\n")
    assert here("unconfigure", OTHER_ACCOUNT, "--yes").screen.endswith(f"ok Removed {podman}\n")
    assert list(load(home / ".docker/config.json")["credHelpers"]) == [HOST]


@pytest.mark.parametrize(
    ("argument", "host"),
    [(OTHER_ACCOUNT, OTHER_ACCOUNT), ("hello_world", "hello_world"), ("a:secret@b", "the given registry")],
)
def test_a_registry_that_is_not_configured_is_an_error(argument: str, host: str, config: Path) -> None:
    write(config, "{}")
    here("configure", HOST, "--yes")
    before = tree(config.parent)
    with pytest.raises(ConfigurationError, match=f"^{host}: is not configured for this helper; run: "):
        here("unconfigure", HOST, argument, "--yes")
    assert tree(config.parent) == before


def test_a_rule_is_removed_with_the_last_registry_that_uses_it(config: Path, home: Path) -> None:
    text = "# mine\ndeadline = 30\n"
    settings = write_settings(home, text)
    here("configure", HOST, OTHER_REGION, "--profile", "dev", "--yes")
    here("configure", OTHER_ACCOUNT, "--profile", "prod", "--yes")
    both = settings.read_text()
    here("unconfigure", HOST, "--yes")
    assert settings.read_text() == both
    screen = here("unconfigure", OTHER_REGION, "--yes").screen
    assert '-profile = "dev"\n' in screen
    assert settings.read_text() == both.replace(both[len(text) : both.rindex("\n[")], "")
    here("unconfigure", "--yes")
    assert settings.read_text() == text
    assert not config.exists()


def test_an_edited_rule_stays(home: Path) -> None:
    settings = home / ".config/ecr-credhelper/config.toml"
    here("configure", HOST, OTHER_ACCOUNT, "--profile", "dev", "--creds-store", "--yes")
    edited = settings.read_text().replace('"dev"', '"prod"', 1)
    write(settings, edited)
    assert "Kept" not in here("unconfigure", OTHER_ACCOUNT, "--yes").screen
    first = edited[: edited.index("\n[registry.4")]
    assert settings.read_text() == first
    kept = f'! Kept registry."111122223333" in {settings}: it was edited after configure\n'
    assert here("unconfigure", "--yes").screen.count(kept) == 1
    assert tree(home) == {".config/ecr-credhelper/config.toml": first.encode()}


def test_removed_files_are_reported_as_removed(config: Path, home: Path) -> None:
    here("configure", HOST, "--profile", "dev", "--yes")
    screen = here("unconfigure", "--yes").screen
    settings = home / ".config/ecr-credhelper/config.toml"
    assert screen.endswith(f"ok Removed {config}\nok Removed {settings}\n")
    assert not tree(home)


def test_the_fallback_stays_if_one_registry_is_undone(config: Path, home: Path) -> None:
    write(config, '{"credsStore": "pass"}')
    here("configure", HOST, OTHER_ACCOUNT, "--profile", "dev", "--creds-store", "--yes")
    here("unconfigure", HOST, "--yes")
    settings = (home / ".config/ecr-credhelper/config.toml").read_text()
    assert settings.startswith('fallback = "pass"')
    assert "111122223333" not in settings
    here("unconfigure", "--yes")
    assert tree(home) == {".docker/config.json": b'{"credsStore": "pass"}'}


@pytest.mark.parametrize("is_unchanged", [True, False])
def test_only_a_file_with_its_previous_content_is_reported_as_restored(
    config: Path, *, is_unchanged: bool
) -> None:
    write(config, json.dumps({"credHelpers": {HOST: "ecr-login"}}))
    here("configure", HOST, "--yes")
    if not is_unchanged:
        write(config, config.read_text().replace("{", '{"x": 1, ', 1))
    verb = "Restored" if is_unchanged else "Updated"
    assert here("unconfigure", "--yes").screen.endswith(f"ok {verb} {config}\n")


def test_entries_without_a_backup_are_not_restored(config: Path) -> None:
    write(config, f'{{"credHelpers": {{"{HOST}": "ecr-py"}}}}')
    assert here("unconfigure", "--yes").screen.endswith(f"ok Updated {config}\n")


@pytest.mark.parametrize(
    "argv",
    [
        ("111122223333", "--region", "us-west-2"),
        ("1111-2222-3333", "--region", "us-west-2"),
        ("arn:aws:ecr:us-west-2:111122223333:repository/team/app",),
    ],
)
def test_unconfigure_accepts_the_forms_of_configure(argv: tuple[str, ...], config: Path) -> None:
    here("configure", HOST, OTHER_ACCOUNT, "--yes")
    here("unconfigure", *argv, "--yes")
    assert list(load(config)["credHelpers"]) == [OTHER_ACCOUNT]
    with pytest.raises(ConfigurationError, match=f"^{HOST}: is not configured for this helper"):
        here("unconfigure", *argv, "--yes")

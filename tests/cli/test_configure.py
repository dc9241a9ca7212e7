"""configure: what it writes to Docker's configuration, what it prints, and what it does not change."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

import pytest

from ecr_credhelper.errors import ConfigurationError, CredentialHelperError
from tests import systems
from tests.conftest import EXECUTABLE, HOST, OTHER_ACCOUNT, PUBLIC, run
from tests.docker_files import BACKUP, CORPUS, here, load, tree, write
from tests.terminals import run_in_terminal

DESKTOP = next(path for path in CORPUS if path.stem == "desktop").read_bytes()
STALE = next(path for path in CORPUS if path.stem == "stale-logins").read_bytes()


def mode_of(path: Path) -> int | None:
    """Return the mode of a file, or None on Windows, which has none."""
    return None if sys.platform == "win32" else stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("original", CORPUS, ids=lambda path: path.stem)
def test_configure_changes_only_the_entries_of_this_helper(original: Path, config: Path) -> None:
    write(config, original.read_bytes()).chmod(0o640)
    before = load(config)
    here("configure", HOST, PUBLIC, "--yes")
    after = load(config)
    helpers = {**(before.pop("credHelpers", None) or {}), HOST: "ecr-py", PUBLIC: "ecr-py"}
    assert after.pop("credHelpers") == helpers
    logins, kept = before.pop("auths", None) or {}, after.pop("auths", None) or {}
    assert (list(after), after) == (list(before), before), "unknown keys and their order"
    gone = {key for key, entry in logins.items() if HOST in key.lower() and entry and "team" not in key}
    assert kept == {key: entry for key, entry in logins.items() if key not in gone}
    assert mode_of(config) in {0o640, None}
    backup = config.with_name(config.name + BACKUP)
    assert backup.read_bytes() == original.read_bytes()
    assert mode_of(backup) in {0o600, None}
    assert set(tree(config.parent)) == {config.name, backup.name}, "no temporary file"


@pytest.mark.parametrize("original", CORPUS, ids=lambda path: path.stem)
@pytest.mark.parametrize("option", ["--dry-run", "--creds-store"])
def test_the_shown_changes_contain_no_secret(original: Path, option: str, config: Path) -> None:
    write(config, original.read_bytes())
    screen = here("configure", HOST, "--dry-run", option, typed="").screen
    assert "secret" not in screen
    for entry in (load(config).get("auths") or {}).values():
        secrets = {entry.get(name) for name in ("auth", "password", "identitytoken")} - {None}
        assert not any(secret in screen for secret in secrets)
    assert config.read_bytes() == original.read_bytes()


def test_a_new_file_is_private_and_formatted_like_dockers(config: Path) -> None:
    session = here("configure", HOST, "--yes")
    assert config.read_text() == f'{{\n\t"credHelpers": {{\n\t\t"{HOST}": "ecr-py"\n\t}}\n}}'
    assert mode_of(config) in {0o600, None}
    assert mode_of(config.parent) in {0o700, None}
    assert f'+        "{HOST}": "ecr-py"\n' in session.screen, "the change is shown"
    assert session.screen.endswith(f"Updated {config} (undo: docker-credential-ecr-py unconfigure)\n")


def test_docker_config_variable_selects_the_directory(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "other"))
    here("configure", HOST, "--yes")
    assert load(tmp_path / "other" / "config.json") == {"credHelpers": {HOST: "ecr-py"}}
    assert not tree(home)


def test_configuring_a_registry_again_changes_nothing(config: Path) -> None:
    here("configure", HOST, "--yes")
    before = tree(config.parent)
    session = here("configure", HOST)
    assert session.status == 0
    assert session.screen == f"{HOST}: already configured\nok {config}: no changes needed\n"
    assert tree(config.parent) == before


@pytest.mark.parametrize(("server", "host"), [
    (f"{HOST}/team/web:1.2", HOST),
    (f"https://{HOST}/v2/", HOST),
    (f" {HOST.upper()}. ", HOST),
    (f"{HOST}:443/web", f"{HOST}:443"),
    ("public.ecr.aws/docker/library/alpine", PUBLIC),
    ("images.example.com:5000/web", "images.example.com:5000"),
])  # fmt: skip
def test_registries_are_written_in_the_form_that_docker_looks_up(
    server: str, host: str, config: Path, home: Path
) -> None:
    settings = '[registry."images.example.com:5000"]\nregion = "eu-west-1"\naccount = "111122223333"\n'
    write(home / ".config/ecr-credhelper/config.toml", settings)
    here("configure", server, server, "--yes")
    assert load(config) == {"credHelpers": {host: "ecr-py"}}


@pytest.mark.parametrize(("argv", "problem"), [
    (["web:1"], "^web:1: not an Amazon ECR registry; for a custom host in front of ECR, set its region"),
    ([HOST, "ghcr.io/me/web"], "^ghcr.io: not an Amazon ECR registry"),
    (["user:secret@host"], "^the given registry: not an Amazon ECR registry"),
    ([f"https://AWS:secret@{HOST}"], "^the given registry: not an Amazon ECR registry"),
    ([], "^no registry specified; specify HOST ..., or use --discover with --match PATTERN or --all, "),
    (["--discover"], "^no registry found; specify"),
    (["--match", "a*"], "^no registry found that matches a\\*; specify"),
])  # fmt: skip
def test_configure_rejects_other_registries(
    argv: list[str], problem: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(CredentialHelperError, match=problem):
        here("configure", *argv, "--yes")
    assert not tree(home)


def test_configure_lists_the_entries_that_it_replaces(config: Path) -> None:
    write(config, STALE.replace(b"{", b'{"credHelpers": {"%s": "ecr-login"},' % HOST.encode(), 1))
    screen = here("configure", HOST, "--yes").screen
    message = screen.partition("---")[0].splitlines()
    assert message[0] == f"{HOST}: replaces docker-credential-ecr-login"
    keys = [HOST, f"https://{HOST}/v1/", f"HTTPS://{HOST.upper()}"]
    assert message[1:] == [
        f'{HOST}: "auths" has a login for "{key}", which some clients would use instead' for key in keys
    ]
    assert list(load(config)["auths"]) == ["ghcr.io", f"{HOST}/team"]


def test_a_login_stays_if_the_user_does_not_want_to_remove_it(config: Path) -> None:
    write(config, STALE)
    screen = here("configure", HOST, typed="y\nno\ny\ny\n").screen
    assert screen.count("Remove it? [y/N] ") == 3
    assert list(load(config)["auths"]) == ["ghcr.io", f"https://{HOST}/v1/", f"{HOST}/team"]


def test_configure_warns_if_the_executable_is_not_on_path(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookups = []
    monkeypatch.setattr("ecr_credhelper.cli.configure.which", lambda *name: lookups.append(name))
    session = here("configure", HOST, "--yes")
    assert "! docker-credential-ecr-py is not on PATH, so clients cannot find it: add " in session.screen
    assert lookups[0][0] == "docker-credential-ecr-py"
    assert (session.status, config.exists()) == (0, True)
    monkeypatch.setenv("PATH", "/nowhere")
    directory = os.fsencode(os.path.dirname(EXECUTABLE))
    assert b"add " + directory + b" to PATH, or run: pipx ensurepath" in run("configure", HOST).stderr


def test_configure_warns_of_a_byte_order_mark(config: Path) -> None:
    write(config, b"\xef\xbb\xbf{}")
    assert "begins with a byte order mark" in here("configure", HOST, "--yes").screen


# -- as a process, with and without a terminal


def test_without_a_terminal_configure_writes_only_with_yes(config: Path) -> None:
    write(config, DESKTOP)
    result = run("configure", HOST)
    assert result.status == 1
    reason = b"nothing changed: not running in a terminal; use --yes to apply the changes"
    assert result.stderr == b"docker-credential-ecr-py: %s\n" % reason
    assert f'+        "{HOST}": "ecr-py"'.encode() in result.stdout
    assert run("configure", HOST, "--dry-run").status == 0
    with pytest.raises(ConfigurationError, match="not running in a terminal"):
        here("configure", HOST)
    assert tree(config.parent) == {"config.json": DESKTOP}
    result = run("configure", HOST, "--yes")
    assert (result.status, load(config)["credHelpers"]) == (0, {HOST: "ecr-py"})


@systems.terminals
@pytest.mark.parametrize("answer", ["y", "yes", "Y"])
def test_on_a_terminal_configure_writes_after_a_yes(answer: str, config: Path) -> None:
    write(config, DESKTOP)
    session = run_in_terminal("configure", HOST, typed=f"{answer}\n")
    assert session.status == 0
    assert "Apply these changes? [y/N] " in session.screen
    assert f'\x1b[32m+        "{HOST}": "ecr-py"\x1b[0m' in session.screen
    assert load(config)["credHelpers"] == {HOST: "ecr-py"}


@systems.terminals
@pytest.mark.parametrize("answer", ["n\n", "\n", "\x04"])
def test_on_a_terminal_configure_writes_nothing_after_another_answer(answer: str, config: Path) -> None:
    write(config, DESKTOP)
    assert run_in_terminal("configure", HOST, typed=answer).status == 1
    assert tree(config.parent) == {"config.json": DESKTOP}


# -- a credsStore


def settings_file(home: Path) -> Path:
    return home / ".config" / "ecr-credhelper" / "config.toml"


@pytest.mark.parametrize("before", ["", '# mine\n[registry.111122223333]\nprofile = "dev"\n'])
def test_the_previous_store_becomes_the_fallback(before: str, config: Path, home: Path) -> None:
    write(config, DESKTOP)
    if before:
        write(settings_file(home), before)
    screen = here("configure", "--creds-store", "--yes").screen
    assert load(config)["credsStore"] == "ecr-py"
    assert settings_file(home).read_text() == f'fallback = "desktop"  # was the credsStore\n{before}'
    assert '+fallback = "desktop"' in screen
    assert settings_file(home).with_name(f"config.toml{BACKUP}").exists() == (not before)
    here("unconfigure", "--yes")
    assert tree(config.parent) == {"config.json": DESKTOP}
    assert (settings_file(home).read_text() == before) if before else not settings_file(home).exists()


@pytest.mark.parametrize(("fallback", "message"), [
    ("desktop", ""),
    ("pass", 'docker-credential-desktop will no longer be used: the settings file has fallback = "pass"'),
])  # fmt: skip
def test_an_existing_fallback_stays(fallback: str, message: str, config: Path, home: Path) -> None:
    write(config, DESKTOP)
    text = f'fallback = "{fallback}"\n'
    write(settings_file(home), text)
    assert here("configure", "--creds-store", "--yes").screen.startswith(
        f"{message}\n---" if message else "---"
    )
    here("unconfigure", "--yes")
    assert (config.read_bytes(), settings_file(home).read_text()) == (DESKTOP, text)


@pytest.mark.parametrize(("store", "settings", "problem"), [
    ("a b", "", 'credsStore: fallback: found "a b", expected the suffix of another.*; correct or remove it'),
    ("desktop", "fallback = ", "is not valid TOML"),
])  # fmt: skip
def test_a_store_that_cannot_become_the_fallback_is_not_replaced(
    store: str, settings: str, problem: str, config: Path, home: Path
) -> None:
    write(config, json.dumps({"credsStore": store}))
    write(settings_file(home), settings)
    before = tree(home)
    with pytest.raises(ConfigurationError, match=problem):
        here("configure", "--creds-store", "--yes")
    assert tree(home) == before


def test_a_store_is_not_replaced_without_a_directory_for_the_settings(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(config, DESKTOP)
    monkeypatch.setattr("ecr_credhelper.cli.settings_change.settings_file", lambda environ: None)
    with pytest.raises(ConfigurationError, match="no directory for the settings file"):
        here("configure", "--creds-store", "--yes")
    monkeypatch.setattr("ecr_credhelper.cli.unconfigure.settings_file", lambda environ: None)
    assert here("unconfigure").status == 0


def test_creds_store_can_be_combined_with_hosts(config: Path) -> None:
    here("configure", OTHER_ACCOUNT, "--creds-store", "--yes")
    assert load(config) == {"credHelpers": {OTHER_ACCOUNT: "ecr-py"}, "credsStore": "ecr-py"}
    assert "no changes needed" in here("configure", "--creds-store").screen


def test_a_change_of_the_settings_shows_no_other_lines(config: Path, home: Path) -> None:
    write(config, '{"credsStore": "pass"}')
    write(home / ".config/ecr-credhelper/config.toml", "[registry.public]\nprofile = 'a-word' # another\n")
    screen = here("configure", "--creds-store", "--dry-run").screen
    assert '+fallback = "pass"' in screen
    assert "a-word" not in screen
    assert "another" not in screen


def test_a_store_that_is_not_a_string_is_rejected(config: Path) -> None:
    write(config, '{"credsStore": 5}')
    with pytest.raises(ConfigurationError, match="must be a JSON string; nothing was changed"):
        here("configure", "--creds-store", "--yes")
    assert config.read_text() == '{"credsStore": 5}'

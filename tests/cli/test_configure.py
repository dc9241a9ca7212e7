"""configure: what it writes into Docker's configuration, what it says, and what it leaves alone."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from ecr_credhelper.errors import ConfigurationError, CredentialHelperError
from tests.conftest import EXECUTABLE, HOST, OTHER_ACCOUNT, PUBLIC, run
from tests.docker_files import BACKUP, CORPUS, here, load, tree, write
from tests.terminals import run_in_terminal

DESKTOP = next(path for path in CORPUS if path.stem == "desktop").read_bytes()
STALE = next(path for path in CORPUS if path.stem == "stale-logins").read_bytes()


@pytest.fixture
def config(home: Path) -> Path:
    return home / ".docker" / "config.json"


@pytest.mark.parametrize("original", CORPUS, ids=lambda path: path.stem)
def test_only_the_entries_change(original: Path, config: Path) -> None:
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
    assert stat.S_IMODE(config.stat().st_mode) == 0o640
    backup = config.with_name(config.name + BACKUP)
    assert backup.read_bytes() == original.read_bytes()
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert set(tree(config.parent)) == {config.name, backup.name}, "no temporary file"


@pytest.mark.parametrize("original", CORPUS, ids=lambda path: path.stem)
@pytest.mark.parametrize("option", ["--dry-run", "--creds-store"])
def test_no_secret_is_shown(original: Path, option: str, config: Path) -> None:
    write(config, original.read_bytes())
    screen = here("configure", HOST, "--dry-run", option, typed="").screen
    assert "secret" not in screen
    for entry in (load(config).get("auths") or {}).values():
        secrets = {entry.get(name) for name in ("auth", "password", "identitytoken")} - {None}
        assert not any(secret in screen for secret in secrets)
    assert config.read_bytes() == original.read_bytes()


def test_a_new_file_is_private_and_looks_as_dockers_own(config: Path) -> None:
    session = here("configure", HOST, "--yes")
    assert config.read_text() == f'{{\n\t"credHelpers": {{\n\t\t"{HOST}": "ecr-py"\n\t}}\n}}'
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert stat.S_IMODE(config.parent.stat().st_mode) == 0o700
    assert f'+        "{HOST}": "ecr-py"\n' in session.screen, "the change is shown"
    assert session.screen.endswith(
        f"{config} is written; to give it back: docker-credential-ecr-py unconfigure\n"
    )


def test_dockers_folder_can_be_another(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "other"))
    here("configure", HOST, "--yes")
    assert load(tmp_path / "other" / "config.json") == {"credHelpers": {HOST: "ecr-py"}}
    assert not tree(home)


def test_a_registry_is_configured_once(config: Path) -> None:
    here("configure", HOST, "--yes")
    before = tree(config.parent)
    session = here("configure", HOST)
    assert session.status == 0
    assert session.screen == f"{HOST}: configured already\nok {config}: nothing to change\n"
    assert tree(config.parent) == before


@pytest.mark.parametrize(("server", "host"), [
    (f"{HOST}/team/web:1.2", HOST),
    (f"https://{HOST}/v2/", HOST),
    (f" {HOST.upper()}. ", HOST),
    (f"{HOST}:443/web", f"{HOST}:443"),
    ("public.ecr.aws/docker/library/alpine", PUBLIC),
    ("images.example.com:5000/web", "images.example.com:5000"),
])  # fmt: skip
def test_a_registry_is_named_as_docker_will_look_for_it(
    server: str, host: str, config: Path, home: Path
) -> None:
    settings = '[registry."images.example.com:5000"]\nregion = "eu-west-1"\naccount = "111122223333"\n'
    write(home / ".config/ecr-credhelper/config.toml", settings)
    here("configure", server, server, "--yes")
    assert load(config) == {"credHelpers": {host: "ecr-py"}}


@pytest.mark.parametrize(("argv", "problem"), [
    (["web:1"], "^web:1: not an Amazon ECR registry; an ECR host is "),
    ([HOST, "ghcr.io/me/web"], "^ghcr.io: not an Amazon ECR registry"),
    (["user:secret@host"], "^the given registry: not an Amazon ECR registry"),
    ([f"https://AWS:secret@{HOST}"], "^the given registry: not an Amazon ECR registry"),
    ([], "^no registry is named; name one"),
    (["--discover"], "^no registry was found; name one"),
])  # fmt: skip
def test_whatever_is_no_registry_is_refused(
    argv: list[str], problem: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(CredentialHelperError, match=problem):
        here("configure", *argv, "--yes")
    assert not tree(home)


def test_what_gets_in_the_way_is_named(config: Path) -> None:
    write(config, STALE.replace(b"{", b'{"credHelpers": {"%s": "ecr-login"},' % HOST.encode(), 1))
    screen = here("configure", HOST, "--yes").screen
    told = screen.partition("---")[0].splitlines()
    assert told[0] == f"{HOST}: instead of docker-credential-ecr-login"
    keys = [HOST, f"https://{HOST}/v1/", f"HTTPS://{HOST.upper()}"]
    assert told[1:] == [
        f'{HOST}: "auths" has a login under "{key}", which some clients would take instead' for key in keys
    ]
    assert list(load(config)["auths"]) == ["ghcr.io", f"{HOST}/team"]


def test_a_login_that_is_not_to_be_removed_stays(config: Path) -> None:
    write(config, STALE)
    screen = here("configure", HOST, typed="y\nno\ny\ny\n").screen
    assert screen.count("Remove it? [y/N] ") == 3
    assert list(load(config)["auths"]) == ["ghcr.io", f"https://{HOST}/v1/", f"{HOST}/team"]


def test_a_command_that_is_not_on_the_path_is_told(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr("ecr_credhelper.cli.configure.which", lambda *name: asked.append(name))
    session = here("configure", HOST, "--yes")
    assert "! docker-credential-ecr-py is not on PATH, where clients look for it: add " in session.screen
    assert asked[0][0] == "docker-credential-ecr-py"
    assert (session.status, config.exists()) == (0, True)
    monkeypatch.setenv("PATH", "/nowhere")
    folder = os.fsencode(os.path.dirname(EXECUTABLE))
    assert b"add " + folder + b", or run: pipx ensurepath" in run("configure", HOST).stderr


def test_a_byte_order_mark_is_told(config: Path) -> None:
    write(config, b"\xef\xbb\xbf{}")
    assert "begins with a byte order mark" in here("configure", HOST, "--yes").screen


# -- as a process: with a terminal, and without


def test_without_a_terminal_nothing_is_written_unless_told_so(config: Path) -> None:
    write(config, DESKTOP)
    result = run("configure", HOST)
    assert result.status == 1
    line = b"docker-credential-ecr-py: nothing was written: there is nobody to ask; add --yes\n"
    assert result.stderr == line
    assert f'+        "{HOST}": "ecr-py"'.encode() in result.stdout
    assert run("configure", HOST, "--dry-run").status == 0
    with pytest.raises(ConfigurationError, match="there is nobody to ask"):
        here("configure", HOST)
    assert tree(config.parent) == {"config.json": DESKTOP}
    result = run("configure", HOST, "--yes")
    assert (result.status, load(config)["credHelpers"]) == (0, {HOST: "ecr-py"})


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals")
@pytest.mark.parametrize("answer", ["y", "yes", "Y"])
def test_on_a_terminal_a_yes_writes(answer: str, config: Path) -> None:
    write(config, DESKTOP)
    session = run_in_terminal("configure", HOST, typed=f"{answer}\n")
    assert session.status == 0
    assert "Write this? [y/N] " in session.screen
    assert f'\x1b[32m+        "{HOST}": "ecr-py"\x1b[0m' in session.screen
    assert load(config)["credHelpers"] == {HOST: "ecr-py"}


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals")
@pytest.mark.parametrize("answer", ["n\n", "\n", "\x04"])
def test_on_a_terminal_anything_else_does_not(answer: str, config: Path) -> None:
    write(config, DESKTOP)
    assert run_in_terminal("configure", HOST, typed=answer).status == 1
    assert tree(config.parent) == {"config.json": DESKTOP}


# -- a credsStore


def settings_file(home: Path) -> Path:
    return home / ".config" / "ecr-credhelper" / "config.toml"


@pytest.mark.parametrize("before", ["", '# mine\n[registry.111122223333]\nprofile = "dev"\n'])
def test_the_store_of_before_becomes_the_fallback(before: str, config: Path, home: Path) -> None:
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


@pytest.mark.parametrize(("fallback", "told"), [
    ("desktop", ""),
    ("pass", "docker-credential-desktop is asked no more: the settings name pass as the fallback\n"),
])  # fmt: skip
def test_a_fallback_that_is_there_stays(fallback: str, told: str, config: Path, home: Path) -> None:
    write(config, DESKTOP)
    text = f'fallback = "{fallback}"\n'
    write(settings_file(home), text)
    assert here("configure", "--creds-store", "--yes").screen.startswith(f"{told}---")
    here("unconfigure", "--yes")
    assert (config.read_bytes(), settings_file(home).read_text()) == (DESKTOP, text)


@pytest.mark.parametrize(("store", "settings", "problem"), [
    ("a b", "", "credsStore: fallback: found 'a b', expected the suffix of another.*; correct it, or remove"),
    ("desktop", "fallback = ", "is not valid TOML"),
])  # fmt: skip
def test_a_store_that_cannot_be_kept_stays(
    store: str, settings: str, problem: str, config: Path, home: Path
) -> None:
    write(config, json.dumps({"credsStore": store}))
    write(settings_file(home), settings)
    before = tree(home)
    with pytest.raises(ConfigurationError, match=problem):
        here("configure", "--creds-store", "--yes")
    assert tree(home) == before


def test_without_a_place_for_settings_a_store_stays(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(config, DESKTOP)
    monkeypatch.setattr("ecr_credhelper.cli.configure.settings_file", lambda environ: None)
    with pytest.raises(ConfigurationError, match="no place for the settings"):
        here("configure", "--creds-store", "--yes")
    monkeypatch.setattr("ecr_credhelper.cli.unconfigure.settings_file", lambda environ: None)
    assert here("unconfigure").status == 0


def test_a_store_and_hosts_go_together(config: Path) -> None:
    here("configure", OTHER_ACCOUNT, "--creds-store", "--yes")
    assert load(config) == {"credHelpers": {OTHER_ACCOUNT: "ecr-py"}, "credsStore": "ecr-py"}
    assert "nothing to change" in here("configure", "--creds-store").screen


def test_a_change_of_the_settings_shows_no_other_line_of_them(config: Path, home: Path) -> None:
    write(config, '{"credsStore": "pass"}')
    write(home / ".config/ecr-credhelper/config.toml", "[registry.public]\nprofile = 'a-word' # another\n")
    screen = here("configure", "--creds-store", "--dry-run").screen
    assert '+fallback = "pass"' in screen
    assert "a-word" not in screen
    assert "another" not in screen


def test_a_store_that_is_no_text_is_refused(config: Path) -> None:
    write(config, '{"credsStore": 5}')
    with pytest.raises(ConfigurationError, match="must be a JSON string; nothing was changed"):
        here("configure", "--creds-store", "--yes")
    assert config.read_text() == '{"credsStore": 5}'

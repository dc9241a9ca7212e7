"""Files that Nix manages are not changed; the user gets the lines for the Nix configuration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ecr_credhelper.errors import ConfigurationError
from tests.conftest import HOST, OTHER_ACCOUNT, run
from tests.docker_files import here, load, tree, write, write_settings
from tests.systems import links

SETTINGS = "programs.docker-cli.settings"
ERROR = "is read-only, because Nix manages it; make this change in your Nix configuration and apply it\n"


@pytest.fixture
def config(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return ``~/.docker/config.json`` as home-manager installs it: a link into the read-only store."""
    monkeypatch.setenv("NIX_STORE_DIR", str(tmp_path / "store"))
    content = {"credsStore": "pass", "credHelpers": {"gcr.io": "gcloud", OTHER_ACCOUNT: "ecr-py"}}
    file = write(tmp_path / "store/abc-home-manager-files/.docker/config.json", json.dumps(content))
    file.chmod(0o444)
    link = home / ".docker/config.json"
    link.parent.mkdir()
    link.symlink_to(file)
    return link


@links
def test_configure_shows_the_lines_to_add(config: Path, home: Path) -> None:
    before = tree(home)
    for options in ([], ["--yes"]):
        done = run("configure", HOST, *options)
        assert (done.status, done.stderr.decode()) == (1, f"docker-credential-ecr-py: {config}: {ERROR}")
        lines = f'Add to your home-manager configuration:\n  {SETTINGS}.credHelpers."{HOST}" = "ecr-py";\n'
        assert done.stdout.decode().endswith(f"\n{lines}")
    assert tree(home) == before


@links
def test_every_field_is_shown(config: Path) -> None:
    screen = here("configure", HOST, "--creds-store", "--dry-run").screen
    assert f'  {SETTINGS}.credsStore = "ecr-py";\n' in screen
    assert f'  {SETTINGS}.credHelpers."{HOST}" = "ecr-py";\n' in screen
    assert load(config)["credsStore"] == "pass"


@links
def test_a_file_without_entries_is_shown_with_all_of_them(config: Path) -> None:
    target = config.resolve()
    target.chmod(0o644)
    target.write_text("{}")
    assert f'  {SETTINGS}.credHelpers."{HOST}" = "ecr-py";\n' in here("configure", HOST, "--dry-run").screen


@links
def test_the_user_is_not_asked(config: Path) -> None:
    for command in (["configure", HOST], ["unconfigure"]):
        with pytest.raises(ConfigurationError, match="because Nix manages it"):
            here(*command, typed="")
    assert load(config)["credsStore"] == "pass"


@links
def test_a_dry_run_shows_the_lines_without_an_error(config: Path) -> None:
    done = run("configure", HOST, "--dry-run")
    assert (done.status, done.stderr) == (0, b"")
    assert f'  {SETTINGS}.credHelpers."{HOST}" = "ecr-py";\n' in done.stdout.decode()
    assert HOST not in load(config)["credHelpers"]


@links
def test_unconfigure_shows_the_lines_to_remove(config: Path) -> None:
    done = run("unconfigure", "--yes")
    assert (done.status, done.stderr.decode()) == (1, f"docker-credential-ecr-py: {config}: {ERROR}")
    lines = f'Remove from your home-manager configuration:\n  {SETTINGS}.credHelpers."{OTHER_ACCOUNT}"\n'
    assert done.stdout.decode().endswith(f"\n{lines}")


@links
def test_nothing_is_shown_if_no_change_is_needed(config: Path) -> None:
    done = run("configure", OTHER_ACCOUNT, "--yes")
    assert (done.status, b"Nix" in done.stderr) == (0, False)
    assert done.stdout.decode().endswith(f"{config}: no changes needed\n")


@links
def test_a_link_out_of_the_store_is_written(config: Path, home: Path) -> None:
    """home-manager's mkOutOfStoreSymlink: a link in the store that leads to a file of the user."""
    own = write(home / "dotfiles/config.json", "{}")
    link = config.resolve().with_name("out.json")
    link.symlink_to(own)
    config.unlink()
    config.symlink_to(link)
    assert run("configure", HOST, "--yes").status == 0
    assert load(own) == {"credHelpers": {HOST: "ecr-py"}}


@links
def test_the_settings_file_is_not_shown_as_an_option_of_docker(home: Path, config: Path) -> None:
    target = config.resolve()
    config.unlink()
    write(config, '{"credsStore": "pass"}')
    settings = write_settings(home, "")
    settings.unlink()
    target.chmod(0o644)
    target.write_text("# mine\n")
    settings.symlink_to(target)
    with pytest.raises(ConfigurationError, match=rf"^{settings}: is read-only, because Nix manages it;"):
        here("configure", "--creds-store", "--yes")
    assert SETTINGS not in here("configure", "--creds-store", "--dry-run").screen

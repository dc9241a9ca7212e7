"""The backup of a file in a linked directory, which can be a repository, is in our own directory."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ecr_credhelper.docker import config_file
from ecr_credhelper.docker.config_file import backup_path
from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.paths import state_directory
from tests.conftest import HOST, OTHER_ACCOUNT, run
from tests.docker_files import BACKUP, here, load, tree, write
from tests.systems import links, posix_paths

CONTENT = b'{\n  "auths": {"ghcr.io": {"auth": "c2VjcmV0"}}\n}\n'


@pytest.fixture
def repository(tmp_path: Path, home: Path) -> Path:
    """Return a repository with Docker's configuration file, to which ``~/.docker`` is a link."""
    directory = tmp_path / "dotfiles"
    write(directory / "docker" / "config.json", CONTENT)
    (home / ".docker").symlink_to(directory / "docker")
    return directory


@pytest.fixture
def state(home: Path) -> Path:
    return home / ".local/state/ecr-credhelper"


@links
def test_the_backup_is_not_in_the_repository(repository: Path, home: Path, state: Path) -> None:
    assert run("configure", HOST, "--yes").status == 0
    assert list(tree(repository)) == ["docker/config.json"]
    assert load(repository / "docker/config.json")["credHelpers"] == {HOST: "ecr-py"}
    (backup,) = state.iterdir()
    assert (backup.name.startswith("config.json."), backup.name.endswith(BACKUP)) == (True, True)
    assert backup.read_bytes() == CONTENT
    assert [stat.S_IMODE(path.stat().st_mode) for path in (backup, state)] == [0o600, 0o700]
    here("configure", OTHER_ACCOUNT, "--yes")
    assert run("unconfigure", "--yes").status == 0
    assert tree(repository) == {"docker/config.json": CONTENT}
    assert (list(state.iterdir()), (home / ".docker").is_symlink()) == ([], True)


@links
def test_a_linked_parent_counts_but_no_link_above_the_home_directory(
    tmp_path: Path, home: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dotfiles").mkdir()
    (home / ".config").symlink_to(tmp_path / "dotfiles")
    here("configure", "--podman", HOST, "--yes")
    assert list(tree(tmp_path / "dotfiles")) == ["containers/auth.json"]
    assert len([*state.iterdir()]) == 1
    here("unconfigure", "--yes")
    assert tree(tmp_path / "dotfiles") == {}
    (tmp_path / "linked").symlink_to(home)
    monkeypatch.setenv("HOME", str(tmp_path / "linked"))
    here("configure", HOST, "--yes")
    assert set(tree(home / ".docker")) == {"config.json", f"config.json{BACKUP}"}


@links
def test_a_backup_in_the_linked_directory_is_still_used(tmp_path: Path, home: Path, state: Path) -> None:
    """Versions before this one created it there, and a directory can be moved into a repository later."""
    write(home / ".docker/config.json", CONTENT)
    here("configure", HOST, "--yes")
    os.rename(home / ".docker", tmp_path / "dotfiles")
    (home / ".docker").symlink_to(tmp_path / "dotfiles")
    here("configure", OTHER_ACCOUNT, "--yes")
    assert not state.exists()
    here("unconfigure", "--yes")
    assert tree(tmp_path / "dotfiles") == {"config.json": CONTENT}


@links
def test_the_backup_is_found_after_the_link_was_replaced(repository: Path, home: Path, state: Path) -> None:
    here("configure", HOST, "--yes")
    (home / ".docker").unlink()
    os.rename(repository / "docker", home / ".docker")
    here("configure", OTHER_ACCOUNT, "--yes")
    here("unconfigure", "--yes")
    assert tree(home / ".docker") == {"config.json": CONTENT}
    assert not list(state.iterdir())


@links
def test_nothing_is_changed_if_the_place_of_the_backup_is_not_a_directory(
    repository: Path, home: Path, state: Path
) -> None:
    write(home / ".local", "not a directory")
    with pytest.raises(ConfigurationError, match=r"cannot be read \(.*\); nothing was changed"):
        here("configure", HOST, "--yes")
    assert tree(repository) == {"docker/config.json": CONTENT}
    assert not state.exists()


@links
def test_a_backup_that_is_a_symbolic_link_is_not_read(repository: Path, home: Path, state: Path) -> None:
    here("configure", HOST, "--yes")
    (backup,) = state.iterdir()
    os.rename(backup, home / "other")
    backup.symlink_to(home / "other")
    for command in (["configure", OTHER_ACCOUNT], ["unconfigure"]):
        with pytest.raises(ConfigurationError, match=f"{BACKUP}: cannot be read"):
            here(*command, "--yes")
    assert load(repository / "docker/config.json")["credHelpers"] == {HOST: "ecr-py"}


@links
def test_without_descriptors_the_backup_has_the_same_place(
    repository: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecr_credhelper.docker.directory._HAS_DESCRIPTORS", False)  # as on Windows
    here("configure", HOST, "--yes")
    assert (list(tree(repository)), len([*state.iterdir()])) == (["docker/config.json"], 1)
    here("unconfigure", "--yes")
    assert tree(repository) == {"docker/config.json": CONTENT}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can change owners")
def test_root_writes_beside_the_file_in_another_users_home(repository: Path, home: Path, state: Path) -> None:
    """The user could replace the directory in the home by a link to one of root's."""
    os.chown(home, 1234, 5678)
    here("configure", HOST, "--yes")
    assert f"docker/config.json{BACKUP}" in tree(repository)
    assert not state.exists()


@links
def test_the_backup_is_beside_the_file_without_a_home_directory(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config_file, "state_directory", lambda _: None)
    path = str(repository.with_name("link") / "config.json")
    assert backup_path(path) == f"{path}{BACKUP}"


@posix_paths
@pytest.mark.parametrize(("environ", "platform", "directory"), [
    ({}, "linux", "~/.local/state/ecr-credhelper"),
    ({"XDG_STATE_HOME": "/x"}, "linux", "/x/ecr-credhelper"),
    ({"XDG_STATE_HOME": "relative"}, "linux", "~/.local/state/ecr-credhelper"),
    ({}, "darwin", "~/Library/Application Support/ecr-credhelper"),
    ({"LOCALAPPDATA": "/l"}, "win32", "/l/ecr-credhelper"),
    ({}, "win32", None),
])  # fmt: skip
def test_the_directory_is_the_systems_directory_for_state(
    environ: dict[str, str], platform: str, directory: str | None
) -> None:
    assert state_directory(environ, platform) == (directory and os.path.expanduser(directory))

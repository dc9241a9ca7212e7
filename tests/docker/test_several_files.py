"""Several configuration files and processes: all files are written or none, and no write is lost."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from ecr_credhelper.docker import config_file
from ecr_credhelper.docker.config_file import Change, ConfigFile
from ecr_credhelper.docker.config_file import write as replace
from ecr_credhelper.docker.directory import Contents, Directory
from ecr_credhelper.errors import ConfigurationError
from tests.conftest import EXECUTABLE, HOST, OTHER_ACCOUNT
from tests.docker_files import BACKUP, here, load, tree, write

CONTENT = b'{\n  "auths": {"ghcr.io": {"auth": "c2VjcmV0"}}\n}\n'


@pytest.fixture
def config(home: Path) -> Path:
    return home / ".docker" / "config.json"


SETTINGS = ".config/ecr-credhelper/config.toml"


def test_no_file_is_written_unless_all_can_be_written(config: Path, home: Path) -> None:
    write(config, '{"credsStore": "pass"}').chmod(0o444)
    before = tree(home)
    with pytest.raises(ConfigurationError, match="is read-only; nothing was changed"):
        here("configure", "--creds-store", "--yes")
    assert tree(home) == before
    config.chmod(0o644)
    here("configure", "--creds-store", "--yes")
    (home / SETTINGS).chmod(0o444)
    before = tree(home)
    with pytest.raises(ConfigurationError, match="is read-only; nothing was changed"):
        here("unconfigure", "--yes")
    assert tree(home) == before


def test_the_error_lists_the_files_that_were_already_written(
    config: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(config, '{"credsStore": "pass"}')
    replace = os.replace

    def refuse(new: str, path: str, **at: int) -> None:
        if os.path.basename(path) == config.name:
            raise OSError(5, "Input/output error")
        replace(new, path, **at)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(ConfigurationError) as error:
        here("configure", "--creds-store", "--yes")
    expected = f"{config}: cannot be written (Input/output error); already written: {home / SETTINGS}"
    assert str(error.value) == expected
    assert [path for path in tree(home) if "before" not in path] == [".docker/config.json", SETTINGS]


def test_a_late_write_does_not_replace_a_newer_backup(config: Path) -> None:
    write(config, CONTENT)
    file = ConfigFile(str(config), str)
    here("configure", HOST, "--yes")
    before = tree(config.parent)
    with pytest.raises(ConfigurationError, match="was changed by another program"):
        replace([Change(file, "{ }", b"{}")])
    assert tree(config.parent) == before


def test_a_conflict_is_retried_once_with_yes(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(config, "{}")
    others = ['{"a": 1}']

    def late(changes: list[Change]) -> None:
        if others:
            write(config, others.pop())
        replace(changes)

    monkeypatch.setattr("ecr_credhelper.cli.write_lock.write", late)
    screen = here("configure", HOST, "--yes").screen
    assert screen.count(f"{config} was changed by another program") == 1
    assert load(config) == {"a": "1", "credHelpers": {HOST: "ecr-py"}}
    assert config.with_name(config.name + BACKUP).read_text() == '{"a": 1}'
    others += ['{"a": 2}', '{"a": 3}']
    with pytest.raises(ConfigurationError, match="try again"):
        here("configure", OTHER_ACCOUNT, "--yes")
    assert load(config) == {"a": "2"}
    others += ["{}"]
    with pytest.raises(ConfigurationError, match="try again"):
        here("configure", OTHER_ACCOUNT, typed="y\n")
    assert load(config) == {}


def test_a_write_by_another_program_at_the_last_moment_is_not_overwritten(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = ConfigFile(str(write(config, CONTENT)), str)
    create = Directory.create

    def late(self: Directory, name: str, data: bytes, like: Contents | None) -> None:
        create(self, name, data, like)
        write(config, b"{}")

    monkeypatch.setattr(Directory, "create", late)
    with pytest.raises(ConfigurationError, match="was changed by another program"):
        replace([Change(file, "{ }", CONTENT)])
    assert tree(config.parent) == {"config.json": b"{}"}


def test_concurrent_processes_lose_no_entries(config: Path) -> None:
    write(config, CONTENT)
    hosts = [f"{number}11122223333.dkr.ecr.us-west-2.amazonaws.com" for number in range(6)]
    runs = [
        subprocess.Popen([EXECUTABLE, "configure", host, "--yes"], stdout=-3, stderr=-3) for host in hosts
    ]
    assert [run.wait() for run in runs] == [0] * len(hosts)
    assert set(load(config)["credHelpers"]) == set(hosts)
    here("unconfigure", "--yes")
    assert tree(config.parent) == {"config.json": CONTENT}


@pytest.mark.parametrize(("seconds", "is_left"), [(0, True), (7200, False), (-7200, False)])
def test_temporary_files_of_killed_processes_are_removed(seconds: int, is_left: bool, config: Path) -> None:
    write(config, CONTENT)
    left = write(config.with_name(f".0123456789abcdef{config_file.NEW}"), CONTENT)
    other = write(config.with_name(".mine"), CONTENT)
    os.mkdir(config.with_name(f".directory{config_file.NEW}"))
    for path in (left, other):
        os.utime(path, (0, time.time() - seconds))
    here("configure", HOST, "--yes")
    assert left.exists() == is_left, "a process may still be writing it"
    assert set(tree(config.parent)) - {left.name} == {"config.json", f"config.json{BACKUP}", other.name}


def test_nothing_is_written_without_a_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    for command in (["configure", HOST], ["unconfigure"]):
        with pytest.raises(ConfigurationError, match=r"^cannot find the home directory; set HOME or"):
            here(*command, "--yes")
    assert not list(tmp_path.iterdir())

"""Files of a person's, several at once: all are written or none, and processes wait for each other."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from ecr_credhelper import config_file
from ecr_credhelper.config_file import Change, ConfigFile
from ecr_credhelper.config_file import write as replace
from ecr_credhelper.errors import ConfigurationError
from tests.configuring import BACKUP, here, load, tree, write
from tests.conftest import EXECUTABLE, HOST, OTHER_ACCOUNT

CONTENT = b'{\n  "auths": {"ghcr.io": {"auth": "c2VjcmV0"}}\n}\n'


@pytest.fixture
def config(home: Path) -> Path:
    return home / ".docker" / "config.json"


SETTINGS = ".config/ecr-credhelper/config.toml"


def test_nothing_is_written_unless_all_can_be(config: Path, home: Path) -> None:
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


def test_what_is_written_all_the_same_is_told(
    config: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(config, '{"credsStore": "pass"}')
    replace = os.replace

    def refuse(new: str, path: str) -> None:
        if path == str(config):
            raise OSError(5, "Input/output error")
        replace(new, path)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(ConfigurationError) as error:
        here("configure", "--creds-store", "--yes")
    told = f"{config}: cannot be written (Input/output error); written already: {home / SETTINGS}"
    assert str(error.value) == told
    assert [path for path in tree(home) if "before" not in path] == [".docker/config.json", SETTINGS]


def test_a_backup_is_not_replaced_by_one_who_comes_too_late(config: Path) -> None:
    write(config, CONTENT)
    file = ConfigFile(str(config), str)
    here("configure", HOST, "--yes")
    before = tree(config.parent)
    with pytest.raises(ConfigurationError, match="was changed in the meantime"):
        replace([Change(file, "{ }", b"{}")])
    assert tree(config.parent) == before


def test_with_yes_it_begins_again(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(config, "{}")
    others = ['{"a": 1}', '{"b": 1}']

    def late(changes: list[Change]) -> None:
        if others:
            write(config, others.pop())
        replace(changes)

    monkeypatch.setattr("ecr_credhelper.commands.configure.write", late)
    screen = here("configure", HOST, "--yes").screen
    assert screen.count(f"{config} was changed in the meantime: once more\n") == 2
    assert load(config) == {"a": "1", "credHelpers": {HOST: "ecr-py"}}
    assert config.with_name(config.name + BACKUP).read_text() == '{"a": 1}'
    others += ["{}"]
    with pytest.raises(ConfigurationError, match="try again"):
        here("configure", OTHER_ACCOUNT, typed="y\n")


def test_processes_at_the_same_moment_lose_nothing(config: Path) -> None:
    write(config, CONTENT)
    hosts = [f"{number}11122223333.dkr.ecr.us-west-2.amazonaws.com" for number in range(6)]
    runs = [
        subprocess.Popen([EXECUTABLE, "configure", host, "--yes"], stdout=-3, stderr=-3) for host in hosts
    ]
    assert [run.wait() for run in runs] == [0] * len(hosts)
    assert set(load(config)["credHelpers"]) == set(hosts)
    here("unconfigure", "--yes")
    assert tree(config.parent) == {"config.json": CONTENT}


@pytest.mark.parametrize("seconds", [0, 3600, -3600])
def test_what_a_killed_process_leaves_goes(
    seconds: int, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(config, CONTENT)
    left = [f"config.json{config_file.NEW}", f"config.json{config_file.LOCK}", f".config.json{BACKUP}.0123"]
    for name in left:
        path = write(config.with_name(name), CONTENT)
        os.utime(path, (0, time.time() - seconds))
    sleep = time.sleep

    def pause(duration: float) -> None:
        sleep(duration)
        config.with_name(left[1]).unlink(missing_ok=True)  # its process has come to an end

    monkeypatch.setattr(time, "sleep", pause)
    here("configure", HOST, "--yes")
    assert set(tree(config.parent)) == {"config.json", f"config.json{BACKUP}"}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("content", [CONTENT, None])
def test_what_root_writes_is_the_persons(content: bytes | None, config: Path, home: Path) -> None:
    os.chown(home, 1234, 5678)
    if content:
        os.chown(write(config, content), 1234, 5678)
        os.chown(config.parent, 1234, 5678)
    here("configure", HOST, "--yes")
    for path in (config.parent, config, config.with_name(config.name + BACKUP)):
        assert (path.stat().st_uid, path.stat().st_gid) == (1234, 5678)


def test_without_a_home_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    for command in (["configure", HOST], ["unconfigure"]):
        with pytest.raises(ConfigurationError, match=r"^there is no home folder; set HOME or DOCKER_CONFIG$"):
            here(*command, "--yes")
    assert not list(tmp_path.iterdir())

"""One configuration file: invalid files are not touched, and a write succeeds completely or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ecr_credhelper.docker import directory
from ecr_credhelper.docker.config_file import Change, ConfigFile
from ecr_credhelper.docker.config_file import write as replace
from ecr_credhelper.errors import ConfigurationError
from tests.conftest import HOST, run
from tests.docker_files import BACKUP, here, load, tree, write
from tests.systems import links, owners, pipes

CONTENT = b'{\n  "auths": {"ghcr.io": {"auth": "c2VjcmV0"}}\n}\n'


@pytest.fixture
def config(home: Path) -> Path:
    return home / ".docker" / "config.json"


@pytest.mark.parametrize("command", [["configure", HOST], ["unconfigure"]])
@pytest.mark.parametrize(("content", "problem"), [
    (b"{", "is not valid: Expecting property name"),
    (b'{"a": 1,}', "is not valid: "),
    (b'{} {"a": 1}', "is not valid: Extra data, line 1"),
    (b'{"auths": {}} // mine', "is not valid: Extra data"),
    (b"[]", "is not valid: must contain a JSON object"),
    (b"null", "is not valid: must contain a JSON object"),
    (b'"c2VjcmV0"', "is not valid: must contain a JSON object"),
    (b'{"a": NaN}', "is not valid: NaN is not a JSON number"),
    (b'{"auths": {}, "auths": {}}', 'is not valid: duplicate key "auths"'),
    (b'{"auths": ["c2VjcmV0"]}', "is not valid: auths must be a JSON object"),
    (b'{"credHelpers": "c2VjcmV0"}', "is not valid: credHelpers must be a JSON object"),
    (b'{"credsStore": {"a": "c2VjcmV0"}}', "is not valid: credsStore must be a JSON string"),
    (b'{"a":' * 100_000, "is not valid: nested too deeply"),
    (b'{"a": "\xe9"}', "is not UTF-8"),
    ("{}".encode("utf-16"), "is not UTF-8"),
])  # fmt: skip
def test_an_invalid_file_is_never_changed(
    command: list[str], content: bytes, problem: str, config: Path
) -> None:
    write(config, content)
    with pytest.raises(ConfigurationError, match=problem) as error:
        here(*command, "--yes")
    assert str(error.value).endswith("nothing was changed")
    assert str(error.value).startswith(f"{config}: ")
    assert "c2VjcmV0" not in str(error.value)
    assert tree(config.parent) == {"config.json": content}


def test_the_error_for_an_invalid_file_is_one_line(config: Path) -> None:
    write(config, b"{")
    result = run("configure", HOST, "--yes")
    assert (result.status, result.stdout) == (1, b"")
    assert result.stderr.startswith(f"docker-credential-ecr-py: {config}: is not valid: ".encode())
    assert result.stderr.count(b"\n") == 1


def test_a_damaged_backup_is_an_error(config: Path) -> None:
    write(config.with_name(config.name + BACKUP), b"[")
    with pytest.raises(ConfigurationError, match=f"{BACKUP}: is not valid"):
        here("unconfigure", "--yes")


@links
def test_a_symbolic_link_is_preserved(config: Path, tmp_path: Path) -> None:
    real = write(tmp_path / "dotfiles" / "docker.json", CONTENT)
    config.parent.mkdir()
    config.symlink_to(os.path.relpath(real, config.parent))
    here("configure", HOST, "--yes")
    assert config.is_symlink()
    assert load(real)["credHelpers"] == {HOST: "ecr-py"}
    assert list(tree(real.parent)) == ["docker.json"], "no backup in a directory that could be published"
    here("unconfigure", "--yes")
    assert config.is_symlink()
    assert tree(config.parent) == {"config.json": CONTENT}


@links
def test_a_dangling_symbolic_link_is_preserved(config: Path, tmp_path: Path) -> None:
    real = tmp_path / "later" / "docker.json"
    config.parent.mkdir()
    config.symlink_to(real)
    here("configure", HOST, "--yes")
    assert load(real) == {"credHelpers": {HOST: "ecr-py"}}
    here("unconfigure", "--yes")
    assert (config.is_symlink(), real.exists()) == (True, False)


@pytest.mark.parametrize("make", [
    lambda path: path.mkdir(),
    pytest.param(lambda path: path.symlink_to(os.devnull), marks=links),
    pytest.param(lambda path: os.mkfifo(path), marks=pipes),  # noqa: PLW0108 - Windows has no such function
])  # fmt: skip
def test_only_a_regular_file_is_replaced(make: Callable[[Path], object], config: Path) -> None:
    def state() -> tuple[int, ...]:
        status = os.lstat(config)
        return (
            status.st_mode,
            status.st_ino,
            status.st_mtime_ns,
        )  # not st_atime_ns: following a link changes it

    config.parent.mkdir()
    make(config)
    before = state()
    with pytest.raises(ConfigurationError, match="is not a file; nothing was changed"):
        here("configure", HOST, "--yes")
    assert state() == before


def test_a_directory_is_not_a_file_on_systems_that_do_not_open_directories(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)  # as on Windows
    with pytest.raises(PermissionError, match="Permission denied"):
        directory.read(str(config))
    config.mkdir(parents=True)
    with pytest.raises(directory.NotAFileError):
        directory.read(str(config))


@links
def test_an_unreadable_file_is_an_error(config: Path) -> None:
    config.parent.mkdir()
    config.symlink_to(config)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        here("configure", HOST, "--yes")


@links
def test_a_directory_that_cannot_be_created_is_an_error(config: Path) -> None:
    config.parent.symlink_to("/proc/nowhere")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        here("configure", HOST, "--yes")


def test_a_read_only_file_is_not_replaced(config: Path) -> None:
    write(config, CONTENT).chmod(0o444)
    with pytest.raises(ConfigurationError, match="is read-only; nothing was changed"):
        here("configure", HOST, "--yes")
    assert tree(config.parent) == {"config.json": CONTENT}
    assert stat.S_IMODE(config.stat().st_mode) == 0o444


@pytest.mark.parametrize("name", [
    "replace", "open", *(pytest.param(name, marks=owners) for name in ("fchown", "fchmod")),
])  # fmt: skip
def test_a_failed_write_changes_nothing(name: str, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(config, CONTENT)
    original = getattr(os, name)

    def refuse(*arguments: Any, **options: Any) -> Any:
        if name == "open" and not arguments[1] & os.O_CREAT:
            return original(*arguments, **options)
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, name, refuse)
        with pytest.raises(ConfigurationError, match=r"cannot be written \(Permission denied\); nothing"):
            here("configure", HOST, "--yes")
    assert tree(config.parent) == {"config.json": CONTENT}


def test_nothing_is_written_if_the_backup_cannot_be_written(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(config, CONTENT)

    def refuse(_: str, path: str, **at: object) -> None:
        assert path.endswith(BACKUP), f"the backup comes first: {at}"
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(ConfigurationError, match=rf"{BACKUP}: cannot be written \(.*\); nothing was changed"):
        here("configure", HOST, "--yes")
    assert tree(config.parent) == {"config.json": CONTENT}


@links
def test_a_backup_that_is_a_symbolic_link_is_not_read(config: Path, tmp_path: Path) -> None:
    """Restoring it would reveal the target to the owner of the file, who possibly must not read it."""
    other = write(tmp_path / "other.json", '{"auths": {"ghcr.io": {"auth": "c2VjcmV0"}}}')
    config.parent.mkdir()
    config.with_name(config.name + BACKUP).symlink_to(other)
    for command in (["configure", HOST], ["unconfigure"]):
        with pytest.raises(ConfigurationError, match=f"{BACKUP}: cannot be read"):
            here(*command, "--yes")
    assert not config.exists()


def test_a_write_by_another_program_is_not_overwritten(config: Path) -> None:
    write(config, CONTENT)
    file = ConfigFile(str(config), str)
    write(config, b"{}")
    with pytest.raises(ConfigurationError, match="was changed by another program; try again"):
        replace([Change(file, "{ }", b"{}")])
    assert tree(config.parent) == {"config.json": b"{}"}


@pytest.mark.parametrize("content", [CONTENT, None])
def test_configure_and_unconfigure_work_without_directory_descriptors(
    content: bytes | None, config: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "_HAS_DESCRIPTORS", False)  # as on Windows
    if content:
        write(config, content)
    before = tree(home)
    here("configure", HOST, "--yes")
    assert load(config)["credHelpers"] == {HOST: "ecr-py"}
    assert set(tree(config.parent)) == {"config.json", f"config.json{BACKUP}"}
    here("unconfigure", "--yes")
    assert tree(home) == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can change owners")
def test_the_owner_is_preserved(config: Path) -> None:
    write(config, CONTENT)
    os.chown(config, 1234, 5678)
    here("configure", HOST, "--yes")
    assert (config.stat().st_uid, config.stat().st_gid) == (1234, 5678)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can change owners")
def test_the_file_is_written_even_if_its_group_cannot_be_preserved(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(config, CONTENT)
    os.chown(config, 1234, 5678)
    original = os.fchown

    def fchown(descriptor: int, uid: int, gid: int) -> None:
        if gid == 5678:  # as for a user who is not in the group, after sudo
            raise PermissionError(1, "Operation not permitted")
        original(descriptor, uid, gid)

    monkeypatch.setattr(os, "fchown", fchown)
    here("configure", HOST, "--yes")
    assert load(config)["credHelpers"] == {HOST: "ecr-py"}
    assert config.stat().st_uid == 1234

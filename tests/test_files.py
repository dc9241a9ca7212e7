"""Private directories and files."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_credhelper import files
from ecr_credhelper.docker.directory import Directory
from ecr_credhelper.files import MAX_FILE, is_private, make_private, read_private, remove, write_private

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has neither modes nor owners in os.stat")


def fails(function: Callable[..., None], *arguments: object) -> bool:
    """Return whether a call raises OSError."""
    try:
        function(*arguments)
    except OSError:
        return True
    return False


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@posix
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_directories_are_0700_and_files_0600_with_any_umask(tmp_path: Path, umask: int) -> None:
    folder = tmp_path / "above" / "cache"
    before = os.umask(umask)
    try:
        make_private(str(folder))
        write_private(str(folder / "file"), b"content")
    finally:
        os.umask(before)
    assert (mode(folder.parent), mode(folder), mode(folder / "file")) == (0o700, 0o700, 0o600)
    assert read_private(str(folder / "file")) == b"content"


def test_a_replaced_file_leaves_no_temporary_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_private(str(file), b"one")
    write_private(str(file), b"two")
    assert file.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("times", [0, 1, 2])
def test_a_file_that_is_being_read_on_windows_is_replaced_later(
    times: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its error cannot be caused on other systems."""
    refusals, replace = [PermissionError(13, "in use")] * times, os.replace

    def replace_later(*paths: str, **directories: Any) -> None:
        if refusals:
            raise refusals.pop()
        replace(*paths, **directories)

    monkeypatch.setattr(files, "REPLACE_AGAIN", (0, 0))
    monkeypatch.setattr(os, "replace", replace_later)
    write_private(str(tmp_path / "file"), b"content")
    assert os.listdir(tmp_path) == ["file"]
    refusals = [PermissionError(13, "in use")] * times
    with closing(Directory(str(tmp_path))) as directory:
        directory.replace("file", "config.json")
    assert os.listdir(tmp_path) == ["config.json"]


@pytest.mark.parametrize("name", ["missing/file", "directory"])
def test_an_error_names_the_file_and_not_the_temporary_one(name: str, tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    with pytest.raises(OSError, match=Path(name).name) as raised:
        write_private(str(tmp_path / name), b"one")
    assert raised.value.filename == str(tmp_path / name)


def test_a_failed_replacement_leaves_no_temporary_file(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    assert fails(write_private, str(tmp_path / "file"), b"one")
    assert os.listdir(tmp_path) == ["file"]


@posix
def test_an_incomplete_file_is_removed(tmp_path: Path) -> None:
    import resource
    import signal

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, limits[1]))  # a full disk: the rest is not written
    try:
        assert fails(write_private, str(tmp_path / "file"), b"x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert not os.listdir(tmp_path)


def test_missing_directories_and_invalid_paths_are_errors(tmp_path: Path) -> None:
    assert fails(write_private, str(tmp_path / "missing" / "file"), b"one")
    assert read_private(str(tmp_path / "missing")) is None
    assert not is_private(str(tmp_path / "missing"))
    assert not is_private("a\0b")
    assert fails(make_private, "/a\0b")
    remove(str(tmp_path / "missing"))


@posix
def test_a_directory_with_loose_permissions_is_not_used_until_they_are_restored(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert not is_private(str(tmp_path))
    make_private(str(tmp_path))
    assert mode(tmp_path) == 0o700


@posix
def test_a_link_to_a_directory_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("real")
    assert not is_private(str(tmp_path / "link"))
    assert fails(make_private, str(tmp_path / "link"))


@posix
def test_a_directory_can_be_created_by_two_processes_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, mkdir = tmp_path / "above" / "cache", os.mkdir

    def both(path: str, mode: int) -> None:
        mkdir(path, mode)
        if path == str(folder.parent):
            mkdir(folder, mode)  # another process creates it first

    monkeypatch.setattr("os.mkdir", both)
    make_private(str(folder))
    assert mode(folder) == 0o700


def test_a_file_instead_of_a_directory_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert fails(make_private, str(tmp_path / "file"))
    assert fails(make_private, str(tmp_path / "file" / "below"))


@posix
def test_files_and_directories_of_another_user_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o755)
    file = tmp_path / "file"
    file.write_bytes(b"content")
    monkeypatch.setattr("os.geteuid", lambda: 12345)
    assert read_private(str(file)) is None
    assert fails(make_private, str(tmp_path))
    assert mode(tmp_path) == 0o755


@posix
def test_neither_links_nor_pipes_are_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "pipe")
    assert read_private(str(tmp_path / "link")) is None
    assert read_private(str(tmp_path / "pipe")) is None
    assert read_private(str(tmp_path)) is None


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * (MAX_FILE + 1))
    assert read_private(str(tmp_path / "file")) is None


def test_a_file_that_cannot_be_read_has_no_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    (tmp_path / "file").write_bytes(b"content")
    monkeypatch.setattr("os.read", broken)
    assert read_private(str(tmp_path / "file")) is None


def test_every_directory_is_private_without_owners_and_modes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "HAS_OWNERS", False)  # as on Windows
    tmp_path.chmod(0o755)
    assert is_private(str(tmp_path))


def test_a_path_with_a_null_character_is_an_error() -> None:
    assert fails(write_private, "a\0b", b"")
    assert fails(make_private, "/a\0b")
    assert not is_private("a\0b")


@given(content=st.binary(max_size=300), change=st.integers(0, 299), bit=st.integers(0, 7))
@pytest.mark.parametrize("hashes", ["SipHash", "none"])
def test_a_checksum_detects_any_changed_bit(
    content: bytes, change: int, bit: int, hashes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if hashes == "none":
        monkeypatch.setattr(files, "_hash", None)
    altered = bytearray(content or b"x")
    altered[change % len(altered)] ^= 1 << bit
    assert files.checksum(bytes(altered)) != files.checksum(content or b"x")
    assert files.checksum(bytes(content)) == files.checksum(content)


def test_a_checksum_is_the_same_in_every_python_version() -> None:
    assert files.checksum(b"hello") == "6a6910c93d56b60b"

"""Private folders and files."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_credhelper import files
from ecr_credhelper.files import MAX_FILE, is_private, make_private, read_private, remove, write_private

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has neither modes nor owners in os.stat")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@posix
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_folders_are_0700_and_files_0600_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    folder = tmp_path / "above" / "cache"
    before = os.umask(umask)
    try:
        assert make_private(str(folder))
        assert write_private(str(folder / "file"), b"content")
    finally:
        os.umask(before)
    assert (mode(folder.parent), mode(folder), mode(folder / "file")) == (0o700, 0o700, 0o600)
    assert read_private(str(folder / "file")) == b"content"


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    file = tmp_path / "file"
    assert write_private(str(file), b"one")
    assert write_private(str(file), b"two")
    assert file.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["file"]


def test_a_failed_replacement_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    assert not write_private(str(tmp_path / "file"), b"one")
    assert os.listdir(tmp_path) == ["file"]


@posix
def test_a_file_that_is_not_whole_is_none(tmp_path: Path) -> None:
    import resource
    import signal

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, limits[1]))  # a full disk: the rest is not written
    try:
        assert not write_private(str(tmp_path / "file"), b"x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert not os.listdir(tmp_path)


def test_no_folder_no_file(tmp_path: Path) -> None:
    assert not write_private(str(tmp_path / "missing" / "file"), b"one")
    assert read_private(str(tmp_path / "missing")) is None
    assert not is_private(str(tmp_path / "missing"))
    assert not is_private("a\0b")
    assert not make_private("/a\0b")
    remove(str(tmp_path / "missing"))


@posix
def test_a_loosened_folder_is_not_used_until_it_is_tightened(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    assert not is_private(str(tmp_path))
    assert make_private(str(tmp_path))
    assert mode(tmp_path) == 0o700


@posix
def test_a_link_to_a_folder_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("real")
    assert not is_private(str(tmp_path / "link"))
    assert not make_private(str(tmp_path / "link"))


@posix
def test_a_folder_that_another_process_makes_at_the_same_moment_is_as_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, mkdir = tmp_path / "above" / "cache", os.mkdir

    def both(path: str, mode: int) -> None:
        mkdir(path, mode)
        if path == str(folder.parent):
            mkdir(folder, mode)  # the other one is a step ahead

    monkeypatch.setattr("os.mkdir", both)
    assert make_private(str(folder))
    assert mode(folder) == 0o700


def test_a_file_in_the_place_of_a_folder_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert not make_private(str(tmp_path / "file"))
    assert not make_private(str(tmp_path / "file" / "below"))


@posix
def test_what_belongs_to_somebody_else_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o755)
    file = tmp_path / "file"
    file.write_bytes(b"content")
    monkeypatch.setattr("os.geteuid", lambda: 12345)
    assert read_private(str(file)) is None
    assert not make_private(str(tmp_path))
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


def test_an_error_while_reading_is_no_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    (tmp_path / "file").write_bytes(b"content")
    monkeypatch.setattr("os.read", broken)
    assert read_private(str(tmp_path / "file")) is None


def test_without_owners_and_modes_a_folder_is_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_HAS_OWNERS", False)  # as on Windows
    tmp_path.chmod(0o755)
    assert is_private(str(tmp_path))


def test_a_path_that_no_file_can_have_cannot_be_written() -> None:
    assert not files.write_private("a\0b", b"")
    assert not files.make_private("/a\0b")
    assert not files.is_private("a\0b")


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
    assert files.checksum(b"hello") == "c56dc55c2f912f9c"

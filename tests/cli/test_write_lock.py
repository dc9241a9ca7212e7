"""The lock between processes that write configuration files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecr_credhelper.cli import write_lock
from ecr_credhelper.errors import ConfigurationError
from tests.conftest import EXECUTABLE, HOST, OTHER_ACCOUNT
from tests.docker_files import BACKUP, Screen, here, load, write

LOCKS = ".cache/ecr-credhelper/locks"

HOLDER = """
import time
import os
from ecr_credhelper.cli import write_lock
from ecr_credhelper.console.terminal import Terminal
with write_lock.write_lock(Terminal(os.environ)):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def config(home: Path) -> Path:
    return write(home / ".docker" / "config.json", "{}")


@pytest.fixture
def holder() -> Iterator[subprocess.Popen[bytes]]:
    """Start another process that holds the lock."""
    with subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline().strip() == b"held"
        yield process
        process.kill()


def test_the_lock_is_in_the_cache_directory(config: Path, home: Path) -> None:
    here("configure", HOST, "--yes")
    assert sorted(os.listdir(config.parent)) == ["config.json", f"config.json{BACKUP}"]
    assert [(path.name, path.stat().st_size) for path in (home / LOCKS).iterdir()] == [("configuration", 0)]


@pytest.mark.usefixtures("config")
@pytest.mark.parametrize("options", [["--dry-run"], ["--dry-run", "--yes"]])
def test_a_dry_run_takes_no_lock(options: list[str], home: Path) -> None:
    here("configure", HOST, *options)
    here("unconfigure", *options)
    assert os.listdir(home) == [".docker"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has a different lock")
@pytest.mark.parametrize(("command", "added"), [
    (["configure", HOST], {HOST: "ecr-py"}),
    (["unconfigure"], {}),
])  # fmt: skip
def test_a_process_reads_the_file_after_it_gets_the_lock(
    command: list[str],
    added: dict[str, str],
    config: Path,
    holder: subprocess.Popen[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The last change by the previous holder of the lock is not lost, and no change is made twice."""
    import fcntl

    attempts: list[int] = []
    lock = fcntl.flock

    def flock(descriptor: int, operation: int) -> None:
        try:
            lock(descriptor, operation)
        except BlockingIOError:
            attempts.append(descriptor)
            write(config, f'{{"credHelpers": {{"{OTHER_ACCOUNT}": "pass", "{HOST}": "ecr-py"}}}}')
            holder.kill()
            holder.wait()
            raise

    monkeypatch.setattr(fcntl, "flock", flock)
    monkeypatch.setattr(write_lock, "LOCK_WAIT", 3600)
    screen = here(*command, "--yes").screen
    assert len(attempts) == 1
    assert "retrying" not in screen
    assert load(config)["credHelpers"] == {OTHER_ACCOUNT: "pass", **added}


def test_an_open_prompt_does_not_block_other_processes(config: Path) -> None:
    class Slow(Screen):
        def readline(self, *_: object) -> str:  # type: ignore[override] # the caller passes no size
            argv = [EXECUTABLE, "configure", OTHER_ACCOUNT, "--yes"]
            assert (
                subprocess.run(argv, check=False, timeout=write_lock.LOCK_WAIT / 2, stdout=-3).returncode == 0
            )
            return "y\n"

    with pytest.raises(ConfigurationError, match="was changed by another program; try again"):
        here("configure", HOST, typed=Slow())
    assert load(config)["credHelpers"] == {OTHER_ACCOUNT: "ecr-py"}


@pytest.mark.parametrize("typed", [None, "y\n"])
def test_a_process_continues_if_it_cannot_get_the_lock(
    typed: str | None, config: Path, holder: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_lock, "LOCK_WAIT", 0.1)
    monkeypatch.setattr(write_lock, "SILENT_WAIT", 0)
    screen = here("configure", HOST, *([] if typed else ["--yes"]), typed=typed).screen
    assert "waiting up to 0.1 s for another process that changes configuration files\n" in screen
    assert "that process did not end; continuing without the lock\n" in screen
    assert load(config)["credHelpers"] == {HOST: "ecr-py"}
    assert holder.poll() is None


@pytest.mark.parametrize("typed", [None, "y\n"])
def test_without_a_cache_no_lock_is_taken(
    typed: str | None, config: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ECR_DISABLE_CACHE", "1")
    here("configure", HOST, *([] if typed else ["--yes"]), typed=typed)
    assert load(config)["credHelpers"] == {HOST: "ecr-py"}
    assert os.listdir(home) == [".docker"]


def test_no_lock_is_taken_in_a_directory_that_is_not_private(
    config: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ECR_CACHE_DIR", str(home / "caches"))
    write(home / "caches/ecr-credhelper", "a file")
    here("configure", HOST, "--yes")
    assert load(config)["credHelpers"] == {HOST: "ecr-py"}
    assert (home / "caches/ecr-credhelper").read_text() == "a file"

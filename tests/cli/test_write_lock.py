"""The lock between processes that write configuration: where it is, who waits for it, who goes on without."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecr_credhelper.cli import confirmation
from ecr_credhelper.errors import ConfigurationError
from tests.conftest import EXECUTABLE, HOST, OTHER_ACCOUNT
from tests.docker_files import BACKUP, Screen, here, load, write

LOCKS = ".cache/ecr-credhelper/locks"

HOLDER = """
import time
from ecr_credhelper.cli import confirmation
with confirmation._write_lock():
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


def test_it_is_with_our_own_files(config: Path, home: Path) -> None:
    here("configure", HOST, "--yes")
    assert sorted(os.listdir(config.parent)) == ["config.json", f"config.json{BACKUP}"]
    assert [(path.name, path.stat().st_size) for path in (home / LOCKS).iterdir()] == [("configuration", 0)]


@pytest.mark.usefixtures("config")
@pytest.mark.parametrize("options", [["--dry-run"], ["--dry-run", "--yes"]])
def test_what_writes_nothing_locks_nothing(options: list[str], home: Path) -> None:
    here("configure", HOST, *options)
    here("unconfigure", *options)
    assert os.listdir(home) == [".docker"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks otherwise")
@pytest.mark.parametrize(("command", "added"), [
    (["configure", HOST], {HOST: "ecr-py"}),
    (["unconfigure"], {}),
])  # fmt: skip
def test_a_process_reads_after_it_has_waited(
    command: list[str],
    added: dict[str, str],
    config: Path,
    holder: subprocess.Popen[bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the holder of the lock writes at its very end is not lost, and nothing is done twice."""
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
    monkeypatch.setattr(confirmation, "LOCK_WAIT", 3600)
    screen = here(*command, "--yes").screen
    assert len(attempts) == 1
    assert "once more" not in screen
    assert load(config)["credHelpers"] == {OTHER_ACCOUNT: "pass", **added}


def test_a_question_holds_up_no_other_process(config: Path) -> None:
    class Slow(Screen):
        def readline(self, *_: object) -> str:  # type: ignore[override] # what its caller needs
            argv = [EXECUTABLE, "configure", OTHER_ACCOUNT, "--yes"]
            assert (
                subprocess.run(argv, check=False, timeout=confirmation.LOCK_WAIT / 2, stdout=-3).returncode
                == 0
            )
            return "y\n"

    with pytest.raises(ConfigurationError, match="was changed by another program; try again"):
        here("configure", HOST, typed=Slow())
    assert load(config)["credHelpers"] == {OTHER_ACCOUNT: "ecr-py"}


@pytest.mark.parametrize("typed", [None, "y\n"])
def test_who_waits_in_vain_goes_on(
    typed: str | None, config: Path, holder: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirmation, "LOCK_WAIT", 0.1)
    here("configure", HOST, *([] if typed else ["--yes"]), typed=typed)
    assert load(config)["credHelpers"] == {HOST: "ecr-py"}
    assert holder.poll() is None


@pytest.mark.parametrize("typed", [None, "y\n"])
def test_without_a_cache_nothing_is_locked(
    typed: str | None, config: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ECR_DISABLE_CACHE", "1")
    here("configure", HOST, *([] if typed else ["--yes"]), typed=typed)
    assert load(config)["credHelpers"] == {HOST: "ecr-py"}
    assert os.listdir(home) == [".docker"]


def test_a_place_that_is_not_ours_is_not_locked_in(
    config: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ECR_CACHE_DIR", str(home / "caches"))
    write(home / "caches/ecr-credhelper", "in the way")
    here("configure", HOST, "--yes")
    assert load(config)["credHelpers"] == {HOST: "ecr-py"}
    assert (home / "caches/ecr-credhelper").read_text() == "in the way"

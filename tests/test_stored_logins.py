"""``docker login`` for an ECR host: a login is saved or an error, even across versions."""

from __future__ import annotations

import io
import os
import re
import signal
import time
from pathlib import Path

import pytest

from ecr_credhelper.helper import Helper
from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.conftest import HOST, Result, Run, login, run

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has neither modes nor owners")

SAVED = Result(0, b"", b"")


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the cache's directory, which does not exist yet."""
    monkeypatch.setenv("AWS_ECR_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache" / "ecr-credhelper"


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("obstacle", ["a file", "another owner"])
def test_a_login_that_cannot_be_saved_is_an_error(
    obstacle: str, ask: Run, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if obstacle == "a file":
        directory.write_text("")
        reason = "not a directory of this user"
    else:
        if os.geteuid() != 0:
            pytest.skip("only root can give a directory away")
        directory.mkdir(mode=0o700)
        os.chown(directory, 1, 1)
        reason = "inside a directory of another user"
    error = ask("store", stdin=login()).error
    assert re.search(rf"^{HOST}: the login cannot be saved in .* \({reason}\); set AWS_ECR_CACHE_DIR", error)
    assert "a-password" not in error
    for variable, value in {"AWS_ECR_DISABLE_CACHE": "1", "AWS_ECR_IGNORE_CREDS_STORAGE": "true"}.items():
        with monkeypatch.context() as patch:
            patch.setenv(variable, value)  # the user does not want it to be saved
            assert ask("store", stdin=login()) == SAVED


def forbid_writing() -> None:
    import resource  # Windows has none

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


@pytest.mark.usefixtures("aws", "directory")
def test_a_full_disk_is_an_error_and_the_previous_login_stays() -> None:
    run("store", stdin=login(secret="the-one-before"))
    error = run("store", stdin=login(), preexec_fn=forbid_writing).error
    assert "(File too large)" in error
    assert run("get", stdin=HOST).reply["Secret"] == "the-one-before"


def test_a_login_that_get_can_fetch_again_need_not_be_saved(
    ask: Run, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory.write_text("in the way")
    with FakeECR(unique=False) as api:
        for name, value in api.environment.items():
            monkeypatch.setenv(name, value)
        password = ask("get", stdin=HOST).reply["Secret"]
        assert ask("store", stdin=login(secret=password)) == SAVED
        assert "cannot be saved" in ask("store", stdin=login(secret="another")).error
        api.identities.clear()
        assert "cannot be saved" in ask("store", stdin=login(secret=password)).error


def test_a_failed_erase_is_logged(directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_: str) -> None:
        raise PermissionError

    run("store", stdin=login())
    monkeypatch.setenv("ECR_CREDHELPER_LOG", str(tmp_path / "log"))
    with monkeypatch.context() as patch:
        patch.setattr("os.unlink", denied)
        reply = Helper(os.environ, time.time, print).run("erase", io.BytesIO(HOST.encode()))
    assert (reply.status, reply.stdout) == (0, b"")
    assert f"the stored login for {HOST} cannot be removed from {directory}" in (tmp_path / "log").read_text()


# Another version can share the cache.

OLD_LOGIN = f"ecr-credhelper 1\n{HOST}\n{{fetched_at}}\n{{expires_at}}\nAWS\nan-old-login\nend\n"


def write_old(directory: Path, content: str = OLD_LOGIN) -> Path:
    (directory / "logins").mkdir(parents=True, mode=0o700)
    directory.chmod(0o700)
    file = directory / "logins" / HOST
    file.write_text(content.format(fetched_at=time.time() - 60, expires_at=time.time() + 3600))
    return file


def test_a_login_of_an_older_version_is_served_and_its_file_stays(
    ask: Run, aws: FakeECR, directory: Path
) -> None:
    file = write_old(directory)
    before = file.read_text()
    assert ask("get", stdin=HOST).reply["Secret"] == "an-old-login"
    ask("erase", stdin=HOST)
    assert ask("get", stdin=HOST).reply["Secret"] == aws.password("us-west-2", serial=1)
    run("cache", "clear")
    assert file.read_text() == before


@pytest.mark.parametrize(
    "content",
    [
        "",
        "ecr-credhelper 1\n",
        "ecr-credhelper 1\nend\n",
        OLD_LOGIN[:-5],
        OLD_LOGIN.replace(" 1", " 3"),
        "\xff",
    ],
)
def test_a_damaged_old_login_is_not_migrated(content: str, ask: Run, aws: FakeECR, directory: Path) -> None:
    write_old(directory, content)
    assert ask("get", stdin=HOST).reply["Secret"] == aws.password("us-west-2", serial=1)


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("how", ["others can read it", "its logins are a file"])
def test_an_untrusted_or_unreadable_old_cache_is_ignored(how: str, ask: Run, directory: Path) -> None:
    file = write_old(directory)
    if how == "others can read it":
        directory.chmod(0o755)
    else:
        file.unlink()
        file.parent.rmdir()
        file.parent.write_text("")
    assert ask("get", stdin=HOST).reply["Secret"] != "an-old-login"

"""Root in another user's home, as with ``sudo -E``: it leaves no file of its own there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ecr_credhelper.files import foreign_directory, make_private
from tests.configuring import tree
from tests.conftest import HOST, run
from tests.fake_ecr import FakeECR

pytestmark = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="the test is of what root does"
)

USER, GROUP = 1234, 5678


@pytest.fixture
def home(home: Path) -> Path:
    """Give the home to another user."""
    os.chown(home, USER, GROUP)
    return home


# -- the cache


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("made", ["", ".cache", ".cache/ecr-credhelper"])
def test_root_caches_nothing_in_another_users_home(made: str, home: Path, aws: FakeECR) -> None:
    """Nor below a directory of root's there: the user could replace it."""
    if made:
        (home / made).mkdir(parents=True, mode=0o700)
    for _ in range(2):
        assert run("get", stdin=HOST).reply["Username"] == "AWS"
    assert len(aws.calls) == 2
    assert not tree(home)
    assert [str(path.relative_to(home)) for path in home.rglob("*")] == [
        str(path) for path in reversed([Path(made), *Path(made).parents]) if str(path) != "."
    ]


def test_root_caches_in_a_place_of_its_own(
    home: Path, tmp_path: Path, aws: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ECR_CACHE_DIR", str(tmp_path))
    for _ in range(2):
        assert run("get", stdin=HOST).reply["Username"] == "AWS"
    assert len(aws.calls) == 1
    assert not tree(home)


def test_status_and_doctor_say_so(home: Path) -> None:
    cache = f"{home}/.cache/ecr-credhelper"
    why = f"{cache} is not used: {home} belongs to user {USER}, and this process runs as root"
    advice = "run sudo with -H, or set AWS_ECR_CACHE_DIR to a directory that belongs to root"
    assert f"Cache:     {why}; {advice}\n" in run("status").stdout.decode()
    told = run("doctor").stdout.decode()
    assert f" {why}, so every pull asks AWS\n" in told
    assert f" {advice}\n" in told


def test_a_user_is_told_by_name(home: Path) -> None:
    import pwd

    user = next(entry for entry in pwd.getpwall() if entry.pw_uid not in {0, 65534})
    os.chown(home, user.pw_uid, GROUP)
    assert f"{home} belongs to user {user.pw_name}, and" in run("status").stdout.decode()


def test_every_directory_on_the_way_counts(home: Path, tmp_path: Path) -> None:
    inner = home / "a" / "b"
    inner.mkdir(parents=True)
    assert foreign_directory(str(inner / "c" / "d")) == (str(home), USER)
    assert foreign_directory(str(tmp_path / "c" / "d")) is None
    (tmp_path / "to-a-user").symlink_to(home)
    assert foreign_directory(str(tmp_path / "to-a-user" / "c")) == (str(tmp_path / "to-a-user"), USER)
    (tmp_path / "of-a-user").symlink_to(tmp_path)
    os.chown(tmp_path / "of-a-user", USER, GROUP, follow_symlinks=False)
    assert foreign_directory(str(tmp_path / "of-a-user" / "c")) == (str(tmp_path / "of-a-user"), USER)
    assert not make_private(str(tmp_path / "of-a-user" / "c"))


def test_the_root_of_a_user_namespace_has_a_cache(home: Path) -> None:
    os.chown(home, 65534, 65534)  # as rootless podman sees what belongs to the real root
    assert make_private(str(home / "me"))


def test_another_user_may_cache_wherever_that_is_possible(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1)
    assert foreign_directory(str(home / "cache")) is None

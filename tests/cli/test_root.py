"""Root in another user's home, as with ``sudo -E``: files there belong to the user, and root's stay private.

The user owns the directories, so can replace their content at any moment. In these tests the user makes one
change, before one of our calls of the system. (Watching these calls with an audit hook is no option: it stays
until the process exits, and up to Python 3.11 threads that start later under coverage then fail at random.)
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.files import foreign_directory, make_private
from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.conftest import HOST, run
from tests.docker_files import BACKUP, here, tree, write

pytestmark = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="requires root")

USER, GROUP = 1234, 5678
SYSTEM_CALLS = (
    "chmod",
    "chown",
    "fchmod",
    "fchown",
    "listdir",
    "mkdir",
    "open",
    "rename",
    "replace",
    "unlink",
)
"""The functions of os that open, list or change a file."""

CONTENT = b'{"auths": {"ghcr.io": {"auth": "c2VjcmV0"}}}'
SECRET = b'{"auths": {"registry.example": {"auth": "cm9vdA=="}}}'


@pytest.fixture
def home(home: Path) -> Path:
    """Return a home directory that belongs to another user."""
    os.chown(home, USER, GROUP)
    return home


# -- the cache


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("made", ["", ".cache", ".cache/ecr-credhelper"])
def test_root_caches_nothing_in_another_users_home(made: str, home: Path, aws: FakeECR) -> None:
    """Also not below a directory of root, because the user could replace it."""
    if made:
        (home / made).mkdir(parents=True, mode=0o700)
    for _ in range(2):
        assert run("get", stdin=HOST).reply["Username"] == "AWS"
    assert len(aws.calls) == 2
    assert not tree(home)
    assert [str(path.relative_to(home)) for path in home.rglob("*")] == [
        str(path) for path in reversed([Path(made), *Path(made).parents]) if str(path) != "."
    ]


def test_root_caches_in_its_own_directory(
    home: Path, tmp_path: Path, aws: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ECR_CACHE_DIR", str(tmp_path))
    for _ in range(2):
        assert run("get", stdin=HOST).reply["Username"] == "AWS"
    assert len(aws.calls) == 1
    assert not tree(home)


def test_status_and_doctor_report_that_root_does_not_use_the_cache(home: Path) -> None:
    cache = f"{home / '.cache/ecr-credhelper'}"
    reason = f"{cache} is not used: {home} belongs to user {USER}, but this process runs as root"
    hint = "run sudo with -H, or set AWS_ECR_CACHE_DIR to a directory that belongs to root"
    assert f"Cache     {reason}; {hint}\n" in here("status").screen
    output = here("doctor").screen
    assert f" {reason}, so every pull calls AWS\n" in output
    assert f" {hint}\n" in output


def test_the_owner_is_reported_by_name(home: Path) -> None:
    import pwd

    user = next(entry for entry in pwd.getpwall() if entry.pw_uid not in {0, 65534})
    os.chown(home, user.pw_uid, GROUP)
    assert f"{home} belongs to user {user.pw_name}, but" in here("status").screen


def test_the_owner_of_every_parent_directory_counts(home: Path, tmp_path: Path) -> None:
    inner = home / "a" / "b"
    inner.mkdir(parents=True)
    assert foreign_directory(str(inner / "c" / "d")) == (str(home), USER)
    assert foreign_directory(str(tmp_path / "c" / "d")) is None
    (tmp_path / "to-a-user").symlink_to(home)
    assert foreign_directory(str(tmp_path / "to-a-user" / "c")) == (str(tmp_path / "to-a-user"), USER)
    (tmp_path / "of-a-user").symlink_to(tmp_path)
    os.chown(tmp_path / "of-a-user", USER, GROUP, follow_symlinks=False)
    assert foreign_directory(str(tmp_path / "of-a-user" / "c")) == (str(tmp_path / "of-a-user"), USER)
    with pytest.raises(PermissionError, match="inside a directory of another user"):
        make_private(str(tmp_path / "of-a-user" / "c"))


def test_the_root_of_a_user_namespace_has_a_cache(home: Path) -> None:
    os.chown(home, 65534, 65534)  # Rootless podman shows files of the real root like this.
    make_private(str(home / "me"))
    assert (home / "me").is_dir()


def test_users_other_than_root_can_use_any_directory(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1)
    assert foreign_directory(str(home / "cache")) is None


# -- configuration


@pytest.mark.parametrize("content", [CONTENT, None])
def test_files_that_root_writes_belong_to_the_user(content: bytes | None, home: Path) -> None:
    config = home / ".docker" / "config.json"
    if content:
        os.chown(write(config, content), USER, GROUP)
        os.chown(config.parent, USER, GROUP)
    here("configure", HOST, "--yes")
    for path in home.rglob("*"):
        assert (path.stat().st_uid, path.stat().st_gid) == (USER, GROUP)
    assert set(tree(home)) == {".docker/config.json", f".docker/config.json{BACKUP}"}
    here("unconfigure", "--yes")
    assert tree(home) == ({".docker/config.json": content} if content else {})


class OtherUser:
    """Acts once before a given system call, and checks the files before each later one."""

    def __init__(self, acts: Callable[[], object], looks: Callable[[], object], calls_before: int) -> None:
        self.has_acted = False
        self._acts = acts
        self._looks = looks
        self._calls_left = calls_before
        self._is_busy = False

    def watch(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function, preceded by the act or a look at the files."""

        def watched(*args: Any, **options: Any) -> Any:
            if not self._is_busy:  # Calls of the callbacks do not count.
                self._is_busy = True
                self._before_a_call()
                self._is_busy = False
            return function(*args, **options)

        return watched

    def _before_a_call(self) -> None:
        if self._calls_left:
            self._calls_left -= 1
        elif self.has_acted:
            self._looks()
        else:
            self.has_acted = True
            self._acts()


def put(path: Path, other: Path) -> None:
    """Rename a file or directory and put another in its place, as the owner of the parent directory can."""
    if os.path.lexists(path):
        path.rename(path.with_name(f"{path.name}.aside"))
    if other.parent == path.parent:
        other.rename(path)
    elif path.parent.is_dir():
        path.symlink_to(other)


def put_for_new_files(config: Path, roots: Path) -> None:
    """Replace every temporary file."""
    for path in [*config.parent.glob("*")]:
        if path.name not in {config.name, f"{config.name}{BACKUP}"}:
            put(path, roots / config.name)


ATTACKS: dict[str, Callable[[Path, Path], object]] = {
    "directory -> link": lambda config, roots: put(config.parent, roots),
    "directory -> link to an empty one": lambda config, roots: put(config.parent, roots / "empty"),
    "directory -> one of root's": lambda config, _: put(config.parent, config.parent.with_name("of-root")),
    "file -> link": lambda config, roots: put(config, roots / config.name),
    "backup -> link": lambda config, roots: put(config.with_name(config.name + BACKUP), roots / config.name),
    "new files -> links": put_for_new_files,
}


def assert_roots_files_are_private(roots: Path, users: Path) -> None:
    """Check that only root can read root's files, even if they have been moved."""
    for path in [*roots.rglob("*"), *users.rglob("*")]:
        status = path.lstat()
        is_roots = roots in path.parents or (path.is_dir() and (path / "mark-of-root").exists())
        if stat.S_ISREG(status.st_mode) and b"cm9vdA" in path.read_bytes():
            is_roots = True
            assert stat.S_IMODE(status.st_mode) == 0o600, path
        assert status.st_uid == 0 or not is_roots, path


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize("command", [["configure", HOST], ["unconfigure"]], ids=["configure", "unconfigure"])
@pytest.mark.parametrize("content", [CONTENT, None], ids=["a file", "no file"])
def test_root_exposes_nothing_when_the_user_replaces_files_at_any_moment(
    attack: Callable[[Path, Path], object],
    command: list[str],
    content: bytes | None,
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in count():
        roots, users = tmp_path / f"{number}", home / f"{number}"
        config = users / ".docker" / "config.json"
        monkeypatch.setenv("DOCKER_CONFIG", str(config.parent))
        write(roots / config.name, SECRET).chmod(0o600)
        (roots / "empty").mkdir()
        write(users / "of-root" / config.name, SECRET).chmod(0o600)
        (users / "of-root" / "mark-of-root").touch()
        if content:
            write(config, content)
        for path in (users, config.parent, config):
            if path.exists():
                os.chown(path, USER, GROUP)
        if command == ["unconfigure"]:
            here("configure", HOST, "--yes")
        looks = partial(assert_roots_files_are_private, roots, users)
        user = OtherUser(partial(attack, config, roots), looks, number)
        with monkeypatch.context() as patch, suppress(ConfigurationError):
            for name in SYSTEM_CALLS:
                patch.setattr(os, name, user.watch(getattr(os, name)))
            here(*command, "--yes")
        if not user.has_acted:
            assert number > 10, "the attack ran at every system call"
            return
        looks()

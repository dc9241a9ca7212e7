"""A token is cached, then the identity changes. The next get must serve the new identity."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import tarfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_credhelper import get_credentials
from ecr_credhelper.fingerprint import MAX_FILE, fingerprint
from ecr_credhelper.helper import Helper
from tests import systems
from tests.conftest import HOST, OTHER_ACCOUNT, OTHER_REGION, login, run
from tests.fake_sts import FakeSTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ecr_credhelper.testing.fake_ecr import Call, FakeECR

ROLE = "arn:aws:iam::111122223333:role/puller"
LONG_AGO = 1_600_000_000
posix = pytest.mark.skipif(os.name == "nt", reason="symbolic links need a privilege on Windows")


@pytest.fixture
def sts(api: FakeECR) -> Iterator[FakeSTS]:
    with FakeSTS(api.identities) as fake:
        yield fake


@pytest.fixture(autouse=True)
def two_users(api: FakeECR, sts: FakeSTS, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Create users A and B in the fake APIs, and set the endpoints."""
    api.identities |= {"AKIAUSERAAAAAAAAAAAA": "a" * 40, "AKIAUSERBBBBBBBBBBBB": "b" * 40}
    sts.identities |= api.identities
    for name, value in {"AWS_ENDPOINT_URL": api.url, **sts.environment}.items():
        monkeypatch.setenv(name, value)
    (home / ".aws").mkdir()


def keys(user: str, profile: str = "default") -> str:
    """Return a profile of a credentials file. The profiles of both users have the same size."""
    key = f"AKIAUSER{user * 12}"
    return f"[{profile}]\naws_access_key_id = {key}\naws_secret_access_key = {user.lower() * 40}\n"


def write(path: Path, text: str) -> Path:
    """Write a file in place, with a modification time that never changes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


def secret(host: str = HOST) -> str:
    """Return the password that a get returns, in this process."""
    reply = Helper(os.environ, time.time, print).run("get", io.BytesIO(host.encode()))
    assert reply.status == 0, reply.stdout
    return str(json.loads(reply.stdout)["Secret"])


def users(api: FakeECR) -> list[str]:
    """Return the user of the last API call: A or B."""
    return [call.access_key.removeprefix("AKIAUSER")[:1] for call in api.calls]


# Changes of the credentials file. Each one preserves the modification time, the size or the inode.


def edit_in_place(file: Path, text: str) -> None:
    with file.open("r+") as stream:
        stream.write(text)
    os.utime(file, (LONG_AGO, LONG_AGO))


def copy_with_times(file: Path, text: str) -> None:
    shutil.copy2(write(file.with_name("other"), text), file)


def extract(file: Path, text: str) -> None:
    data, archive = text.encode(), io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        entry = tarfile.TarInfo(file.name)
        entry.size, entry.mtime = len(data), LONG_AGO
        tar.addfile(entry, io.BytesIO(data))
    archive.seek(0)
    file.unlink()
    with tarfile.open(fileobj=archive) as tar:
        tar.extraction_filter = lambda member, _: member  # extractall(filter=...) needs Python 3.11.4
        tar.extractall(file.parent)


def switch_a_link(file: Path, text: str) -> None:
    other = write(file.with_name("other"), text)
    file.unlink()
    file.symlink_to(other)


def switch_the_directory(file: Path, text: str) -> None:
    directory = file.parent
    directory.rename(directory.with_name("a"))
    write(directory.with_name("b") / file.name, text)
    directory.symlink_to(directory.with_name("b"))


@posix
@pytest.mark.parametrize(
    "change", [edit_in_place, copy_with_times, extract, switch_a_link, switch_the_directory]
)
def test_another_content_is_another_identity_even_with_equal_file_times(
    change: Callable[[Path, str], None], api: FakeECR, home: Path
) -> None:
    file = write(home / ".aws/credentials", keys("A"))
    first = secret()
    change(file, keys("B"))
    assert file.stat().st_size == len(keys("B"))
    assert secret() != first
    assert users(api) == ["A", "B"]


@posix
@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="needs a second file system")
def test_a_link_to_another_file_system_counts_by_its_content(api: FakeECR, home: Path) -> None:
    file = home / ".aws/credentials"
    write(home / "a", keys("A"))
    file.symlink_to(home / "a")
    first = secret()
    elsewhere = Path("/dev/shm") / f"credentials-{os.getpid()}"
    try:
        write(elsewhere, keys("B"))
        file.unlink()
        file.symlink_to(elsewhere)
        assert secret() != first
    finally:
        elsewhere.unlink()
    assert users(api) == ["A", "B"]


def rewrite(file: Path) -> None:
    text = file.read_text()
    file.unlink()
    file.write_text(text)


def copy_elsewhere(file: Path) -> None:
    os.environ["AWS_SHARED_CREDENTIALS_FILE"] = str(shutil.copy(file, file.with_name("copy")))


@pytest.mark.parametrize("change", [rewrite, copy_elsewhere, os.utime])
def test_the_same_content_is_the_same_identity(
    change: Callable[[Path], None], api: FakeECR, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / ".aws/config"))  # restored at the end, with all others
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / ".aws/credentials"))
    file = write(home / ".aws/credentials", keys("A"))
    first = secret()
    change(file)
    assert secret() == first
    assert users(api) == ["A"]


def test_a_relative_configuration_file_is_that_of_the_working_directory(
    api: FakeECR, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "credentials")
    for user in "AB":
        write(tmp_path / user / "credentials", keys(user))
        monkeypatch.chdir(tmp_path / user)
        secret()
    assert users(api) == ["A", "B"]


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ([{"AWS_PROFILE": "a"}, {"AWS_PROFILE": "b"}], "AB"),
        ([{"AWS_DEFAULT_PROFILE": "a"}, {"AWS_DEFAULT_PROFILE": "b"}], "AB"),
        # botocore's order: AWS_DEFAULT_PROFILE comes first
        ([{"AWS_PROFILE": "a"}, {"AWS_DEFAULT_PROFILE": "b"}], "AB"),
        ([{"AWS_ACCESS_KEY_ID": "A"}, {"AWS_ACCESS_KEY_ID": "B"}], "AB"),
        ([{"AWS_PROFILE": "b"}, {"AWS_PROFILE": "b", "AWS_ACCESS_KEY_ID": "A"}], "BA"),
        ([{"ECR_CREDHELPER_PROFILE_111122223333": "a"}, {"ECR_CREDHELPER_PROFILE_111122223333": "b"}], "AB"),
    ],
    ids=lambda value: value if isinstance(value, str) else "+".join(value[-1]),
)
def test_another_variable_is_another_identity(
    variables: list[dict[str, str]], expected: str, api: FakeECR, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home / ".aws/credentials", keys("A", "a") + keys("B", "b"))
    for environ in variables:
        for name, value in environ.items():
            if name == "AWS_ACCESS_KEY_ID":
                monkeypatch.setenv(name, f"AKIAUSER{value * 12}")
                monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", value.lower() * 40)
            else:
                monkeypatch.setenv(name, value)
        secret()
    assert users(api) == list(expected)


def test_an_edited_rule_counts_at_once_and_other_registries_stay_cached(api: FakeECR, home: Path) -> None:
    write(home / ".aws/credentials", keys("A", "a") + keys("B", "b"))
    file = home / ".config/ecr-credhelper/config.toml"
    for profile in "ab":
        write(
            file, f'[registry.111122223333]\nprofile = "{profile}"\n[registry.444455556666]\nprofile = "a"\n'
        )
        secret()
        secret(OTHER_ACCOUNT)
    assert users(api) == ["A", "B"]


# Roles: the identity that assumed a role is part of the identity.


def assumed_by(sts: FakeSTS) -> list[str]:
    return [call.access_key.removeprefix("AKIAUSER")[:1] for call in sts.calls]


def test_a_role_of_the_settings_is_assumed_by_the_present_identity(
    api: FakeECR, sts: FakeSTS, home: Path
) -> None:
    write(home / ".config/ecr-credhelper/config.toml", f'[registry.111122223333]\nrole_arn = "{ROLE}"\n')
    for user in "AB":
        write(home / ".aws/credentials", keys(user))
        secret()
        secret()
    assert assumed_by(sts) == ["A", "B"]
    assert len(api.calls) == 2
    assert not (home / ".aws/cli").exists()


def test_a_role_of_a_program_is_assumed_by_the_profile_it_names(sts: FakeSTS, home: Path) -> None:
    write(home / ".aws/credentials", keys("A", "a") + keys("B", "b"))
    passwords = {get_credentials(HOST, role_arn=ROLE, profile=profile).password for profile in "abab"}
    assert assumed_by(sts) == ["A", "B"]
    assert len(passwords) == 2


def test_the_sessions_of_two_users_are_two_identities(api: FakeECR) -> None:
    for user in "ABAB":
        session = boto3.Session(f"AKIAUSER{user * 12}", user.lower() * 40)
        get_credentials(HOST, session=session)
    assert users(api) == ["A", "B"]
    assert run("get", stdin=HOST).status == 1  # the executable has no credentials without the session


# docker login: Docker passes the login of get back to store.


def store(password: str, host: str = HOST) -> None:
    reply = Helper(os.environ, time.time, print).run(
        "store", io.BytesIO(login(host, secret=password).encode())
    )
    assert (reply.status, reply.stdout) == (0, b"")


def test_a_token_passed_back_to_store_does_not_pin_an_identity(api: FakeECR, home: Path) -> None:
    write(home / ".aws/credentials", keys("A"))
    first = secret()
    store(first)
    assert secret() == first
    write(home / ".aws/credentials", keys("B"))
    assert secret() != first
    assert users(api) == ["A", "B"]


def test_a_login_of_another_identity_is_stored_and_can_be_passed_back(api: FakeECR, home: Path) -> None:
    write(home / ".aws/credentials", keys("A") + keys("B", "prod"))
    own = secret()
    other = get_credentials(HOST, profile="prod").password
    for _ in range(2):
        store(other)
        assert secret() == other
    assert users(api) == ["A", "B"]
    store(own)  # storing the token of the current identity ends the override
    assert secret() == own
    store("obtained elsewhere")
    assert secret() == "obtained elsewhere"
    assert secret(OTHER_ACCOUNT) == own


def test_a_stored_login_that_is_passed_back_keeps_its_expiry(api: FakeECR) -> None:
    now = float(int(time.time()))

    def ask(verb: str, stdin: str) -> bytes:
        return Helper(os.environ, lambda: now, print).run(verb, io.BytesIO(stdin.encode())).stdout

    assert ask("store", login(secret="opaque")) == b""
    now += 11 * 3600
    assert json.loads(ask("get", HOST))["Secret"] == "opaque"
    assert ask("store", login(secret="opaque")) == b""
    now += 3600
    assert b"no AWS credentials" in ask("get", HOST)
    assert api.calls == []


def test_a_token_of_another_region_is_stored_since_get_does_not_serve_it_here(home: Path) -> None:
    write(home / ".aws/credentials", keys("A"))
    here, elsewhere = secret(), secret(OTHER_REGION)
    store(elsewhere)
    assert secret() == elsewhere != here


def test_a_token_that_could_not_be_saved_is_recognized_when_passed_back(
    api: FakeECR, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(home / ".aws/credentials", keys("A"))
    respond = api.respond

    def touch_and_respond(call: Call) -> bytes:
        edit_in_place(file, keys("A"))
        return respond(call)

    monkeypatch.setattr(api, "respond", touch_and_respond)
    store(secret())
    edit_in_place(file, keys("B"))
    secret()
    assert users(api) == ["A", "B"]


def test_a_token_that_an_older_version_stored_as_a_login_is_not_migrated(api: FakeECR, home: Path) -> None:
    write(home / ".aws/credentials", keys("B"))
    directory = home / ".cache/ecr-credhelper"
    now = time.time()
    for kind, name, key in (
        ("tokens", "1", "a key"),
        ("logins", HOST, HOST),
        ("logins", OTHER_ACCOUNT, OTHER_ACCOUNT),
    ):
        (directory / kind).mkdir(mode=0o700, parents=True, exist_ok=True)
        password = "given" if name == OTHER_ACCOUNT else "a token of A"
        lines = ("ecr-credhelper 1", key, repr(now - 9), repr(now + 3600), "AWS", password, "end", "")
        (directory / kind / name).write_text("\n".join(lines), newline="\n")
    directory.chmod(0o700)
    assert secret(OTHER_ACCOUNT) == "given"
    assert secret() != "a token of A"
    assert users(api) == ["B"]


@posix
@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs a file that cannot be replaced"
)
def test_logins_that_cannot_be_migrated_now_are_migrated_later(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = home / ".cache/ecr-credhelper"
    (directory / "logins").mkdir(mode=0o700, parents=True)
    directory.chmod(0o700)
    now = time.time()
    lines = ("ecr-credhelper 1", HOST, repr(now - 9), repr(now + 3600), "AWS", "given", "end", "")
    (directory / "logins" / HOST).write_text("\n".join(lines))

    def disk_full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("ecr_credhelper.records.write_private", disk_full)
        assert Helper(os.environ, time.time, print).run("get", io.BytesIO(HOST.encode())).status == 1
    assert secret() == "given"


@pytest.mark.parametrize("expiration", [1, -1, True, 0])
def test_an_expired_login_is_rejected(expiration: object) -> None:
    password = base64.b64encode(json.dumps({"expiration": expiration}).encode()).decode()
    reply = Helper(os.environ, time.time, print).run("store", io.BytesIO(login(secret=password).encode()))
    assert (reply.status, reply.stdout) == (
        1,
        f"{HOST}: the login has already expired; log in again\n".encode(),
    )


def test_a_login_without_a_valid_expiry_is_saved_for_twelve_hours() -> None:
    for text in ('{"expiration": NaN}', '{"expiration": 1e99}', "{}"):
        password = base64.b64encode(text.encode()).decode()
        store(password)
        assert secret() == password


def test_the_longest_login_that_is_accepted_is_served() -> None:
    password = "x" * (64 * 1024 - len(login(secret="")))
    store(password)
    assert secret() == password


# The configuration changes while AWS is called.


@pytest.mark.skipif(os.name == "nt", reason="Windows reports no time of the last change")
def test_no_route_is_saved_if_the_settings_change_and_change_back(home: Path, api: FakeECR) -> None:
    write(home / ".aws/credentials", keys("A", "a") + keys("B", "b"))
    file = home / ".config/ecr-credhelper/config.toml"
    rule = '[registry.111122223333]\nprofile = "{}"\n'
    write(file, rule.format("a"))

    class Input(io.BytesIO):
        """A client that sends its request late, between the fingerprint and reading the settings."""

        def read(self, size: int | None = -1) -> bytes:
            edit_in_place(file, rule.format("b"))
            return super().read(size)

    respond = api.respond

    def change_back(call: Call) -> bytes:
        edit_in_place(file, rule.format("a"))
        return respond(call)

    api.respond = change_back  # type: ignore[method-assign] # hands on
    assert Helper(os.environ, time.time, print).run("get", Input(HOST.encode())).status == 0
    api.respond = respond  # type: ignore[method-assign] # as it was
    secret()
    assert users(api) == ["B", "A"]


@posix
def test_no_token_is_saved_if_a_parent_link_changes_and_changes_back(
    home: Path, api: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    for user in "AB":
        write(home / f"real.{user}/aws/credentials", keys(user))
    (home / "current").symlink_to("real.A")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "current/aws/credentials"))

    def switch(user: str) -> None:
        (home / "current").unlink()
        (home / "current").symlink_to(f"real.{user}")

    respond = api.respond

    def switch_and_respond(call: Call) -> bytes:
        switch("B")
        switch("A")
        return respond(call)

    api.respond = switch_and_respond  # type: ignore[method-assign] # hands on
    secret()
    api.respond = respond  # type: ignore[method-assign] # as it was
    secret()
    assert users(api) == ["A", "A"]


@posix
@pytest.mark.parametrize("change", [edit_in_place, switch_a_link, switch_the_directory])
def test_no_token_is_saved_if_the_configuration_changes_and_changes_back(
    change: Callable[[Path, str], None], api: FakeECR, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(home / ".aws/credentials", keys("A"))
    respond = api.respond

    def change_and_respond(call: Call) -> bytes:
        change(file, keys("B"))
        if file.parent.is_symlink():
            file.parent.unlink()
            file.parent.with_name("a").rename(file.parent)
        else:
            change(file, keys("A"))
        return respond(call)

    monkeypatch.setattr(api, "respond", change_and_respond)
    secret()
    monkeypatch.undo()
    monkeypatch.setenv("HOME", str(home))
    for name, value in {"AWS_ENDPOINT_URL": api.url, "AWS_EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(name, value)
    secret()
    assert users(api) == ["A", "A"]


# Files that a fingerprint reads.


def line() -> str:
    return fingerprint(os.environ).identity


@systems.pipes
def test_a_pipe_does_not_block_the_fingerprint(home: Path) -> None:
    os.mkfifo(home / ".aws/config")
    assert "config=not a file" in line()


def test_a_file_that_is_too_large_counts_by_its_times(home: Path) -> None:
    file = write(home / ".aws/config", "#" * MAX_FILE)
    limit = line()
    file.write_text("#" * (MAX_FILE + 1))
    large = line()
    assert large != limit
    assert line() == large
    file.write_text("!" * (MAX_FILE + 1))
    assert line() != large


@given(one=st.binary(max_size=50), two=st.binary(max_size=50))
def test_any_two_contents_have_different_fingerprints(one: bytes, two: bytes, home: Path) -> None:
    lines = []
    for content in (one, two):
        (home / ".aws/config").write_bytes(content)
        lines.append(line())
    assert (lines[0] == lines[1]) == (one == two)


def test_an_interpreter_without_siphash_has_a_checksum_too(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ecr_credhelper.files._hash", None)
    write(home / ".aws/credentials", keys("A"))
    first = secret()
    assert secret() == first
    edit_in_place(home / ".aws/credentials", keys("B"))
    assert secret() != first

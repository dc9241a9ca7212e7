"""Tokens on disk: hits and misses."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_credhelper.cache import Cache, open_cache
from ecr_credhelper.files import checksum
from ecr_credhelper.records import FORMAT, FileStore
from ecr_credhelper.token import Token, is_clean
from tests.conftest import HOST, OTHER_ACCOUNT, PUBLIC

NOW = 1_800_000_000.0
HOUR = 3600
ME, YOU = "profile=me", "profile=you"
CUSTOM = "images.example.com:5000"


def token(password: str = "a-password", left: float = 12 * HOUR) -> Token:
    return Token("AWS", password, fetched_at=NOW, expires_at=NOW + left)


def password(found: Token | None) -> str | None:
    return found.password if found else None


def find(cache: Cache, host: str, identity: str, now: float = NOW) -> Token | None:
    """Find a token as a get does: by the route, then by its key."""
    key = cache.token_key(host, identity)
    return cache.token(key, now) if key else None


def keep(cache: Cache, host: str, identity: str, key: str, token: Token) -> None:
    """Save a token as a fetch does: the token, then the route."""
    cache.save_token(key, token)
    cache.save_route(host, identity, key, NOW)


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_a_token_is_served_to_its_identity_and_host_only(cache: Cache) -> None:
    keep(cache, HOST, ME, "key", token())
    assert password(find(cache, HOST, ME)) == "a-password"
    assert find(cache, HOST, YOU) is None
    assert find(cache, OTHER_ACCOUNT, ME) is None


def test_times_survive(cache: Cache) -> None:
    keep(cache, HOST, ME, "key", token())
    found = find(cache, HOST, ME)
    assert found
    assert (found.fetched_at, found.expires_at) == (NOW, NOW + 12 * HOUR)


def test_two_hosts_share_a_token(cache: Cache) -> None:
    keep(cache, HOST, ME, "key", token())
    keep(cache, OTHER_ACCOUNT, ME, "key", token("a-newer-one"))
    assert password(find(cache, HOST, ME)) == "a-newer-one"
    assert password(cache.token("key", NOW)) == "a-newer-one"


@pytest.mark.parametrize(
    "moment", [NOW + 12 * HOUR, NOW + 13 * HOUR, NOW - HOUR], ids=["end", "late", "early"]
)
def test_a_token_that_is_not_valid_is_a_miss(cache: Cache, moment: float) -> None:
    keep(cache, HOST, ME, "key", token())
    cache.save_login(HOST, token())
    assert find(cache, HOST, ME, moment) is None
    assert cache.login(HOST, moment) is None
    assert cache.hosts(ME, moment) == {}


def test_a_stored_login_is_served_until_it_expires(cache: Cache) -> None:
    cache.save_login(HOST, token("given", left=HOUR))
    assert password(cache.login(HOST, NOW)) == "given"
    assert cache.login(HOST, NOW + HOUR) is None
    assert cache.login(OTHER_ACCOUNT, NOW) is None


def test_forgetting_a_host_forgets_its_login_and_its_tokens_of_every_identity(cache: Cache) -> None:
    keep(cache, HOST, ME, "key", token())
    keep(cache, HOST, YOU, "your key", token())
    keep(cache, OTHER_ACCOUNT, ME, "other key", token())
    cache.save_login(HOST, token())
    cache.forget(HOST)
    assert cache.login(HOST, NOW) is None
    assert find(cache, HOST, ME) is None
    assert find(cache, HOST, YOU) is None
    assert cache.token("key", NOW) is None
    assert find(cache, OTHER_ACCOUNT, ME)
    assert cache.served(ME) == {OTHER_ACCOUNT: "other key"}  # list would fetch a token for a remaining route
    assert cache.served(YOU) == {}


def test_hosts_returns_all_valid_logins_of_an_identity(cache: Cache) -> None:
    keep(cache, HOST, ME, "key", token())
    keep(cache, OTHER_ACCOUNT, ME, "key", token())
    keep(cache, PUBLIC, YOU, "your key", token())
    cache.save_login("custom.example:5000", token())
    assert cache.hosts(ME, NOW) == {HOST: "AWS", OTHER_ACCOUNT: "AWS", "custom.example:5000": "AWS"}


def test_a_missing_directory_is_an_empty_cache(cache: Cache, folder: Path) -> None:
    assert cache.hosts(ME, NOW) == {}
    assert find(cache, HOST, ME) is None
    cache.forget(HOST)
    assert not folder.exists()


@pytest.mark.skipif(os.name == "nt", reason="the test is of modes, and Windows has none")
def test_a_directory_that_others_can_read_is_not_used(cache: Cache, folder: Path) -> None:
    keep(cache, HOST, ME, "key", token())
    folder.chmod(0o755)
    assert cache.login(HOST, NOW) is None
    assert find(cache, HOST, ME) is None
    assert cache.hosts(ME, NOW) == {}
    cache.forget(HOST)
    keep(cache, HOST, ME, "key", token())  # makes it private again
    assert find(cache, HOST, ME)


def test_a_directory_that_cannot_be_created_is_an_empty_cache(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = Cache(FileStore(str(tmp_path / "file" / "cache")))
    keep(cache, HOST, ME, "key", token())
    assert find(cache, HOST, ME) is None


def checked(content: bytes) -> bytes:
    """Return a record's content with the correct checksum."""
    body = content[:-1].rpartition(b"\n")[0]
    return body + b"\n" + checksum(body).encode() + b"\n"


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "half": lambda content: content[: len(content) // 2],
    "no last newline": lambda content: content[:-1],
    "longer": lambda content: content + b"more\n",
    "older format": lambda content: checked(content.replace(b"ecr-credhelper 2", b"ecr-credhelper 1")),
    "another secret": lambda content: content.replace(b"a-password", b"b-password").replace(b"key", b"kex"),
    "windows newlines": lambda content: content.replace(b"\n", b"\r\n"),
    "another key": lambda content: checked(content.replace(b"key", b"yek")),
    "another identity": lambda content: checked(content.replace(b"profile=me", b"profile=you")),
    "a line less": lambda content: checked(content.replace(b"AWS\n", b"").replace(b"1800000000.0\n", b"")),
    "no number": lambda content: checked(content.replace(b"1800000000.0", b"later")),
    "nothing but the format": lambda content: checked(b"ecr-credhelper 2\nold\n"),
    "any bytes": lambda content: b"\xff" * 100,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_or_foreign_entry_is_a_miss(
    cache: Cache, folder: Path, damage: Callable[[bytes], bytes]
) -> None:
    keep(cache, HOST, ME, "key profile=me", token())
    for file in files_of(folder):
        file.write_bytes(damage(file.read_bytes()))
    assert find(cache, HOST, ME) is None
    assert cache.hosts(ME, NOW) == {}


@pytest.mark.parametrize("lines", [(), ("key",), ("key", repr(NOW), "more")], ids=["none", "less", "more"])
def test_a_route_with_another_number_of_lines_is_a_miss(cache: Cache, lines: tuple[str, ...]) -> None:
    keep(cache, HOST, ME, "key", token())
    (name,) = cache.store.names("routes")
    cache.store.write("routes", name, f"{HOST}\t{ME}", *lines)
    assert cache.token_key(HOST, ME) is None
    assert cache.served(ME) == {}


def test_an_entry_under_another_name_is_a_miss(cache: Cache, folder: Path) -> None:
    keep(cache, HOST, ME, "key", token())
    keep(cache, HOST, YOU, "your key", token("yours"))
    tokens = folder / FORMAT / "tokens"
    one, two = sorted(tokens.iterdir())
    content = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(content)
    assert find(cache, HOST, ME) is None
    assert find(cache, HOST, YOU) is None


LINES = [b"", b"nan", b"inf", b"1e999", b"0", b"a\x07b", b"\xff", b"key", b"other", b"ecr-credhelper 1"]


@pytest.mark.parametrize("kind", ["tokens", "routes", "logins"])
@given(
    content=st.sampled_from(LINES) | st.binary(max_size=300), line=st.integers(0, 7), is_signed=st.booleans()
)
def test_any_bytes_in_an_entry_are_a_miss_or_a_clean_login(
    kind: str, cache: Cache, folder: Path, content: bytes, line: int, is_signed: bool
) -> None:
    """One line of one entry is replaced, with a checksum that is right or the one from before."""
    keep(cache, HOST, ME, "key", token())
    cache.save_login(CUSTOM, token())
    (file,) = (folder / FORMAT / kind).iterdir()
    before = file.read_bytes()
    lines = before.split(b"\n")
    lines[line % len(lines)] = content
    after = b"\n".join(lines)
    file.write_bytes(checked(after) if is_signed else after)
    damaged, other = (find(cache, HOST, ME), cache.login(CUSTOM, NOW))[:: -1 if kind == "logins" else 1]
    assert other, "which was not touched"
    if damaged:
        assert file.read_bytes() == before or is_signed
        assert is_clean(damaged.username)
        assert is_clean(damaged.password)
        assert damaged.is_valid(NOW)
    assert set(cache.hosts(ME, NOW)) <= {HOST, CUSTOM}
    assert all(map(is_clean, cache.hosts(ME, NOW).values()))
    cache.forget(HOST)


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_two_identities_have_separate_tokens(cache: Cache, one: str, two: str) -> None:
    first, second = (f"id={text!a}" for text in (one, two))
    keep(cache, HOST, first, first, token("first"))
    keep(cache, HOST, second, second, token("second"))
    assert password(find(cache, HOST, second)) == "second"
    assert password(find(cache, HOST, first)) == ("second" if first == second else "first")


def test_without_a_home_there_is_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    assert not open_cache({}).store.directory


def test_a_disabled_cache_saves_nothing() -> None:
    cache = open_cache({"AWS_ECR_DISABLE_CACHE": "1"})
    keep(cache, HOST, ME, "key", token())
    with pytest.raises(OSError, match="no cache directory"):
        cache.save_login(HOST, token())
    cache.forget(HOST)
    assert cache.login(HOST, NOW) is None
    assert find(cache, HOST, ME) is None
    assert cache.token("key", NOW) is None
    assert cache.hosts(ME, NOW) == {}
    assert not cache.try_claim_refresh("key", token(), 0)


def test_only_one_process_claims_a_refresh_attempt(cache: Cache) -> None:
    one = token()
    assert [cache.try_claim_refresh("key", one, 0) for _ in range(3)] == [True, False, False]
    assert cache.try_claim_refresh("key", one, 1)
    assert cache.try_claim_refresh("another key", one, 0)
    assert cache.try_claim_refresh("key", token(left=13 * HOUR), 0)


def test_a_failure_is_remembered_for_a_minute(cache: Cache) -> None:
    cache.record_failure("key", NOW)
    assert cache.failed_recently("key", NOW + 59)
    assert not cache.failed_recently("another", NOW)
    assert not cache.failed_recently("key", NOW - 1)
    assert not cache.failed_recently("key", NOW + 60)


@pytest.mark.parametrize("forgotten", ["images.x", "images.x:5000", "images.xy", "mages.x"])
def test_forgetting_a_host_forgets_no_other_whose_name_is_like_it(cache: Cache, forgotten: str) -> None:
    hosts = ["images.x", "images.x:5000", "images.xy", "mages.x"]
    for host in hosts:
        keep(cache, host, ME, f"key of {host}", token())
        cache.save_login(host, token())
    cache.forget(forgotten)
    others = [host for host in hosts if host != forgotten]
    assert [host for host in hosts if find(cache, host, ME)] == others
    assert [host for host in hosts if cache.login(host, NOW)] == others
    assert sorted(cache.hosts(ME, NOW)) == sorted(others)


@pytest.mark.parametrize(
    ("username", "secret"), [("A\x07S", "p"), ("", "p"), ("AWS", "p\x1b[2J"), ("AWS", "")]
)
def test_an_entry_that_no_login_can_hold_is_a_miss(cache: Cache, username: str, secret: str) -> None:
    unclean = Token(username, secret, fetched_at=NOW, expires_at=NOW + HOUR)
    keep(cache, HOST, ME, "key", unclean)
    cache.save_login(HOST, unclean)
    assert cache.token_key(HOST, ME) == "key"
    assert find(cache, HOST, ME) is None
    assert cache.login(HOST, NOW) is None
    assert cache.hosts(ME, NOW) == {}


def test_a_deleted_token_or_login_is_gone_and_no_other(cache: Cache) -> None:
    for key in ("key", "other key"):
        cache.save_token(key, token(key))
    for host in (HOST, OTHER_ACCOUNT):
        cache.save_login(host, token(host))
    cache.delete_token("key")
    cache.delete_login(HOST)
    assert (cache.token("key", NOW), password(cache.token("other key", NOW))) == (None, "other key")
    assert (cache.login(HOST, NOW), password(cache.login(OTHER_ACCOUNT, NOW))) == (None, OTHER_ACCOUNT)


def test_a_failure_ends_after_a_minute_also_where_nothing_was_evicted(cache: Cache) -> None:
    cache.record_failure("key", NOW)
    assert cache.failed_recently("key", NOW + 59)
    assert not cache.failed_recently("key", NOW + 60)


def test_an_unsaved_token_is_recognized_for_a_minute_by_its_password_alone(cache: Cache) -> None:
    cache.record_unsaved(token("handed out"), NOW)
    assert cache.is_unsaved("handed out", NOW + 59)
    assert not cache.is_unsaved("handed out", NOW + 60)
    assert not cache.is_unsaved("another", NOW)


def test_the_password_of_an_unsaved_token_is_not_written(cache: Cache, folder: Path) -> None:
    cache.record_unsaved(token("handed out"), NOW)
    (file,) = files_of(folder)
    assert b"handed out" not in file.read_bytes()


def test_file_names_are_valid_on_windows_for_any_host_and_key(cache: Cache, folder: Path) -> None:
    text = "a/b\\c:d*\t" * 100  # identities and keys contain paths, and are longer than a file name can be
    keep(cache, CUSTOM, text, text, token())
    cache.save_login(CUSTOM, token())
    cache.record_failure(text, NOW)
    assert cache.try_claim_refresh(text, token(), 0)
    kinds = {file.parent.name for file in files_of(folder)}
    assert kinds == {"tokens", "routes", "logins", "failures", "claims"}
    assert not [file.name for file in files_of(folder) if set(file.name) & set('<>:"/\\|?*')]

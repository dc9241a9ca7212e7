"""Tokens on disk, for the next process.

    DIRECTORY/2/tokens/KEY        a token: the secret and its times
    DIRECTORY/2/routes/HOST~KEY   the token that serves a host for an identity
    DIRECTORY/2/logins/HOST       a login that the user stored with ``docker login``
    DIRECTORY/2/failures/KEY      a recent failure: its time, and its error if processes share it
    DIRECTORY/2/claims/KEY~…      a process has started this attempt to refresh a token

Cache errors never fail a request: unreadable entries count as misses, and write errors are ignored, except
for stored logins. The cache does not depend on AWS: a fingerprint is a line of text.
"""

import os

from ecr_credhelper.files import checksum, digest
from ecr_credhelper.paths import cache_directory
from ecr_credhelper.records import FileStore
from ecr_credhelper.token import Token, is_clean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROUTE_LINES = 3
"""Number of lines of a route: its owner (``host TAB fingerprint``), its token's key, the time of writing."""

FAILURE_SECONDS = 60
"""Seconds for which a failure is remembered, so that each caller does not wait for the same failure."""


def open_cache(environ: "Mapping[str, str]") -> "Cache":
    """Return the user's cache, or one that stores nothing if it is disabled or has no directory."""
    directory = None if environ.get("AWS_ECR_DISABLE_CACHE") else cache_directory(environ)
    if directory is None:
        return Cache(FileStore())
    store = FileStore(directory)
    if not os.path.lexists(store.path("logins")) and os.path.lexists(os.path.join(directory, "logins")):
        from ecr_credhelper.fetch.migration import carry_over_logins

        carry_over_logins(store)
    return Cache(store)


class Cache:
    """Tokens, the routes that lead to them, and stored logins."""

    def __init__(self, store: FileStore) -> None:
        self.store = store

    def login(self, host: str, now: float) -> Token | None:
        """Return the valid login that the user stored for ``host``."""
        return self._valid_token("logins", _host_name(host), host, now)

    def token_key(self, host: str, fingerprint: str) -> str | None:
        """Return the key of the token that serves ``host`` for ``fingerprint``."""
        lines = self.store.read("routes", _route_name(host, fingerprint), f"{host}\t{fingerprint}")
        return lines[0] if lines and len(lines) == ROUTE_LINES - 1 else None

    def token(self, key: str, now: float) -> Token | None:
        """Return the valid token with this key."""
        return self._valid_token("tokens", _key_name(key), key, now)

    def save_token(self, key: str, token: Token) -> None:
        """Save a token under its key."""
        self.store.try_write("tokens", _key_name(key), key, *_lines(token))

    def delete_token(self, key: str) -> None:
        """Delete the token with this key."""
        self.store.discard("tokens", _key_name(key))

    def save_route(self, host: str, fingerprint: str, key: str, now: float) -> None:
        """Record that the token with this key serves ``host`` for ``fingerprint``. Save the token first."""
        owner = f"{host}\t{fingerprint}"
        self.store.try_write("routes", _route_name(host, fingerprint), owner, key, repr(now))

    def save_login(self, host: str, login: Token) -> None:
        """Save a login that the user stored for ``host``; raise OSError if that fails."""
        self.store.write("logins", _host_name(host), host, *_lines(login))

    def delete_login(self, host: str) -> None:
        """Delete the login that the user stored for ``host``."""
        self.store.discard("logins", _host_name(host))

    def record_failure(self, key: str, now: float) -> None:
        """Record that a token could not be fetched."""
        self.store.try_write("failures", _key_name(key), key, repr(now))

    def failed_recently(self, key: str, now: float) -> bool:
        """Return whether a failure was recorded in the last minute."""
        return self.store.is_recent("failures", _key_name(key), key, now, seconds=FAILURE_SECONDS)

    def record_unsaved(self, token: Token, now: float) -> None:
        """Record that a token is served but not saved, so that ``store`` recognizes it."""
        self.record_failure(_unsaved_key(token.password), now)

    def is_unsaved(self, password: str, now: float) -> bool:
        """Return whether a token with this password was served but not saved in the last minute."""
        return self.failed_recently(_unsaved_key(password), now)

    def try_claim_refresh(self, key: str, token: Token, attempt: int) -> bool:
        """Return whether this process is the first to claim this attempt to refresh a token.

        Only one of several processes can create the attempt's file.
        """
        return self.store.create("claims", f"{_key_name(key)}~{token.expires_at:.0f}~{attempt}")

    def forget(self, host: str) -> None:
        """Delete the login of ``host``, and its routes and tokens for every identity."""
        self.delete_login(host)
        for name, _, _, key in self.routes():
            if name.startswith(f"{_host_name(host)}~"):
                self.delete_token(key)
                self.store.discard("routes", name)

    def hosts(self, fingerprint: str, now: float) -> dict[str, str]:
        """Return host -> user name of all valid logins, and of all valid tokens for ``fingerprint``."""
        found: dict[str, str] = {}
        tokens: dict[str, Token | None] = {}
        for host, key in self.served(fingerprint).items():
            if key not in tokens:  # a thousand registries can share one token
                tokens[key] = self.token(key, now)
            if token := tokens[key]:
                found[host] = token.username
        return {**found, **{host: login.username for host, login in self.logins(now).items()}}

    def served(self, fingerprint: str) -> dict[str, str]:
        """Return host -> token key of every route of ``fingerprint``, even if the token has expired."""
        return {host: key for _, host, owner, key in self.routes(fingerprint) if owner == fingerprint}

    def routed_hosts(self) -> set[str]:
        """Return the hosts of all routes, from the names of their files."""
        return {_host_of(name.partition("~")[0]) for name in self.store.names("routes")}

    def logins(self, now: float) -> dict[str, Token]:
        """Return host -> login of all valid logins that the user stored."""
        hosts = map(_host_of, self.store.names("logins"))
        return {host: login for host in hosts if (login := self.login(host, now))}

    def routes(self, fingerprint: str | None = None) -> "Iterator[tuple[str, str, str, str]]":
        """Yield file name, host, fingerprint and token key of every readable route.

        With ``fingerprint``, read only the routes whose file names belong to it.
        """
        suffix = "" if fingerprint is None else _route_name("", fingerprint)
        for name, lines in self.store.read_all("routes", suffix):
            if len(lines) == ROUTE_LINES:
                host, _, owner = lines[0].partition("\t")
                yield name, host, owner, lines[1]

    def _valid_token(self, kind: str, name: str, key: str, now: float) -> Token | None:
        lines = self.store.read(kind, name, key)
        if not lines:
            return None
        try:
            fetched_at, expires_at, username, password = lines
            token = Token(username, password, fetched_at=float(fetched_at), expires_at=float(expires_at))
        except ValueError:
            return None
        return token if token.is_valid(now) and is_clean(username) and is_clean(password) else None


def _lines(token: Token) -> tuple[str, ...]:
    return repr(token.fetched_at), repr(token.expires_at), token.username, token.password


def _key_name(key: str) -> str:
    """Return a file name for any key."""
    return digest(key.encode("utf-8", "surrogateescape"))


def _unsaved_key(password: str) -> str:
    return f"unsaved {checksum(password.encode())}"


def _host_name(host: str) -> str:
    """Return a file name for a host with an optional port: Windows allows no colons in file names."""
    return host.replace(":", "+")


def _host_of(name: str) -> str:
    """Return the host whose file name is ``_host_name(host)``."""
    return name.replace("+", ":")


def _route_name(host: str, fingerprint: str) -> str:
    return f"{_host_name(host)}~{_key_name(fingerprint)}"

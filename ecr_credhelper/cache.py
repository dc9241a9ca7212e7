"""Tokens on disk, for the next process.

    FOLDER/tokens/KEY        a token: the secret and its times
    FOLDER/routes/HOST~KEY   which token serves a host for an identity
    FOLDER/logins/HOST       a login that a person gave with ``docker login``
    FOLDER/failures/KEY      when AWS failed for a token, or an identity was found to have no credentials
    FOLDER/claims/KEY~…      somebody has taken on one attempt to replace a token

A cache costs speed at worst, never an answer: what cannot be read is a miss, what cannot be written is
not kept. It knows nothing of AWS; an identity is a line of text, made by ``fingerprint``.
"""

import os

from ecr_credhelper.files import checksum, number
from ecr_credhelper.paths import cache_directory
from ecr_credhelper.records import FileStore, is_recent
from ecr_credhelper.token import Token, is_clean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROUTE_LINES = 3
"""A route is its owner (``host TAB identity``), the key of its token, and when it was written."""

ROUTE_SECONDS = 7 * 24 * 3600
"""Seconds for which a route is kept, also after its token: ``list`` offers the hosts of the last week."""

FAILURE_SECONDS = 60
"""Seconds for which a failure is remembered, where asking again would keep every caller waiting."""


def open_cache(environ: "Mapping[str, str]") -> "Cache":
    """Return the user's cache, or one that keeps nothing if it is disabled or has no place."""
    directory = None if environ.get("AWS_ECR_DISABLE_CACHE") else cache_directory(environ)
    if directory is None:
        return Cache(FileStore())
    store = FileStore(directory)
    if not os.path.lexists(store.path("logins")) and os.path.lexists(os.path.join(directory, "logins")):
        from ecr_credhelper.fetch.migration import carry_over_logins

        carry_over_logins(store)
    return Cache(store)


class Cache:
    """Tokens, the routes that lead to them, and given logins."""

    def __init__(self, store: FileStore) -> None:
        self.store = store

    def login(self, host: str, now: float) -> Token | None:
        """Return the valid login that a person gave for ``host``."""
        return self._valid_token("logins", _file_name(host), host, now)

    def route(self, host: str, identity: str) -> str | None:
        """Return the key of the token that serves ``host`` for ``identity``."""
        lines = self.store.read("routes", _route_name(host, identity), f"{host}\t{identity}")
        return lines[0] if lines and len(lines) == ROUTE_LINES - 1 else None

    def token(self, key: str, now: float) -> Token | None:
        """Return the valid token with this key."""
        return self._valid_token("tokens", _number(key), key, now)

    def save_token(self, key: str, token: Token) -> None:
        """Keep a token under its key."""
        self._write_token("tokens", _number(key), key, token)

    def delete_token(self, key: str) -> None:
        """Forget the token with this key, whichever hosts it serves."""
        self.store.discard("tokens", _number(key))

    def save_route(self, host: str, identity: str, key: str, now: float) -> None:
        """Save that the token with this key, which is saved already, serves ``host`` for ``identity``."""
        owner = f"{host}\t{identity}"
        self.store.write("routes", _route_name(host, identity), owner, key, repr(now))

    def save_login(self, host: str, login: Token) -> None:
        """Save a login that the user stored for ``host``; raise OSError if that is not possible."""
        self.store.save("logins", _file_name(host), host, *_lines(login))

    def delete_login(self, host: str) -> None:
        """Delete the login that the user stored for ``host``."""
        self.store.discard("logins", _file_name(host))

    def record_failure(self, key: str, now: float) -> None:
        """Keep that a token could not be had, or that an identity has no AWS credentials."""
        self.store.write("failures", _number(key), key, repr(now))

    def failed_recently(self, key: str, now: float) -> bool:
        """Return whether that was so in the last minute."""
        return self.store.is_recent("failures", _number(key), key, now, seconds=FAILURE_SECONDS)

    def record_unsaved(self, token: Token, now: float) -> None:
        """Record that a token is served but not saved: Docker can hand it back for ``store``."""
        self.store.write("failures", *_unsaved(token.password), repr(now))

    def is_unsaved(self, password: str, now: float) -> bool:
        """Return whether this is the password of such a token, served in the last minute."""
        return self.store.is_recent("failures", *_unsaved(password), now, seconds=FAILURE_SECONDS)

    def try_claim_refresh(self, key: str, token: Token, attempt: int) -> bool:
        """Tell whether this process is the one that makes this attempt to replace a token.

        However many ask at once, the file of an attempt can be made only once.
        """
        return self.store.create("claims", f"{_number(key)}~{token.expires_at:.0f}~{attempt}")

    def forget(self, host: str) -> None:
        """Forget the login of ``host``, its routes of every identity, and the tokens they lead to."""
        self.store.discard("logins", _file_name(host))
        for name, _, _, key in self.routes():
            if name.startswith(f"{_file_name(host)}~"):
                self.delete_token(key)
                self.store.discard("routes", name)

    def hosts(self, identity: str, now: float) -> dict[str, str]:
        """Return host -> user name of all that a valid login or token can serve ``identity`` now."""
        found: dict[str, str] = {}
        tokens: dict[str, Token | None] = {}
        for host, key in self.served(identity).items():
            if key not in tokens:  # a thousand registries can share one
                tokens[key] = self.token(key, now)
            if token := tokens[key]:
                found[host] = token.username
        return {**found, **{host: login.username for host, login in self.logins(now).items()}}

    def served(self, identity: str) -> dict[str, str]:
        """Return host -> token key of every route of ``identity``, also if its token has expired."""
        return {host: key for _, host, owner, key in self.routes() if owner == identity}

    def logins(self, now: float) -> dict[str, Token]:
        """Return host -> login of all valid ones that the person gave."""
        hosts = [name.replace("+", ":") for name in self.store.names("logins")]
        return {host: login for host in hosts if (login := self.login(host, now))}

    def routes(self) -> "Iterator[tuple[str, str, str, str]]":
        """Yield file name, host, identity and token key of every route that can be read."""
        for name in self.store.names("routes"):
            lines = self.store.read("routes", name)
            if lines and len(lines) == ROUTE_LINES:
                host, _, identity = lines[0].partition("\t")
                yield name, host, identity, lines[1]

    def evict(self, now: float) -> None:
        """Remove what can never be served again: what has expired, and routes that lead nowhere."""
        for kind in ("tokens", "logins", "routes", "failures", "claims"):
            for name in self.store.names(kind):
                if not self._may_serve(kind, name, now):
                    self.store.discard(kind, name)

    def _may_serve(self, kind: str, name: str, now: float) -> bool:
        if kind == "claims":
            expires_at = "".join(name.split("~")[1:2])
            return expires_at.isdigit() and int(expires_at) > now
        key, *rest = self.store.read(kind, name) or [""]
        if kind == "routes":
            return len(rest) == ROUTE_LINES - 1 and is_recent(rest[1], now, ROUTE_SECONDS)
        if kind == "failures":
            return self.failed_recently(key, now)
        return self._valid_token(kind, name, key, now) is not None

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

    def _write_token(self, kind: str, name: str, key: str, token: Token) -> None:
        self.store.write(kind, name, key, *_lines(token))


def _lines(token: Token) -> tuple[str, ...]:
    return repr(token.fetched_at), repr(token.expires_at), token.username, token.password


def _number(key: str) -> str:
    """Return a file name for any key."""
    return number(key.encode("utf-8", "surrogateescape"))


def _unsaved(password: str) -> tuple[str, str]:
    """Return the file name and the key under which it is recorded that a token is not saved."""
    key = f"unsaved {checksum(password.encode())}"
    return _number(key), key


def _file_name(host: str) -> str:
    """Return a file name for a host, which may have a port: Windows has no colons in names."""
    return host.replace(":", "+")


def _route_name(host: str, identity: str) -> str:
    return f"{_file_name(host)}~{_number(identity)}"

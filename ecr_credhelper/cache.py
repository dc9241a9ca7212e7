"""Tokens on disk, for the next process.

    FOLDER/tokens/KEY        a token: the secret and its times
    FOLDER/routes/HOST~KEY   which token serves a host for an identity
    FOLDER/logins/HOST       a login that a person gave with ``docker login``

The rules:

- The folder is the person's alone (0700, own, no symbolic link), else it is not used; files are 0600
  from their creation and replaced atomically. Readers never lock.
- A file's name is a number made of its key; the whole key stands in the file and is compared, so
  that neither two keys of one number nor a file in the wrong place can serve a wrong token.
- Whatever cannot be read, is damaged or belongs to somebody else is a miss. Nothing here raises: a
  cache costs speed at worst, never an answer.
- It knows nothing of AWS: an identity is a line of text, made by ``fingerprint``.
"""

import os
import sys

from ecr_credhelper.files import is_private, make_private, read_private, remove, write_private
from ecr_credhelper.token import Token, is_clean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

APP = "ecr-credhelper"
MAGIC = "ecr-credhelper 1"
"""The first line of every file; the number changes with the format, and older files are misses."""

END = "end"
"""The last line of every file: one that was cut short lacks it."""

NAME_MODULUS = 2**128 - 159
"""A prime: file names are keys modulo this, which needs no module that the interpreter has not loaded."""


def open_cache(environ: "Mapping[str, str]") -> "Cache | NoCache":
    """Return the person's cache, or one that keeps nothing where that is wanted or nothing is safe."""
    if environ.get("AWS_ECR_DISABLE_CACHE"):
        return NoCache()
    folder = default_folder(environ)
    return Cache(folder) if folder else NoCache()


def default_folder(environ: "Mapping[str, str]", platform: str = sys.platform) -> str | None:
    """Return the cache folder's absolute path, or None when the machine has no place for one.

    ``AWS_ECR_CACHE_DIR`` (as with Amazon's helper) wins; then each system's own place for caches.
    Ours is a folder inside, so that another program's files there are left alone.
    """
    if given := environ.get("AWS_ECR_CACHE_DIR"):
        base = os.path.abspath(os.path.expanduser(given))
    elif platform == "win32":
        base = environ.get("LOCALAPPDATA", "")
    elif platform == "darwin":
        base = os.path.expanduser("~/Library/Caches")
    else:
        base = environ.get("XDG_CACHE_HOME", "")
        if not os.path.isabs(base):  # https://specifications.freedesktop.org/basedir-spec: ignore those
            base = os.path.expanduser("~/.cache")
    return os.path.join(base, APP) if os.path.isabs(base) else None


class NoCache:
    """A cache that keeps nothing."""

    folder = None

    def login(self, host: str, now: float) -> Token | None:  # noqa: ARG002 - see Cache
        """Find nothing."""
        return None

    def find(self, host: str, identity: str, now: float) -> Token | None:  # noqa: ARG002 - see Cache
        """Find nothing."""
        return None

    def token(self, key: str, now: float) -> Token | None:  # noqa: ARG002 - see Cache
        """Find nothing."""
        return None

    def keep(self, host: str, identity: str, key: str, token: Token) -> None:
        """Keep nothing."""

    def keep_login(self, host: str, login: Token) -> None:
        """Keep nothing."""

    def forget(self, host: str) -> None:
        """Forget nothing."""

    def hosts(self, identity: str, now: float) -> dict[str, str]:  # noqa: ARG002 - see Cache
        """List nothing."""
        return {}


class Cache:
    """The cache in one folder, which need not exist yet."""

    def __init__(self, folder: str) -> None:
        """Take the folder's absolute path; nothing is read or made before it is needed."""
        self.folder = folder

    def login(self, host: str, now: float) -> Token | None:
        """Return the valid login that a person gave for ``host``."""
        if not is_private(self.folder):
            return None
        login = self._read_token("logins", _file_name(host), host)
        return login if login and login.is_valid(now) else None

    def find(self, host: str, identity: str, now: float) -> Token | None:
        """Return the valid token that serves ``host`` for ``identity``."""
        if not is_private(self.folder):
            return None
        lines = self._read("routes", _route_name(host, identity), f"{host}\t{identity}")
        return self.token(lines[0], now) if lines and len(lines) == 1 else None

    def token(self, key: str, now: float) -> Token | None:
        """Return the valid token with this key."""
        token = self._read_token("tokens", _number(key), key)
        return token if token and token.is_valid(now) else None

    def keep(self, host: str, identity: str, key: str, token: Token) -> None:
        """Keep a token under its key, and that it serves ``host`` for ``identity``."""
        self._write_token("tokens", _number(key), key, token)
        self._write("routes", _route_name(host, identity), f"{host}\t{identity}", key)

    def keep_login(self, host: str, login: Token) -> None:
        """Keep a login that the person gave for ``host``."""
        self._write_token("logins", _file_name(host), host, login)

    def forget(self, host: str) -> None:
        """Forget the login of ``host``, its routes of every identity, and the tokens they lead to."""
        if not is_private(self.folder):
            return
        self._remove("logins", _file_name(host))
        for name, _, key in self._routes():
            if name.startswith(f"{_file_name(host)}~"):
                self._remove("tokens", _number(key))
                self._remove("routes", name)

    def hosts(self, identity: str, now: float) -> dict[str, str]:
        """Return host -> user name of all that a valid login or token can serve ``identity`` now."""
        if not is_private(self.folder):
            return {}
        found: dict[str, str] = {}
        tokens: dict[str, Token | None] = {}
        for _, owner, key in self._routes():
            host, _, route_identity = owner.partition("\t")
            if route_identity == identity:
                if key not in tokens:  # a thousand registries may share one
                    tokens[key] = self.token(key, now)
                if token := tokens[key]:
                    found[host] = token.username
        for name in self._names("logins"):
            host = name.replace("+", ":")
            if login := self.login(host, now):
                found[host] = login.username
        return found

    def _routes(self) -> "Iterator[tuple[str, str, str]]":
        """Yield file name, ``host TAB identity`` and token key of every route that can be read."""
        for name in self._names("routes"):
            lines = self._read("routes", name)
            if lines and len(lines) == 2:  # noqa: PLR2004 - what keep() writes
                yield name, lines[0], lines[1]

    def _read_token(self, kind: str, name: str, key: str) -> Token | None:
        lines = self._read(kind, name, key)
        if not lines:
            return None
        try:
            fetched_at, expires_at, username, password = lines
            token = Token(username, password, fetched_at=float(fetched_at), expires_at=float(expires_at))
        except ValueError:
            return None
        return token if is_clean(username) and is_clean(password) else None

    def _write_token(self, kind: str, name: str, key: str, token: Token) -> None:
        times = (repr(token.fetched_at), repr(token.expires_at))
        self._write(kind, name, key, *times, token.username, token.password)

    def _read(self, kind: str, name: str, key: str | None = None) -> list[str] | None:
        """Return the lines of a file of ours after its key (with it, if no key is asked for), or None."""
        content = read_private(os.path.join(self.folder, kind, name))
        try:
            magic, *lines, end, nothing = (content or b"").decode("utf-8", "surrogateescape").split("\n")
        except ValueError:
            return None
        if magic != MAGIC or end != END or nothing or not lines:
            return None
        if key is None:
            return lines
        return lines[1:] if lines[0] == key else None

    def _write(self, kind: str, name: str, *lines: str) -> None:
        content = "\n".join((MAGIC, *lines, END, "")).encode("utf-8", "surrogateescape")
        folder = os.path.join(self.folder, kind)
        if make_private(self.folder) and make_private(folder):
            write_private(os.path.join(folder, name), content)

    def _names(self, kind: str) -> list[str]:
        try:
            names = os.listdir(os.path.join(self.folder, kind))
        except OSError:
            return []
        return sorted(name for name in names if not name.startswith("."))  # those are being written

    def _remove(self, kind: str, name: str) -> None:
        remove(os.path.join(self.folder, kind, name))


def _number(key: str) -> str:
    """Return a file name for any key: its bytes as a number, modulo a prime."""
    return f"{int.from_bytes(key.encode('utf-8', 'surrogateescape')) % NAME_MODULUS:032x}"


def _file_name(host: str) -> str:
    """Return a file name for a host, which may have a port: Windows has no colons in names."""
    return host.replace(":", "+")


def _route_name(host: str, identity: str) -> str:
    return f"{_file_name(host)}~{_number(identity)}"

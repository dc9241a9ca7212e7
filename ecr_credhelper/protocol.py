"""Docker's credential helper protocol: what arrives on stdin, and the bytes that answer it.

https://github.com/docker/docker-credential-helpers/tree/master/credentials is the reference. JSON is
written here by hand because the warm path imports nothing; what a client sends is read with ``json``.
"""

from ecr_credhelper.errors import NOT_FOUND_TEXT, CredentialHelperError, ProtocolError
from ecr_credhelper.token import is_clean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import BinaryIO

MAX_REQUEST = 64 * 1024
"""Bytes of a request: the longest login is about 4 KiB. The rest is read and dropped."""

NO_SERVER_TEXT = "no credentials server URL"
NO_USERNAME_TEXT = "no credentials username"

_ESCAPES = {'"': '\\"', "\\": "\\\\"}


class Reply:
    """What the client gets: bytes for the two streams, and the exit status."""

    __slots__ = ("status", "stderr", "stdout")

    def __init__(self, stdout: bytes = b"", stderr: bytes = b"", status: int = 0) -> None:
        """Keep the three; without arguments it is the silent success of ``store`` and ``erase``."""
        self.stdout = stdout
        self.stderr = stderr
        self.status = status

    @classmethod
    def credentials(cls, server: str, username: str, password: str) -> "Reply":
        """Return the answer to ``get``; ``server`` is echoed as it was asked for."""
        fields = (("ServerURL", server), ("Username", username), ("Secret", password))
        return cls(_json_object(fields))

    @classmethod
    def listing(cls, hosts: "Mapping[str, str]") -> "Reply":
        """Return the answer to ``list``: host -> user name."""
        return cls(_json_object(hosts.items()))

    @classmethod
    def not_found(cls) -> "Reply":
        """Return the constant text for a server that this helper has no login for; stderr is empty."""
        return cls(f"{NOT_FOUND_TEXT}\n".encode(), status=1)

    @classmethod
    def failure(cls, error: CredentialHelperError) -> "Reply":
        """Return an error for both streams: some clients show a person the one, some the other.

        One of the protocol is for the client alone, which compares some of these texts.
        """
        line = f"{error}\n".encode("utf-8", "replace")
        return cls(line, b"" if isinstance(error, ProtocolError) else line, status=1)


def server_in(request: bytes) -> str:
    """Return the server string of ``get`` and ``erase``; ProtocolError if there is none."""
    server = request.decode("utf-8", "replace").strip()
    if not server:
        raise ProtocolError("", NO_SERVER_TEXT)
    return server


def login_in(request: bytes) -> tuple[str, str, str]:
    """Return server, user name and password of ``store``; ProtocolError if that is not what came."""
    import json

    try:
        login = json.loads(request)
    except (ValueError, RecursionError):
        login = None
    if not isinstance(login, dict):
        raise ProtocolError("store", "standard input is not a JSON object")
    server, username, password = (login.get(name, "") for name in ("ServerURL", "Username", "Secret"))
    if not isinstance(server, str) or not server.strip():
        raise ProtocolError("", NO_SERVER_TEXT)
    if not isinstance(username, str) or not username:
        raise ProtocolError("", NO_USERNAME_TEXT)
    for name, text in (("Username", username), ("Secret", password)):
        if not isinstance(text, str) or not is_clean(text):
            raise ProtocolError("store", f"{name} is empty or holds a control character")
    return server.strip(), username, password


def read_request(stdin: "BinaryIO") -> bytes:
    """Read all of stdin and return it; ProtocolError when it is more than a request can be.

    All is read, since a client that is still writing gets a broken pipe if the helper ends early.
    """
    request = stdin.read(MAX_REQUEST + 1)
    if len(request) > MAX_REQUEST:
        while stdin.read(MAX_REQUEST):
            pass
        raise ProtocolError("", f"the request is longer than {MAX_REQUEST} bytes")
    return request


def _json_object(fields: "Iterable[tuple[str, str]]") -> bytes:
    pairs = ",".join(f"{_json_string(name)}:{_json_string(value)}" for name, value in fields)
    return f"{{{pairs}}}\n".encode()


def _json_string(text: str) -> str:
    """Return a JSON string in which all that is not printable is escaped."""
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return f'"{"".join(_ESCAPES.get(c) or (c if c.isprintable() else _json_escape(c)) for c in text)}"'


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))

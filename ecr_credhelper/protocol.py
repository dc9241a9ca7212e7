"""Docker's credential helper protocol: requests on stdin, replies as bytes.

The reference is https://github.com/docker/docker-credential-helpers/tree/master/credentials. Replies are
formatted without ``json``, which would slow down a cached get.
"""

from ecr_credhelper.errors import NOT_FOUND_TEXT, CredentialHelperError, ProtocolError
from ecr_credhelper.token import is_clean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import BinaryIO

MAX_REQUEST = 64 * 1024
"""Maximum size of a request, in bytes: the longest login is about 4 KiB."""

NO_SERVER_TEXT = "no credentials server URL"
NO_USERNAME_TEXT = "no credentials username"

_ESCAPES = {'"': '\\"', "\\": "\\\\"}


class Reply:
    """Bytes for standard output and standard error, and the exit status. An empty reply means success."""

    __slots__ = ("status", "stderr", "stdout")

    def __init__(self, stdout: bytes = b"", stderr: bytes = b"", status: int = 0) -> None:
        self.stdout = stdout
        self.stderr = stderr
        self.status = status

    @classmethod
    def credentials(cls, server: str, username: str, password: str) -> "Reply":
        """Return the reply to ``get``, with the client's unchanged server string."""
        fields = (("ServerURL", server), ("Username", username), ("Secret", password))
        return cls(_json_object(fields))

    @classmethod
    def listing(cls, hosts: "Mapping[str, str]") -> "Reply":
        """Return the reply to ``list``: host -> user name."""
        return cls(_json_object(hosts.items()))

    @classmethod
    def not_found(cls) -> "Reply":
        """Return the protocol's reply for a server without a login."""
        return cls(f"{NOT_FOUND_TEXT}\n".encode(), status=1)

    @classmethod
    def failure(cls, error: CredentialHelperError) -> "Reply":
        """Return an error for both streams, since clients differ in which one they show to the user.

        A ProtocolError is written to stdout only: clients compare some of its texts.
        """
        line = f"{error}\n".encode()
        return cls(line, b"" if isinstance(error, ProtocolError) else line, status=1)


def server_in(request: bytes) -> str:
    """Return the server string of ``get`` and ``erase``; raise ProtocolError if it is missing."""
    server = request.decode("utf-8", "replace").strip()
    if not server:
        raise ProtocolError("", NO_SERVER_TEXT)
    return server


def login_in(request: bytes) -> tuple[str, str, str]:
    """Return server, user name and password of ``store``; raise ProtocolError if any is missing."""
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
            raise ProtocolError("store", f"{name} is empty or contains a control character")
    return server.strip(), username, password


def read_request(stdin: "BinaryIO") -> bytes:
    """Read a request from stdin; raise ProtocolError if it is too long.

    Read stdin to its end in any case: otherwise, a client that is still writing gets a broken pipe.
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
    """Return a JSON string with every unprintable character escaped."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return f'"{"".join(_ESCAPES.get(c) or (c if c.isprintable() else _json_escape(c)) for c in text)}"'


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))

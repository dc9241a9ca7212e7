"""A fake engine on a unix socket, which records the logins that clients send it.

It answers the calls of the Docker Engine API that clients make around a login, a build, a pull and a push. It
transfers nothing, so every transfer succeeds, and it refuses to create containers. ``requests`` lists the
transfers, each with the logins of its ``X-Registry-Auth`` or ``X-Registry-Config`` header.
"""

import base64
import json
import threading
from collections.abc import Callable, Mapping
from email.message import Message
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, unquote, urlsplit

NO_CONTAINERS = "this engine creates no containers"
"""The error message for a client that goes on to run the image that it has pulled."""

_API_VERSION = "1.44"
"""The oldest API version that Docker 29 speaks. Older clients negotiate a lower one."""

_SHORT_ID = "0" * 12
_IMAGE_ID = f"sha256:{_SHORT_ID:0<64}"
"""The ID of every image."""

_SYSTEM = {
    "OSType": "linux",
    "OperatingSystem": "Linux",
    "Architecture": "x86_64",
    "NCPU": 1,
    "MemTotal": 2**30,
}


class Login(NamedTuple):
    """The parts of a login that the engine sends to a registry."""

    user: str
    password: str


class Request(NamedTuple):
    """One transfer, or a ``docker login``, and the logins by host that came with it."""

    operation: str
    logins: dict[str, Login]


class _Call(NamedTuple):
    """A POST request."""

    path: str
    query: dict[str, str]
    headers: Message
    body: bytes


class _Response(NamedTuple):
    body: bytes
    status: HTTPStatus = HTTPStatus.OK


class FakeEngine:
    """The engine, served by threads of this process from ``with`` to its end."""

    def __init__(self, socket: Path) -> None:
        self.url = f"unix://{socket}"
        """The value for ``DOCKER_HOST``."""
        self.requests: list[Request] = []
        self._images: set[str] = set()
        self._posts: dict[str, Callable[[_Call], _Response]] = {
            "auth": self._log_in,
            "build": self._build,
            "images/create": self._pull,
            "push": self._push,
            "tag": self._tag,
            "containers/create": self._create_container,
        }
        self._server = ThreadingUnixStreamServer(str(socket), partial(_Handler, self))
        # Clients keep idle connections open, whose threads would never end.
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def get(self, path: str) -> _Response:
        """Return the response to a GET or HEAD of ``path``, which is without API version."""
        fixed = {
            "_ping": b"OK",
            "version": _json({"Version": "25.0", "ApiVersion": _API_VERSION, "MinAPIVersion": "1.24"}),
            "info": _json({"ServerVersion": "25.0", **_SYSTEM}),
            "images/json": _json([{"Id": _IMAGE_ID, "RepoTags": sorted(self._images)}]),
            "containers/json": _json([]),
        }
        if path in fixed:
            return _Response(fixed[path])
        name = path.removeprefix("images/").removesuffix("/json")
        if name in {_IMAGE_ID, _SHORT_ID, *self._images}:
            return _Response(_json({"Id": _IMAGE_ID, "Os": "linux", "Architecture": "amd64"}))
        return _error(HTTPStatus.NOT_FOUND, f"no such image: {name}")

    def post(self, call: _Call) -> _Response:
        """Return the response to a POST. Push and tag have the name of the image before the operation."""
        answer = self._posts.get(call.path) or self._posts.get(call.path.rpartition("/")[2])
        return answer(call) if answer else _error(HTTPStatus.NOT_IMPLEMENTED, f"no {call.path} here")

    def _log_in(self, call: _Call) -> _Response:
        login = json.loads(call.body)
        self.requests.append(Request("login", {login["serveraddress"]: _login(login)}))
        return _Response(_json({"Status": "Login Succeeded"}))

    def _build(self, call: _Call) -> _Response:
        logins = _decode(call.headers.get("X-Registry-Config", ""))
        self.requests.append(Request("build", {host: _login(login) for host, login in logins.items()}))
        if "t" in call.query:
            self._images.add(_with_tag(call.query["t"]))
        return _Response(
            _json({"aux": {"ID": _IMAGE_ID}}) + _json({"stream": f"Successfully built {_SHORT_ID}\n"})
        )

    def _pull(self, call: _Call) -> _Response:
        image = _with_tag(call.query["fromImage"], call.query.get("tag", ""))
        self._record("pull", image, call)
        self._images.add(image)
        return _Response(_json({"status": f"Status: Downloaded newer image for {image}"}))

    def _push(self, call: _Call) -> _Response:
        self._record("push", call.path.removeprefix("images/"), call)
        return _Response(_json({"status": "Pushed"}))

    def _record(self, operation: str, image: str, call: _Call) -> None:
        """Record a transfer, which carries at most one login: for the registry of its image."""
        login = _decode(call.headers.get("X-Registry-Auth", ""))
        self.requests.append(Request(operation, {image.partition("/")[0]: _login(login)} if login else {}))

    def _tag(self, call: _Call) -> _Response:
        self._images.add(f"{call.query['repo']}:{call.query['tag']}")
        return _Response(b"", HTTPStatus.CREATED)

    def _create_container(self, call: _Call) -> _Response:
        """Refuse, but let docker-py pull first: it does so when the engine says that it lacks the image."""
        if json.loads(call.body)["Image"] in self._images:
            return _error(HTTPStatus.NOT_IMPLEMENTED, NO_CONTAINERS)
        return _error(HTTPStatus.NOT_FOUND, "No such image")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, engine: FakeEngine, *arguments: Any) -> None:
        self._engine = engine
        super().__init__(*arguments)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self._send(self._engine.get(self._target()[0]))

    def do_POST(self) -> None:
        path, query = self._target()
        self._send(self._engine.post(_Call(path, query, self.headers, self._body())))

    def _target(self) -> tuple[str, dict[str, str]]:
        """Return the path without API version, and the query."""
        url = urlsplit(self.path)
        path = unquote(url.path).removeprefix("/")
        version, _, rest = path.partition("/")
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        return rest if version.startswith("v1.") else path, query

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _send(self, response: _Response) -> None:
        self.send_response(response.status)
        self.send_header("Api-Version", _API_VERSION)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def log_message(self, *_: object) -> None:
        """Print nothing: standard output is for the report."""


def _json(content: object) -> bytes:
    return f"{json.dumps(content)}\n".encode()


def _error(status: HTTPStatus, message: str) -> _Response:
    return _Response(_json({"message": message}), status)


def _decode(header: str) -> dict[str, Any]:
    """Return the object in a header: base64 of JSON, in either alphabet and with or without padding."""
    text = header.rstrip("=").translate(str.maketrans("+/", "-_"))
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) or "{}")
    return decoded


def _login(content: Mapping[str, str]) -> Login:
    """Return a login. The case of the keys does not matter: docker-py capitalizes some of them."""
    fields = {name.lower(): value for name, value in content.items()}
    return Login(fields.get("username", ""), fields.get("password", ""))


def _with_tag(image: str, tag: str = "") -> str:
    return image if ":" in image else f"{image}:{tag or 'latest'}"

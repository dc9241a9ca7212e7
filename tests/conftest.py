"""A temporary environment for every test, a fake ECR API, and the real executable."""

from __future__ import annotations

import functools
import gc
import importlib
import io
import json
import os
import pkgutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from botocore.loaders import create_loader
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis

import ecr_credhelper
from ecr_credhelper import cli
from ecr_credhelper.cache import Cache
from ecr_credhelper.console.signals import SIGNALS
from ecr_credhelper.helper import VERBS, Helper
from ecr_credhelper.records import FileStore
from ecr_credhelper.testing.fake_ecr import FakeECR
from tests import commands
from tests.user_shell import Shell, shell_of_a_user

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "111122223333.dkr.ecr.us-west-2.amazonaws.com"
OTHER_ACCOUNT = "444455556666.dkr.ecr.us-west-2.amazonaws.com"
OTHER_REGION = "111122223333.dkr.ecr.eu-central-1.amazonaws.com"
PUBLIC = "public.ecr.aws"
NOT_FOUND = b"credentials not found in native keychain\n"

EXECUTABLE = commands.EXECUTABLE

# Results must not depend on chance or on how busy a machine is. To search for new counterexamples:
# pytest --hypothesis-profile search
hypothesis.register_profile(
    "steady",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
hypothesis.register_profile(
    "search", deadline=None, max_examples=5000, suppress_health_check=list(HealthCheck), print_blob=True
)
hypothesis.load_profile("steady")

# Hypothesis takes examples from loaded modules, so load all of them for reproducible results.
for module in pkgutil.walk_packages(ecr_credhelper.__path__, "ecr_credhelper."):
    importlib.import_module(module.name)

# Each botocore session parses a megabyte of JSON and lists 400 directories. Here, sessions share the results,
# as the clients of one session always do.
pytest.MonkeyPatch().setattr("botocore.session.create_loader", functools.cache(create_loader))

KEPT = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "LANG", "COVERAGE_PROCESS_START")
"""Variables that tests inherit: none that an AWS SDK, a proxy or Python reads."""


@pytest.fixture(scope="session")
def unused_homes() -> list[Path]:
    """Return the home directories that no test has changed: most tests need none."""
    return []


@pytest.fixture(autouse=True)
def home(
    unused_homes: list[Path], tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Give each test an empty home directory and no AWS variables, so that tests read no user's files."""
    folder = unused_homes.pop() if unused_homes else tmp_path_factory.mktemp("home")
    before = folder.stat()
    numbers = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]
    handlers = {number: signal.getsignal(number) for number in numbers}
    for name in list(os.environ):
        if name not in KEPT:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    if sys.platform == "win32":  # the same directories as elsewhere
        monkeypatch.setenv("APPDATA", str(folder / ".config"))
        monkeypatch.setenv("LOCALAPPDATA", str(folder / ".cache"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    yield folder
    if folder.exists() and folder.stat() == before and not any(folder.iterdir()):
        unused_homes.append(folder)
    gc.enable()  # a get in this process disables it
    # A command in this process replaces handlers. A forked child would inherit them, and can outlive SIGTERM.
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def api() -> Iterator[FakeECR]:
    with FakeECR() as fake:
        yield fake


@pytest.fixture
def aws(api: FakeECR, monkeypatch: pytest.MonkeyPatch) -> FakeECR:
    """Set the fake API's variables for this process and its child processes."""
    for name, value in api.environment.items():
        monkeypatch.setenv(name, value)
    return api


@pytest.fixture
def shell(home: Path, tmp_path: Path, aws: FakeECR, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Return a function that runs a command line of the documents."""
    return shell_of_a_user(home, tmp_path, aws, monkeypatch)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def cache(folder: Path) -> Cache:
    return Cache(FileStore(str(folder)))


class Result(NamedTuple):
    """The result of one run of the executable."""

    status: int
    stdout: bytes
    stderr: bytes

    @property
    def reply(self) -> dict[str, str]:
        assert self.status == 0, self
        assert self.stderr == b""
        reply = json.loads(self.stdout)
        assert isinstance(reply, dict)
        return reply

    @property
    def error(self) -> str:
        """The error line of a failure. It must be one line, equal on both streams."""
        assert self.status == 1, self
        assert self.stdout == self.stderr
        line = self.stdout.decode()
        assert line.endswith("\n")
        assert line.count("\n") == 1
        assert "credentials not found in native keychain" not in line
        assert "Traceback" not in line
        return line.rstrip("\n")


def run(
    *argv: str, stdin: bytes | str = b"", program: Sequence[str] = (EXECUTABLE,), **options: Any
) -> Result:
    """Run the real executable as a client does: no shell, standard input from a pipe."""
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        [*program, *argv], check=False, input=data, capture_output=True, timeout=300, **options
    )
    return Result(done.returncode, done.stdout, done.stderr)


Run = Callable[..., Result]


AS_A_PROCESS = "as a process"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run each test as a process with its first example only: the others differ in data, not in that."""
    seen: set[str] = set()
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        name, _, parameters = item.nodeid.partition("[")
        (dropped if AS_A_PROCESS in parameters and name in seen else kept).append(item)
        if AS_A_PROCESS in parameters:
            seen.add(name)
    config.hook.pytest_deselected(items=dropped)
    items[:] = kept


@pytest.fixture(params=["in this process", AS_A_PROCESS])
def ask(request: pytest.FixtureRequest, capfd: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs the helper or a command, as a process or in this process."""

    def here(*argv: str, stdin: str = "") -> Result:
        if argv[0] not in VERBS:
            status = cli.run(argv)
            written = capfd.readouterr()
            return Result(status, written.out.encode(), written.err.encode())
        reply = Helper(os.environ, time.time, print).run(argv[0], io.BytesIO(stdin.encode()))
        return Result(reply.status, reply.stdout, reply.stderr + capfd.readouterr().err.encode())

    return run if request.param == AS_A_PROCESS else here


def until(condition: Callable[[], object]) -> None:
    """Wait for what another thread or process does in its own time; it has longer than any machine needs."""
    give_up = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < give_up, "it never happened"
        time.sleep(0.01)  # the condition can only be polled


def login(server: str = HOST, username: str = "AWS", secret: str = "a-password") -> str:
    """Return what ``docker login`` sends to ``store``."""
    return json.dumps({"ServerURL": server, "Username": username, "Secret": secret})


@pytest.fixture
def patient(home: Path) -> None:
    """Give the processes of a test ten minutes in place of the deadline: this machine can be busy."""
    file = home / ".config/ecr-credhelper/config.toml"
    file.parent.mkdir(parents=True)
    file.write_text("deadline = 600\n")

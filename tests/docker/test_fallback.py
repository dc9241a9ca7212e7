"""Registries that are not ECR: the fallback helper and the inline logins of Docker's configuration."""

from __future__ import annotations

import base64
import json
import os
import signal
import stat
import sys
from pathlib import Path

import pytest

from ecr_credhelper.docker.fallback import RECURSION_GUARD, Fallback
from ecr_credhelper.docker.programs import which
from ecr_credhelper.fetch import listing
from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.conftest import EXECUTABLE, HOST, NOT_FOUND, Result, Run, login
from tests.docker_files import write_settings

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the fakes are scripts with a #! line")

GHCR = "ghcr.io"

STORE = """\
#!{python} -I
# A credential helper that stores logins in a file and records its calls.
import json, os, sys
store, verb, request = "{directory}/store.json", sys.argv[1], sys.stdin.buffer.read()
with open("{directory}/calls", "ab") as calls:
    calls.write(verb.encode() + b" " + request + b"|")
logins = json.load(open(store)) if os.path.exists(store) else {{}}
if verb == "store":
    login = json.loads(request)
    logins[login["ServerURL"]] = login
    json.dump(logins, open(store, "w"))
elif verb == "list":
    print(json.dumps({{server: login["Username"] for server, login in logins.items()}}))
elif request.decode().strip() not in logins:
    print("credentials not found in native keychain")
    sys.exit(1)
elif verb == "get":
    print("a message", file=sys.stderr)
    print(json.dumps(logins[request.decode().strip()], indent=3))
else:
    del logins[request.decode().strip()]
    json.dump(logins, open(store, "w"))
"""


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory on PATH for the fallback."""
    path = os.pathsep.join(("relative", str(tmp_path), str(Path(EXECUTABLE).parent), os.environ["PATH"]))
    monkeypatch.setenv("PATH", path)
    return tmp_path


def script(directory: Path, text: str, suffix: str = "store") -> Path:
    path = directory / f"docker-credential-{suffix}"
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def store(directory: Path, home: Path) -> Path:
    """Install a fallback and configure it in the settings."""
    write_settings(home, 'fallback = "store"\n')
    return script(directory, STORE.format(python=sys.executable, directory=directory))


@pytest.mark.usefixtures("store")
def test_the_fallback_stores_serves_lists_and_erases_other_logins(
    aws: FakeECR, directory: Path, ask: Run
) -> None:
    assert ask("get", stdin=f"{GHCR}\n") == Result(1, NOT_FOUND, b"")
    assert ask("store", stdin=login(GHCR)) == Result(0, b"", b"")
    got = ask("get", stdin=f" {GHCR}\r\n")
    assert json.loads(got.stdout)["Secret"] == "a-password"
    assert got.stdout.startswith(b'{\n   "ServerURL"')  # the unchanged bytes of the fallback
    assert got.stderr == b"a message\n"
    ask("get", stdin=HOST)
    assert ask("list").reply == {HOST: "AWS", GHCR: "AWS"}
    assert ask("erase", stdin=GHCR) == Result(0, b"", b"")
    assert ask("list").reply == {HOST: "AWS"}
    calls = (directory / "calls").read_bytes().split(b"|")
    assert calls[0] == b"get ghcr.io\n"
    assert calls[1] == b"store " + login(GHCR).encode()
    assert calls[2] == b"get  ghcr.io\r\n"
    assert len(aws.calls) == 1


@pytest.mark.usefixtures("store", "aws")
def test_requests_for_ecr_never_reach_the_fallback(directory: Path, ask: Run) -> None:
    ask("get", stdin=HOST)
    ask("store", stdin=login())
    ask("erase", stdin=HOST)
    assert not (directory / "calls").exists()


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    "body",
    ["exit 1", "echo rubbish", "echo '[1]'", "echo '{\"a\": 1}'", "kill -9 $$", "printf '\\377'", "sleep 60"],
    ids=["fails", "not JSON", "not an object", "not user names", "is killed", "not UTF-8", "hangs"],
)
def test_a_broken_fallback_does_not_break_list(
    body: str, directory: Path, home: Path, monkeypatch: pytest.MonkeyPatch, ask: Run
) -> None:
    monkeypatch.setattr(listing, "FALLBACK_SECONDS", 1)
    write_settings(home, 'fallback = "store"\n')
    script(directory, f"#!/bin/sh\necho a word >&2\n{body}\n")
    ask("get", stdin=HOST)
    assert ask("list").reply == {HOST: "AWS"}


@pytest.mark.usefixtures("aws", "directory")
@pytest.mark.parametrize("text", ["fallback = 7\n", 'fallback = "ecr-py"\n', 'fallback = "missing"\n'])
def test_list_returns_ecr_logins_even_if_the_fallback_setting_is_wrong(
    text: str, home: Path, ask: Run
) -> None:
    write_settings(home, text)
    ask("get", stdin=HOST)
    assert ask("list").reply == {HOST: "AWS"}


def test_a_failure_of_the_fallback_is_returned_unchanged(directory: Path, home: Path, ask: Run) -> None:
    write_settings(home, 'fallback = "store"\n')
    script(directory, "#!/bin/sh\necho locked\necho really locked >&2\nexit 3\n")
    for verb, stdin in (("get", GHCR), ("store", login(GHCR)), ("erase", GHCR)):
        assert ask(verb, stdin=stdin) == Result(3, b"locked\n", b"really locked\n")
    script(directory, "#!/bin/sh\nkill -9 $$\n")
    assert ask("get", stdin=GHCR).status == 1


@pytest.mark.parametrize("installed", ["not at all", "as a text file", "in the working directory"])
def test_public_pulls_work_without_the_configured_fallback(
    installed: str,
    directory: Path,
    home: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    ask: Run,
) -> None:
    write_settings(home, 'fallback = "store"\n')
    cwd = tmp_path_factory.mktemp("cwd")
    monkeypatch.chdir(cwd)
    match installed:
        case "as a text file":
            script(directory, "not a program")
        case "in the working directory":
            (cwd / "relative").mkdir()
            script(cwd, "#!/bin/sh\necho planted\n")
            script(cwd / "relative", "#!/bin/sh\necho planted\n")
    assert ask("get", stdin=GHCR) == Result(1, NOT_FOUND, b"")
    assert ask("erase", stdin=GHCR) == Result(0, b"", b"")
    assert ask("store", stdin=login(GHCR)).error == (
        f"{GHCR}: the fallback docker-credential-store cannot be started; "
        "install it on PATH, or correct the settings file"
    )


def test_a_wrong_fallback_setting_is_an_error_only_for_other_registries(
    aws: FakeECR, home: Path, ask: Run
) -> None:
    write_settings(home, "fallback = 7\n")
    for verb, stdin in (("get", GHCR), ("store", login(GHCR)), ("erase", GHCR)):
        assert "fallback: found 7, expected the suffix of another" in ask(verb, stdin=stdin).error
    assert ask("get", stdin=HOST).reply["Username"] == "AWS"
    assert len(aws.calls) == 1


def test_settings_that_are_not_toml_are_an_error_except_for_list(home: Path, ask: Run) -> None:
    write_settings(home, "not toml")
    assert "is not valid TOML" in ask("get", stdin=GHCR).error
    assert "is not valid TOML" in ask("get", stdin=HOST).error
    assert ask("list").reply == {}


def test_storing_another_login_without_a_fallback_fails_with_a_hint(ask: Run) -> None:
    error = ask("store", stdin=login("https://me:a-secret@ghcr.io")).error
    assert error.startswith("the given server: not an Amazon ECR registry, and no fallback")
    assert 'fallback = "…" in the settings file' in error
    assert '"credHelpers"' in error
    assert "a-secret" not in error
    assert "a-password" not in error
    assert ask("store", stdin=login(GHCR)).error.startswith(f"{GHCR}: ")


# A fallback that calls this helper again.


def test_a_fallback_that_calls_this_helper_does_not_loop(directory: Path, home: Path, ask: Run) -> None:
    write_settings(home, 'fallback = "store"\n')
    count = directory / "count"
    script(directory, f'#!/bin/sh\necho >>{count}\nexec "{EXECUTABLE}" "$@"\n')
    assert ask("get", stdin=GHCR) == Result(1, NOT_FOUND, b"")
    assert ask("list").reply == {}
    assert ask("erase", stdin=GHCR) == Result(0, b"", b"")
    assert ask("store", stdin=login(GHCR)).status == 1
    assert count.read_text() == "\n" * 4


def test_a_nested_call_does_not_use_fallback_or_inline_logins(
    home: Path, monkeypatch: pytest.MonkeyPatch, ask: Run
) -> None:
    inline_logins(home)
    assert ask("get", stdin=GHCR).reply["Username"] == "me"
    monkeypatch.setenv(RECURSION_GUARD, "1")
    assert ask("get", stdin=GHCR) == Result(1, NOT_FOUND, b"")
    assert ask("list").reply == {}
    write_settings(home, 'fallback = "store"\n')
    assert "no fallback is configured" in ask("store", stdin=login(GHCR)).error
    assert Fallback(os.environ, "store").hosts(seconds=300) == {}


# Inline logins in Docker's configuration file.


def inline_logins(home: Path, **more: object) -> None:
    auth = base64.b64encode(b"me:mine").decode()
    content = {"credsStore": "ecr-py", "auths": {GHCR: {"auth": auth}, HOST: {}}, **more}
    (home / ".docker").mkdir()
    (home / ".docker" / "config.json").write_text(json.dumps(content))


def test_an_inline_login_is_served(aws: FakeECR, home: Path, ask: Run) -> None:
    inline_logins(home)
    reply = ask("get", stdin=f"https://{GHCR}/v2/").reply
    assert reply == {"ServerURL": f"https://{GHCR}/v2/", "Username": "me", "Secret": "mine"}
    assert ask("get", stdin="quay.io") == Result(1, NOT_FOUND, b"")
    ask("get", stdin=HOST)
    assert ask("list").reply == {GHCR: "me", HOST: "AWS"}
    assert len(aws.calls) == 1


@pytest.mark.parametrize("creds_store", [None, "desktop"])
def test_inline_logins_are_not_listed_if_docker_reads_them_itself(
    creds_store: str | None, home: Path, ask: Run
) -> None:
    inline_logins(home, credsStore=creds_store)
    assert ask("list").reply == {}


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ("exit 1", 300),
        ("echo rubbish", 300),
        ("echo '[1]'", 300),
        ("echo '{\"a\": 1}'", 300),
        ("head -c 100000 /dev/zero | tr '\\0' '['", 300),
        ("sleep 60", 0.2),
    ],
    ids=["fails", "not JSON", "not an object", "not user names", "too deep", "hangs"],
)
def test_inline_logins_are_listed_even_if_the_fallback_is_broken(
    body: str, seconds: float, directory: Path, home: Path
) -> None:
    inline_logins(home)
    script(directory, f"#!/bin/sh\n{body}\n")
    assert Fallback(os.environ, "store").hosts(seconds) == {GHCR: "me"}


@pytest.mark.usefixtures("store")
def test_an_inline_login_is_served_if_the_fallback_has_none(home: Path, ask: Run) -> None:
    inline_logins(home)
    assert ask("get", stdin=GHCR).reply["Secret"] == "mine"
    assert ask("list").reply == {GHCR: "me"}
    assert ask("store", stdin=login(GHCR, username="newer")) == Result(0, b"", b"")
    assert json.loads(ask("get", stdin=GHCR).stdout)["Username"] == "newer"
    assert ask("list").reply == {GHCR: "newer"}
    assert ask("get", stdin="quay.io") == Result(1, NOT_FOUND, b"")


@pytest.mark.parametrize(
    ("body", "status", "secret"),
    [
        ('echo \'{"ServerURL": "", "Username": "", "Secret": ""}\'', 0, "mine"),
        ("echo credentials not found in native keychain; exit 1", 0, "mine"),
        ("echo locked; exit 1", 1, None),
        ("echo rubbish", 0, None),
        ("echo '[1]'", 0, None),
    ],
    ids=["empty login", "not found", "failure", "not JSON", "list"],
)
def test_an_inline_login_is_served_only_if_the_fallback_has_none(
    body: str, status: int, secret: str | None, directory: Path, home: Path, ask: Run
) -> None:
    write_settings(home, 'fallback = "store"\n')
    inline_logins(home)
    script(directory, f"#!/bin/sh\n{body}\n")
    got = ask("get", stdin=GHCR)
    assert got.status == status
    if secret:
        assert got.reply["Secret"] == secret
    else:
        assert got.stdout in {b"locked\n", b"rubbish\n", b"[1]\n"}


def test_an_empty_login_of_the_fallback_is_returned_unchanged_if_there_is_no_inline_login(
    directory: Path, home: Path, ask: Run
) -> None:
    write_settings(home, 'fallback = "store"\n')
    empty = '{"ServerURL": "", "Username": "", "Secret": ""}'
    script(directory, f"#!/bin/sh\necho '{empty}'\n")
    assert ask("get", stdin=GHCR) == Result(0, f"{empty}\n".encode(), b"")


def test_which_searches_absolute_directories_only(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = script(directory, "#!/bin/sh\n")
    monkeypatch.chdir(directory)
    assert which(program.name, {"PATH": os.pathsep.join((".", "", str(directory)))}) == str(program)
    assert which(program.name, {"PATH": "."}) is None
    program.chmod(stat.S_IRUSR)
    assert which(program.name, {"PATH": str(directory)}) is None


def test_which_adds_suffixes_on_windows(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(directory, "", "store.exe")
    monkeypatch.setattr("os.name", "nt")
    assert which("docker-credential-store", {"PATH": str(directory)}) == str(
        directory / "docker-credential-store.exe"
    )


@pytest.mark.parametrize("login", ['{"Username": "", "Secret": "s"}', '{"Username": "u", "Secret": ""}'])
def test_an_incomplete_login_of_the_fallback_is_returned_unchanged(
    login: str, directory: Path, home: Path, ask: Run
) -> None:
    write_settings(home, 'fallback = "store"\n')
    inline_logins(home)
    script(directory, f"#!/bin/sh\necho '{login}'\n")
    assert ask("get", stdin=GHCR) == Result(0, f"{login}\n".encode(), b"")


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ('{"a.io": "me", "b.io": "<token>"}', {"a.io": "me", "b.io": "<token>"}),
        ('{"a.io": 1}', {}),
        ('["a.io"]', {}),
        ("", {}),
        (f'{{"{HOST}": "me", "a.io": "me"}}', {"a.io": "me"}),
    ],
)
def test_list_includes_the_fallbacks_logins_if_they_are_a_map_of_user_names(
    listed: str, expected: dict[str, str], directory: Path, home: Path, ask: Run
) -> None:
    write_settings(home, 'fallback = "store"\n')
    script(directory, f"#!/bin/sh\n[ \"$1\" = list ] && echo '{listed}'\n")
    assert ask("list").reply == expected


def test_list_ignores_the_output_of_a_fallback_that_fails(directory: Path, home: Path, ask: Run) -> None:
    write_settings(home, 'fallback = "store"\n')
    script(directory, '#!/bin/sh\necho \'{"a.io": "me"}\'\nexit 1\n')
    assert ask("list").reply == {}


def test_a_fallback_gets_the_environment_and_a_recursion_guard(
    directory: Path, home: Path, monkeypatch: pytest.MonkeyPatch, ask: Run
) -> None:
    write_settings(home, 'fallback = "store"\n')
    monkeypatch.setenv("A_VARIABLE", "a value")
    script(directory, f'#!/bin/sh\necho "$1 ${RECURSION_GUARD} $A_VARIABLE"\n')
    assert ask("get", stdin=GHCR) == Result(0, b"get 1 a value\n", b"")
    assert ask("store", stdin=login(GHCR)).stdout == b"store 1 a value\n"
    assert ask("erase", stdin=GHCR).stdout == b"erase 1 a value\n"


def test_a_fallback_keeps_the_session_of_the_user_except_for_list(directory: Path) -> None:
    """A get can then ask for a passphrase on the terminal, and a list can kill the child processes too."""
    print_session = "import json, os\nprint(json.dumps({'Username': str(os.getsid(0))}))\n"
    script(directory, f"#!{sys.executable} -I\n{print_session}")
    fallback, session = Fallback(os.environ, "store"), str(os.getsid(0))
    assert json.loads(fallback.get(GHCR, b"").stdout) == {"Username": session}
    assert json.loads(fallback.store(GHCR, b"").stdout) == {"Username": session}
    listed = fallback.hosts(seconds=300)
    assert listed.keys() == {"Username"}
    assert listed["Username"] != session


def test_a_get_that_a_signal_ends_kills_the_fallback(directory: Path) -> None:
    def end(*_: object) -> None:
        raise SystemExit

    finished = directory / "finished"
    script(
        directory,
        f"#!{sys.executable} -I\nimport os, signal, sys, time\nsys.stdin.read()\n"
        f"os.kill(os.getppid(), signal.SIGUSR1)\ntime.sleep(20)\nopen({str(finished)!r}, 'w')\n",
    )
    previous = signal.signal(signal.SIGUSR1, end)
    try:
        with pytest.raises(SystemExit):
            Fallback(os.environ, "store").get(GHCR, b"")
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert not finished.exists()


def test_a_reply_of_the_fallback_that_is_nested_too_deeply_is_returned_unchanged(directory: Path) -> None:
    script(directory, "#!/bin/sh\nhead -c 100000 /dev/zero | tr '\\0' '['\n")
    reply = Fallback(os.environ, "store").get(GHCR, b"")
    assert (reply.stdout, reply.status) == (b"[" * 100_000, 0)

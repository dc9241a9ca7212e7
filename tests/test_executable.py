"""The installed executable as a process: its replies, and what it inherits from a parent."""

from __future__ import annotations

import concurrent.futures
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecr_credhelper import __version__
from ecr_credhelper.testing.fake_ecr import FakeECR, Fault
from tests.commands import checked, output_of
from tests.conftest import (
    EXECUTABLE,
    HOST,
    NOT_FOUND,
    OTHER_ACCOUNT,
    OTHER_REGION,
    PUBLIC,
    Result,
    login,
    run,
    until,
)
from tests.systems import links

posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals, modes or descriptors")


def test_a_get_is_served_from_disk_by_the_next_process(aws: FakeECR) -> None:
    first = run("get", stdin=HOST).reply
    assert first == {"ServerURL": HOST, "Username": "AWS", "Secret": aws.password("us-west-2", serial=1)}
    aws.identities.clear()  # from here on, AWS rejects every request
    assert run("get", stdin=f"{HOST}\n").reply == first
    assert run("get", stdin=f"https://{HOST}").reply["Secret"] == first["Secret"]
    assert run("get", stdin=OTHER_REGION).error.startswith(f"{OTHER_REGION}: AWS does not accept")
    assert run("get", stdin=OTHER_ACCOUNT).reply["Secret"] == first["Secret"]  # the same region's token
    assert [call.region for call in aws.calls] == ["us-west-2"]


def test_every_verb_in_turn(aws: FakeECR) -> None:
    token = run("get", stdin=HOST).reply["Secret"]
    assert run("list", stdin="unused").reply == {HOST: "AWS"}
    assert run("store", stdin=login()) == Result(0, b"", b"")
    assert run("get", stdin=HOST).reply["Secret"] == "a-password"
    assert run("erase", stdin=HOST) == Result(0, b"", b"")
    assert run("list").reply == {}
    assert run("get", stdin=HOST).reply["Secret"] not in {token, "a-password"}
    assert len(aws.calls) == 2


def test_other_registries_are_not_found_without_a_call_to_aws(aws: FakeECR) -> None:
    assert run("get", stdin="https://index.docker.io/v1/") == Result(1, NOT_FOUND, b"")
    assert aws.calls == []


def test_no_credentials_is_a_line_for_ecr_and_not_found_for_public_ecr() -> None:
    assert run("get", stdin=HOST).error == (
        f"{HOST}: no AWS credentials found; set AWS_PROFILE to a profile with credentials, or run: "
        "aws configure, or aws sso login"
    )
    assert run("get", stdin=PUBLIC) == Result(1, NOT_FOUND, b"")


def test_a_denied_call_names_the_caller_and_the_action(aws: FakeECR) -> None:
    aws.faults.append(
        Fault.aws(
            "AccessDeniedException",
            "User: arn:aws:iam::111122223333:user/ci is not authorized to perform: "
            "ecr:GetAuthorizationToken on resource: * because no identity-based policy allows it",
        )
    )
    assert run("get", stdin=HOST).error == (
        f"{HOST}: arn:aws:iam::111122223333:user/ci is not authorized to perform ecr:GetAuthorizationToken "
        "on *; "
        "allow ecr:GetAuthorizationToken in a policy of that identity"
    )


def test_no_secret_of_the_environment_is_in_an_error(aws: FakeECR) -> None:
    aws.faults.append(Fault.aws("InvalidSignatureException", f"secret {aws.secret_key}"))
    assert aws.secret_key not in run("get", stdin=HOST).error


def test_python_m_is_the_same() -> None:
    command = [sys.executable, "-m", "ecr_credhelper", "version"]
    assert output_of(command) == f"docker-credential-ecr-py {__version__}\n"
    assert run("version").stdout == f"docker-credential-ecr-py {__version__}\n".encode()


@pytest.mark.parametrize("verb", ["get", "erase"])
def test_an_endless_request_is_read_and_rejected(verb: str) -> None:
    done = run(verb, stdin=b"x" * 3_000_000)
    assert done == Result(1, b"the request is longer than 65536 bytes\n", b"")


@posix
@pytest.mark.parametrize("redirection", ["<&-", "</dev/null"])
def test_list_ignores_stdin(redirection: str) -> None:
    command = ["sh", "-c", f'exec "$0" list {redirection}', EXECUTABLE]
    done = checked(command)
    assert (done.stdout, done.stderr) == ("{}\n", "")


@posix
def test_list_does_not_wait_for_a_client_that_keeps_stdin_open() -> None:
    with subprocess.Popen([EXECUTABLE, "list"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.read() == b"{}\n"


@posix
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
def test_a_closed_stream_is_no_traceback(closed: str, tmp_path: Path) -> None:
    command = ["sh", "-c", f'exec "$0" get {closed}', EXECUTABLE]
    done = subprocess.run(command, input=HOST.encode(), capture_output=True, check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert b"Traceback" not in done.stdout + done.stderr


@posix
def test_a_client_that_closes_its_end_is_no_traceback() -> None:
    with subprocess.Popen(
        [EXECUTABLE, "get"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        process.stdin.write(b"ghcr.io")
        process.stdin.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Enable Ctrl-C in a child, even if this process ignores it, as after a shell's ``&``."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@posix
@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_during_a_call_to_aws_causes_no_traceback(aws: FakeECR) -> None:
    aws.gate.clear()
    with subprocess.Popen(
        [EXECUTABLE, "get"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin
        process.stdin.write(HOST.encode())
        process.stdin.close()
        process.stdin = None
        until(lambda: aws.requests)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=30)
    assert (process.returncode, stdout, stderr) == (130, b"", b"")


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    "environ",
    [
        {"PYTHONWARNINGS": "error"},
        {"PYTHONWARNINGS": "always", "PYTHONDEVMODE": "1"},
        {"PYTHONOPTIMIZE": "2"},
        {"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "utf-16"},
        {"LD_LIBRARY_PATH": "/nonexistent"},
    ],
    ids=",".join,
)
def test_inherited_file_descriptors_and_signals_do_not_change_the_reply(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert run("get", stdin=HOST).reply["Username"] == "AWS"
    assert run("get", stdin=HOST).reply["Username"] == "AWS"
    assert run("list").reply == {HOST: "AWS"}


@pytest.mark.usefixtures("aws")
def test_nothing_is_imported_from_the_working_directory(tmp_path: Path) -> None:
    for name in ("json", "base64", "boto3", "botocore", "filelock", "ecr_credhelper", "threading"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported from the working directory')")
    assert run("get", stdin=HOST, cwd=tmp_path).reply["Username"] == "AWS"
    assert run("get", stdin=HOST, cwd=tmp_path).reply["Username"] == "AWS"


@posix
def test_a_get_works_without_home_and_xdg_variables(aws: FakeECR, tmp_path: Path) -> None:
    environ = {**aws.environment, "PATH": os.environ["PATH"], "AWS_ECR_DISABLE_CACHE": "1"}
    assert run("get", stdin=HOST, env=environ, cwd=tmp_path).reply["Username"] == "AWS"
    assert list(tmp_path.iterdir()) == []


@links
@pytest.mark.parametrize("spoiled", ["a file", "a link", "an open folder"])
def test_a_damaged_cache_directory_does_not_fail_a_get(
    spoiled: str, aws: FakeECR, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "cache" / "ecr-credhelper"
    folder.parent.mkdir()
    match spoiled:
        case "a file":
            folder.write_text("")
        case "a link":
            (tmp_path / "elsewhere").mkdir()
            folder.symlink_to(tmp_path / "elsewhere")
        case "an open folder":
            folder.mkdir(mode=0o777)
            folder.chmod(0o777)
    monkeypatch.setenv("AWS_ECR_CACHE_DIR", str(folder.parent))
    assert run("get", stdin=HOST).reply["Username"] == "AWS"
    assert run("get", stdin=HOST).reply["Username"] == "AWS"
    assert len(aws.calls) == (1 if spoiled == "an open folder" else 2)
    if spoiled == "a link":
        assert list((tmp_path / "elsewhere").iterdir()) == []


CALLERS = 12
"""Processes at the same moment: more of them would only make each other, and other tests, slow."""


@pytest.mark.usefixtures("patient")
def test_callers_at_once_get_one_token_by_one_call(aws: FakeECR) -> None:
    aws.delay = 0.3
    with concurrent.futures.ThreadPoolExecutor(CALLERS) as pool:
        results = list(pool.map(lambda _: run("get", stdin=HOST), range(CALLERS)))
    assert len({result.reply["Secret"] for result in results}) == 1
    assert len(aws.calls) == 1


@pytest.mark.usefixtures("patient")
def test_registries_at_once_are_all_kept(aws: FakeECR) -> None:
    hosts = [f"{number:012}.dkr.ecr.us-west-2.amazonaws.com" for number in range(CALLERS)]
    with concurrent.futures.ThreadPoolExecutor(CALLERS) as pool:
        results = list(pool.map(lambda host: run("get", stdin=host), hosts))
    assert [result.reply["ServerURL"] for result in results] == hosts
    assert set(json.loads(run("list").stdout)) == set(hosts)
    assert len(aws.calls) == 1

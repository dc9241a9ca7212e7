"""A process that cannot start a thread, as at a limit on processes: everything works, one after another.

The limit here is real and binds root too: each new thread asks for a stack larger than all memory that the
process may have.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ecr_credhelper.testing.fake_ecr import FakeECR, Fault
from tests.conftest import EXECUTABLE, HOST, OTHER_REGION, Result
from tests.docker_files import write, write_settings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems bind memory otherwise")

GIB = 1024 * 1024  # in KiB, as ulimit counts
LIMIT = f'ulimit -s {64 * GIB} && ulimit -v {16 * GIB} && exec "$0" "$@"'


def limited(*command: str, stdin: str = "") -> Result:
    done = subprocess.run(
        ["/bin/sh", "-c", LIMIT, *command], input=stdin.encode(), capture_output=True, check=False
    )
    return Result(done.returncode, done.stdout, done.stderr)


def program(code: str) -> list[str]:
    done = limited(sys.executable, "-c", code)
    assert done.status == 0, done
    return done.stdout.decode().split()


@pytest.fixture(autouse=True)
def _without_threads() -> None:
    code = "import threading\ntry: threading.Thread(target=int).start()\nexcept RuntimeError: print('none')"
    if limited(sys.executable, "-c", code).stdout != b"none\n":
        pytest.skip("this C library gives a thread a stack of another size")


def test_a_get_without_threads_calls_aws(aws: FakeECR) -> None:
    assert limited(EXECUTABLE, "get", stdin=HOST).reply["Username"] == "AWS"
    aws.faults.append(Fault.aws("AccessDeniedException"))
    assert limited(EXECUTABLE, "get", stdin=OTHER_REGION).error.startswith(f"{OTHER_REGION}: AWS denies")


def test_a_password_is_fetched_without_threads(aws: FakeECR) -> None:
    result = limited(EXECUTABLE, "password", "--region", "us-west-2")
    assert (result.status, len(aws.calls)) == (0, 1)
    assert result.stdout.decode() == f"{aws.password('us-west-2', serial=1)}\n"


def test_doctor_makes_every_check(aws: FakeECR) -> None:
    findings = json.loads(limited(EXECUTABLE, "doctor", HOST, "--json").stdout)["findings"]
    assert {"executable", "docker", "credentials", "token", "cache"} <= {one["check"] for one in findings}
    (token,) = [one for one in findings if one["check"] == "token"]
    assert token["text"].startswith("new, valid for 1")
    assert not [one for one in findings if "internal error" in one["text"] or "not done" in one["text"]]
    assert len(aws.calls) == 1


def test_a_list_fetches_one_after_another(aws: FakeECR, home: Path) -> None:
    helpers = dict.fromkeys((HOST, OTHER_REGION), "ecr-py")
    write(home / ".docker/config.json", json.dumps({"credHelpers": helpers}))
    write_settings(home, 'fallback = "missing"\n')
    for _ in range(2):
        assert limited(EXECUTABLE, "list").reply == {HOST: "AWS", OTHER_REGION: "AWS"}
    assert len(aws.calls) == 2


PROVIDER = f"""
from ecr_credhelper import CredentialProvider
with CredentialProvider(disk_cache=False) as provider:
    first = provider.get_credentials("{HOST}")
    print(first.username, provider.get_credentials("{HOST}") == first)
    assert not provider._fetches
"""


def test_a_provider_fetches_in_the_thread_of_its_caller(aws: FakeECR) -> None:
    assert program(PROVIDER) == ["AWS", "True"]
    assert len(aws.calls) == 1


AHEAD = f"""
import time
from ecr_credhelper import CredentialProvider
now = [time.time()]
with CredentialProvider(disk_cache=False, timer=lambda: now[0]) as provider:
    first = provider.get_credentials("{HOST}")
    now[0] += 10 * 3600
    print(provider.get_credentials("{HOST}") == first)
    now[0] += 1.9 * 3600
    print(provider.get_credentials("{HOST}") == first)
"""


def test_a_provider_without_threads_refreshes_only_when_a_caller_waits(aws: FakeECR) -> None:
    assert program(AHEAD) == ["True", "False"]
    assert len(aws.calls) == 2


FAILS = f"""
from ecr_credhelper import AccessDeniedError, CredentialProvider
with CredentialProvider(disk_cache=False) as provider:
    try:
        provider.get_credentials("{HOST}")
    except AccessDeniedError as error:
        print(type(error).__name__)
    print(provider.get_credentials("{HOST}").username)
"""


def test_a_failure_reaches_the_caller(aws: FakeECR) -> None:
    aws.faults.append(Fault.aws("AccessDeniedException"))
    assert program(FAILS) == ["AccessDeniedError", "AWS"]

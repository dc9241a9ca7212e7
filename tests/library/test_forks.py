"""A fork during the first fetch of a program: the child gets its logins too.

A child can never complete an import that another thread of its parent had begun. So forks wait for imports.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecr_credhelper.testing.fake_ecr import FakeECR
from tests import systems
from tests.aws.test_sso_refresh import CONFIG
from tests.commands import checked
from tests.conftest import HOST, OTHER_REGION
from tests.docker_files import write, write_settings
from tests.fake_sts import FakeSTS

pytestmark = systems.forks

ROLE = "arn:aws:iam::111122223333:role/r"
TYPO = "us-wset-2"

WATCH = f"""
import json, logging, os, sys, threading
import ecr_credhelper

imported_without_the_lock = []

class Watch:
    def find_spec(self, name, path=None, target=None):
        lock = ecr_credhelper._fork_locks.get("lock")
        if not lock or not lock._is_owned():
            imported_without_the_lock.append(name)

def work():
    try:
        exec(sys.argv[1], {{"e": ecr_credhelper, "HOST": {HOST!r}}})
        result.append("")
    except Exception as error:
        result.append(type(error).__name__)

result = []
thread = threading.Thread(target=work)
sys.meta_path.insert(0, Watch())
thread.start()
thread.join()
print(json.dumps([*result, imported_without_the_lock]))
"""
"""Run code in a thread. Report its exception, and the modules that it looked for without the lock."""

FORK = f"""
import logging, os, sys, threading, time, warnings
warnings.simplefilter("ignore")  # Python warns of forks with threads
import ecr_credhelper as e

thread = threading.Thread(target=lambda: e.get_credentials({HOST!r}))
thread.start()
time.sleep(float(sys.argv[1]))
child = os.fork()
if child == 0:
    os._exit(e.get_credentials({OTHER_REGION!r}).username != "AWS")
thread.join()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.fixture
def sts(home: Path, aws: FakeECR, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSTS]:
    """Configure profiles with roles, SSO and programs."""
    role = f"[profile role]\nrole_arn = {ROLE}\nsource_profile = keys\n"
    broken = "[profile broken]\ncredential_process = /bin/sh -c 'echo failed >&2; exit 1'\n"
    keys = f"[profile keys]\naws_access_key_id = {aws.access_key}\naws_secret_access_key = {aws.secret_key}\n"
    write(home / ".aws/config", CONFIG + role + broken + keys)
    with FakeSTS(aws.identities) as sts:
        for name, value in {**sts.environment, "AWS_ENDPOINT_URL_SSO_OIDC": sts.url}.items():
            monkeypatch.setenv(name, value)
        sts.log_in(home, "s")
        sts.let_expire(home)
        yield sts


@pytest.mark.usefixtures("sts")
@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("e.get_credentials(HOST)", ""),
        ("e.get_credentials(HOST, profile='keys')", ""),
        ("e.get_credentials(HOST, profile='role')", ""),
        ("e.get_credentials(HOST, profile='dev')", ""),
        (f"e.get_credentials(HOST, role_arn={ROLE!r})", ""),
        ("e.get_credentials(region='us-west-2')", ""),
        ("e.get_credentials(profile='dev')", "ConfigurationError"),
        ("with e.CredentialProvider() as p: p.get_credentials(HOST)", ""),
        ("e.registry_host('111122223333', 'us-west-2')", ""),
        ("e.get_credentials(HOST, profile='missing')", "ConfigurationError"),
        ("e.get_credentials(HOST, profile='broken')", "CredentialsError"),
        ("e.get_credentials(HOST, role_arn='wrong')", "ConfigurationError"),
        (f"e.registry_host('111122223333', {TYPO!r})", "UnsupportedRegistryError"),
        ("e.get_credentials('example.com')", "UnsupportedRegistryError"),
    ],
)
def test_every_import_of_a_thread_holds_the_lock(code: str, error: str, home: Path) -> None:
    write_settings(home, 'deadline = 600\n[registry.999999999999]\nprofile = "auto"\n')
    done = checked([sys.executable, "-c", WATCH, code])
    assert json.loads(done.stdout) == [error, []]


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("seconds", [0, 0.01, 0.02, 0.03, 0.05, 0.08, 0.13, 0.21])
def test_a_child_that_was_forked_at_any_moment_gets_its_login(seconds: float) -> None:
    assert checked([sys.executable, "-c", FORK, str(seconds)]).stdout == "0\n"

"""``make demo``: call the real executable as Docker does, with a fake ECR API on loopback.

It uses a temporary home directory. The exit status is 0 only if every response was correct.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ecr_credhelper.testing.fake_ecr import FakeECR, Fault

if TYPE_CHECKING:
    from collections.abc import Callable

EXECUTABLE = Path(sys.executable).with_name("docker-credential-ecr-py")
HOST = "111122223333.dkr.ecr.us-west-2.amazonaws.com"
STORED = "a-password-from-docker-login"
DENIED = Fault.aws(
    "AccessDeniedException",
    "User: arn:aws:iam::111122223333:user/demo is not authorized to perform: ecr:GetAuthorizationToken "
    "on resource: * because no identity-based policy allows it",
)

OWN_ACCOUNT = """\
To try it with your own AWS account and credentials, run (cut hides the secret):
  echo ACCOUNT.dkr.ecr.REGION.amazonaws.com | {executable} get | cut -c 1-100"""


class Demo:
    """Sends requests, prints them with their responses, and counts incorrect responses."""

    def __init__(self, api: FakeECR, home: str) -> None:
        self.api = api
        path = os.pathsep.join((str(EXECUTABLE.parent), os.environ.get("PATH", "")))
        self.environ = {**api.environment, "HOME": home, "PATH": path}
        self.failures = 0

    def request(self, title: str, verb: str, stdin: str, check: Callable[[int, str], bool]) -> None:
        """Send one request, print it with its response, and check the response."""
        started = time.perf_counter()
        done = subprocess.run(
            [EXECUTABLE, verb], input=stdin.encode(), capture_output=True, check=False, env=self.environ
        )
        took = (time.perf_counter() - started) * 1000
        stdout = done.stdout.decode().strip()
        is_correct = check(done.returncode, stdout)
        self.failures += not is_correct
        print(f"{title}\n  $ echo '{shortened(stdin)}' | docker-credential-ecr-py {verb}")
        print(f"  {shortened(stdout) or '(no output)'}")
        print(f"  exit status {done.returncode}, {took:.0f} ms: {'correct' if is_correct else 'WRONG'}\n")

    def command(self, title: str, *argv: str, expected: str) -> None:
        """Run a command as a user does, print its output, and check it."""
        done = subprocess.run(
            [EXECUTABLE, *argv], capture_output=True, text=True, check=False, env=self.environ
        )
        is_correct = done.returncode == 0 and expected in done.stdout
        self.failures += not is_correct
        print(f"{title}\n  $ docker-credential-ecr-py {' '.join(argv)}")
        print("".join(f"  {line}\n" for line in (done.stdout + done.stderr).splitlines()), end="")
        print(f"  exit status {done.returncode}: {'correct' if is_correct else 'WRONG'}\n")

    def run(self) -> int:
        """Run the whole demo; return the number of incorrect responses."""
        self.command("Configure Docker to use the helper", "configure", HOST, "--yes", expected="Updated ")
        cold = self.api.password("us-west-2", serial=1)
        login = json.dumps({"ServerURL": HOST, "Username": "AWS", "Secret": STORED})
        self.request("First pull: the token comes from AWS", "get", HOST, returns_login(cold))
        self.request("Next pull: the token comes from the cache", "get", HOST, returns_login(cold))
        self.request(
            "List the registries that can be served from the cache", "list", "", returns_json({HOST: "AWS"})
        )
        self.command("Show the same to the user", "status", expected=" 59 min")
        self.request("docker login", "store", login, is_silent)
        self.request("The stored login takes precedence", "get", HOST, returns_login(STORED))
        self.request("docker logout", "erase", HOST, is_silent)
        self.command("Restore Docker's configuration", "unconfigure", "--yes", expected="Removed ")
        self.request("No registry is left", "list", "", returns_json({}))
        self.request(
            "Docker Hub is not an ECR registry",
            "get",
            "https://index.docker.io/v1/",
            fails("credentials not found"),
        )
        self.api.faults.append(DENIED)
        self.request(
            "A policy that allows the call is missing",
            "get",
            HOST,
            fails("is not authorized to perform ecr:GetAuthorizationToken"),
        )
        calls = len(self.api.calls)
        print(f"The fake API was called {calls} times: {'correct' if calls == 2 else 'WRONG'}\n")
        return self.failures + (calls != 2)


def returns_login(password: str) -> Callable[[int, str], bool]:
    """Return a check for a response with this password."""
    return returns_json({"ServerURL": HOST, "Username": "AWS", "Secret": password})


def returns_json(expected: dict[str, str]) -> Callable[[int, str], bool]:
    """Return a check for a response that is exactly one JSON document."""

    def check(status: int, out: str) -> bool:
        try:
            return status == 0 and json.loads(out) == expected
        except ValueError:
            return False

    return check


def is_silent(status: int, out: str) -> bool:
    """Return whether a command succeeded without output."""
    return (status, out) == (0, "")


def fails(text: str) -> Callable[[int, str], bool]:
    """Return a check for an error that contains a text."""
    return lambda status, out: status == 1 and text in out


def shortened(text: str) -> str:
    """Return a request or response with its secret shortened."""
    try:
        message = json.loads(text)
    except ValueError:
        return text
    if "Secret" in message:
        secret = message["Secret"]
        message["Secret"] = f"{secret[:4]}… ({len(secret)} characters)"
    return json.dumps(message, ensure_ascii=False)


def main() -> int:
    """Run the demo in a temporary home directory; return the exit status."""
    with FakeECR() as api, tempfile.TemporaryDirectory() as home:
        failures = Demo(api, home).run()
    print(OWN_ACCOUNT.format(executable=os.path.relpath(EXECUTABLE)))
    if failures:
        print(f"\n{failures} responses were wrong", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

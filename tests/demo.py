"""``make demo``: the real executable, asked as Docker asks it, against a fake ECR API on loopback.

Everything happens in a throw-away home. The exit status is 0 only if every reply was right.
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

from tests.fake_ecr import FakeECR, Fault

if TYPE_CHECKING:
    from collections.abc import Callable

EXECUTABLE = Path(sys.executable).with_name("docker-credential-ecr-py")
HOST = "111122223333.dkr.ecr.us-west-2.amazonaws.com"
GIVEN = "a-password-that-somebody-gave"
DENIED = Fault.aws(
    "AccessDeniedException",
    "User: arn:aws:iam::111122223333:user/demo is not authorized to perform: ecr:GetAuthorizationToken "
    "on resource: * because no identity-based policy allows it",
)

OWN_ACCOUNT = """\
The same against your own AWS account, with your own credentials (the cut hides the secret):
  echo ACCOUNT.dkr.ecr.REGION.amazonaws.com | {executable} get | cut -c 1-100"""


class Demo:
    """One run: asks, shows, and remembers whether every reply was right."""

    def __init__(self, api: FakeECR, home: str) -> None:
        self.api = api
        path = os.pathsep.join((str(EXECUTABLE.parent), os.environ.get("PATH", "")))
        self.environ = {**api.environment, "HOME": home, "PATH": path}
        self.wrong = 0

    def ask(self, what: str, verb: str, stdin: str, right: Callable[[int, str], bool]) -> None:
        """Send one request, show it with its reply, and check the reply."""
        started = time.perf_counter()
        done = subprocess.run(
            [EXECUTABLE, verb], input=stdin.encode(), capture_output=True, check=False, env=self.environ
        )
        took = (time.perf_counter() - started) * 1000
        stdout = done.stdout.decode().strip()
        is_right = right(done.returncode, stdout)
        self.wrong += not is_right
        print(f"{what}\n  $ echo '{shortened(stdin)}' | docker-credential-ecr-py {verb}")
        print(f"  {shortened(stdout) or '(no output)'}")
        print(f"  exit status {done.returncode}, {took:.0f} ms: {'right' if is_right else 'WRONG'}\n")

    def show(self, what: str, *argv: str, says: str) -> None:
        """Run a command as a person does, show what it says, and check that."""
        done = subprocess.run(
            [EXECUTABLE, *argv], capture_output=True, text=True, check=False, env=self.environ
        )
        is_right = done.returncode == 0 and says in done.stdout
        self.wrong += not is_right
        print(f"{what}\n  $ docker-credential-ecr-py {' '.join(argv)}")
        print("".join(f"  {line}\n" for line in (done.stdout + done.stderr).splitlines()), end="")
        print(f"  exit status {done.returncode}: {'right' if is_right else 'WRONG'}\n")

    def run(self) -> int:
        """Go through it as a person and Docker do; return the number of wrong replies."""
        self.show("Docker is told of the helper", "configure", HOST, "--yes", says="is written")
        cold = self.api.password("us-west-2", serial=1)
        login = json.dumps({"ServerURL": HOST, "Username": "AWS", "Secret": GIVEN})
        self.ask("The first pull: the token comes from AWS", "get", HOST, answers(cold))
        self.ask("The next one: from the cache, AWS is not asked", "get", HOST, answers(cold))
        self.ask("What could be served now", "list", "", says({HOST: "AWS"}))
        self.show("The same for people", "status", says=" left")
        self.ask("docker login", "store", login, is_silent)
        self.ask("A given login comes first", "get", HOST, answers(GIVEN))
        self.ask("docker logout", "erase", HOST, is_silent)
        self.ask("Nothing is left", "list", "", says({}))
        self.ask(
            "Docker Hub is not ours", "get", "https://index.docker.io/v1/", fails("credentials not found")
        )
        self.api.faults.append(DENIED)
        self.ask(
            "A policy is missing",
            "get",
            HOST,
            fails("is not authorized to perform ecr:GetAuthorizationToken"),
        )
        self.show("Docker's configuration as it was", "unconfigure", "--yes", says="is given back")
        calls = len(self.api.calls)
        print(f"The fake API was called {calls} times: {'right' if calls == 2 else 'WRONG'}\n")
        return self.wrong + (calls != 2)


def answers(password: str) -> Callable[[int, str], bool]:
    """Return a check for a login with this password."""
    return says({"ServerURL": HOST, "Username": "AWS", "Secret": password})


def says(expected: dict[str, str]) -> Callable[[int, str], bool]:
    """Return a check for exactly one JSON document that is ``expected``."""

    def check(status: int, out: str) -> bool:
        try:
            return status == 0 and json.loads(out) == expected
        except ValueError:
            return False

    return check


def is_silent(status: int, out: str) -> bool:
    """Tell whether a command succeeded without a word."""
    return (status, out) == (0, "")


def fails(text: str) -> Callable[[int, str], bool]:
    """Return a check for an error with this text in it."""
    return lambda status, out: status == 1 and text in out


def shortened(text: str) -> str:
    """Return a request or reply without most of its secret."""
    try:
        message = json.loads(text)
    except ValueError:
        return text
    if "Secret" in message:
        secret = message["Secret"]
        message["Secret"] = f"{secret[:4]}… ({len(secret)} characters)"
    return json.dumps(message, ensure_ascii=False)


def main() -> int:
    """Run the demo in a throw-away home; return the exit status."""
    with FakeECR() as api, tempfile.TemporaryDirectory() as home:
        wrong = Demo(api, home).run()
    print(OWN_ACCOUNT.format(executable=os.path.relpath(EXECUTABLE)))
    if wrong:
        print(f"\n{wrong} of the replies were wrong", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""``many_gets.py HOW NUMBER``: use the cache like NUMBER processes, but in one process.

- ``registries``: each get is for another account, in one of several regions.
- ``hourly``, ``at-once``: all gets are for one registry, each with a new access key, like those of a role.
- ``week``: all gets are for one registry, one a minute. Print how many of them waited for AWS.

Except for ``registries``, the clock and AWS are simulated: thousands of real calls would take minutes.
"""

import io
import os
import sys
import time

from ecr_credhelper.aws import client
from ecr_credhelper.fetch import eviction
from ecr_credhelper.helper import Helper
from ecr_credhelper.token import LIFETIME, Token

REGIONS = ("us-west-2", "us-east-1", "us-east-2", "eu-central-1", "eu-west-1", "ap-south-1", "sa-east-1")
ACCOUNT = 111122223333
PASSWORD = "x" * 2400
STEPS = {"hourly": 3600, "at-once": 0, "week": 60}
"""Seconds from one get to the next."""

HOUR = 3600


class Simulation:
    """Simulates the clock, AWS and background processes."""

    def __init__(self, ahead: float) -> None:
        self.now = self.start = time.time() + ahead
        self.fetched = 0
        self.refreshed = 0

    def clock(self) -> float:
        return self.now

    def modified(self, path: str) -> float:
        """Return the modification time of a file by this clock, which is ahead of the system's clock."""
        modified = os.stat(path).st_mtime
        if modified < self.start:
            os.utime(path, (self.now, self.now))
            return self.now
        return modified

    def fetch(self, *_: object, **__: object) -> client.Response:
        """Return a token; this replaces ``client.fetch``."""
        self.fetched += 1
        token = Token("AWS", PASSWORD, fetched_at=self.now, expires_at=self.now + LIFETIME)
        return client.Response(token, "")

    def spawn(self, _: str, host: str) -> None:
        """Refresh the token now, instead of in a background process."""
        self.refreshed += 1
        Helper(os.environ, self.clock, self.spawn).refresh(host)

    def get(self, account: int = ACCOUNT, region: str = REGIONS[0]) -> None:
        """Run ``get`` for one registry, as the executable does."""
        host = f"{account}.dkr.ecr.{region}.amazonaws.com"
        reply = Helper(os.environ, self.clock, self.spawn).run("get", io.BytesIO(host.encode()))
        if reply.status:
            sys.exit(reply.stdout.decode())


def main(how: str, number: int) -> None:
    simulation = Simulation(HOUR if STEPS.get(how) else 0)
    if how == "registries":
        for serial in range(number):
            simulation.get(ACCOUNT + serial, REGIONS[serial % len(REGIONS)])
        return
    client.fetch = simulation.fetch
    time.time = simulation.clock
    eviction._modified = simulation.modified  # noqa: SLF001 - the age of files decides what is removed
    for serial in range(number):
        if how != "week":
            os.environ["AWS_ACCESS_KEY_ID"] = f"ASIAROTATED{serial:09}"
        simulation.get()
        simulation.now += STEPS[how]
    print(f"waits: {simulation.fetched - simulation.refreshed}, refreshes ahead: {simulation.refreshed}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

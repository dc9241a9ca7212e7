"""``many_gets.py HOW NUMBER``: use this home's cache as so many processes would, but within one.

- ``registries``: each get for another account, over several regions.
- ``hourly``, ``at-once``: one registry, each time with a new access key, as a role's keys change.
- ``week``: one registry, a get a minute; prints how often somebody waited for AWS.

But for the first, time passes by a clock of our own and AWS's part is made up: thousands of real calls
would take minutes.
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


class World:
    """The clock, AWS, and the background."""

    def __init__(self, ahead: float) -> None:
        self.now = self.start = time.time() + ahead
        self.fetched = 0
        self.refreshed = 0

    def clock(self) -> float:
        return self.now

    def modified(self, path: str) -> float:
        """Return when a file was written, by this clock, which is ahead of the system's."""
        modified = os.stat(path).st_mtime
        if modified < self.start:
            os.utime(path, (self.now, self.now))
            return self.now
        return modified

    def fetch(self, *_: object, **__: object) -> client.Response:
        """Return a token in place of ``client.fetch``."""
        self.fetched += 1
        token = Token("AWS", PASSWORD, fetched_at=self.now, expires_at=self.now + LIFETIME)
        return client.Response(token, "")

    def spawn(self, _: str, host: str) -> None:
        """Do at once what a process in the background would do soon."""
        self.refreshed += 1
        Helper(os.environ, self.clock, self.spawn).refresh(host)

    def get(self, account: int = ACCOUNT, region: str = REGIONS[0]) -> None:
        """Ask for one registry as the executable does."""
        host = f"{account}.dkr.ecr.{region}.amazonaws.com"
        reply = Helper(os.environ, self.clock, self.spawn).run("get", io.BytesIO(host.encode()))
        if reply.status:
            sys.exit(reply.stdout.decode())


def main(how: str, number: int) -> None:
    world = World(HOUR if STEPS.get(how) else 0)
    if how == "registries":
        for serial in range(number):
            world.get(ACCOUNT + serial, REGIONS[serial % len(REGIONS)])
        return
    client.fetch = world.fetch
    time.time = world.clock
    eviction._modified = world.modified  # noqa: SLF001 - the age of files decides what is removed
    for serial in range(number):
        if how != "week":
            os.environ["AWS_ACCESS_KEY_ID"] = f"ASIAROTATED{serial:09}"
        world.get()
        world.now += STEPS[how]
    print(f"waits: {world.fetched - world.refreshed}, refreshes ahead: {world.refreshed}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

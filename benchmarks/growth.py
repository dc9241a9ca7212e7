"""A cache after long use: a thousand registries, a thousand access keys, a week of gets."""

from dataclasses import replace
from itertools import count
from pathlib import Path

from benchmarks.fixture import Fixture
from benchmarks.homes import HELPER, HOST, PYTHON, Home
from benchmarks.processes import run
from benchmarks.report import Count, Section
from ecr_credhelper.testing.fake_ecr import FakeECR

MANY = 1000
AMAZON_KEYS = 100
WEEK = 7 * 24 * 60
"""A week, in minutes."""

MANY_GETS = str(Path(__file__).with_name("many_gets.py"))
CACHE = ".cache/ecr-credhelper"
BASELINE = "the same with 1"


def measure(fixture: Fixture) -> Section:
    """Compare a cache of many registries with a cache of one; then count the files that remain."""
    section = Section("In the long run")
    section.note = (
        "In the rows with access keys and with the week, the clock and AWS are simulated. The other is "
        f"{fixture.amazon_name}. Its waits are computed from its rule: after half of a token's life, it "
        "fetches a new one while the caller waits."
    )
    many, one = fixture.home(), fixture.home()
    for home, number in ((many, MANY), (one, 1)):
        _use(home, "registries", number)
    accounts = count(333300000000)

    def write_next_host() -> None:
        host = HOST.replace(HOST[:12], str(next(accounts)))
        for home in (many, one):
            home.write("another", host)

    with many.assert_no_calls():
        commands = many.get(), one.get()
        section.add(fixture.compare(f"warm get, {MANY} registries cached", BASELINE, commands, 60))
        commands = many.get(host="another"), one.get(host="another")
        what = f"get of one more, whose token is cached, {MANY}"
        section.add(fixture.compare(what, BASELINE, commands, 20, write_next_host))
        last = str(int(HOST[:12]) + MANY - 1)
        for verb in ("list", "status"):
            commands = many.command(HELPER, verb, expected=last), one.command(HELPER, verb, expected=HOST)
            section.add(fixture.compare(f"{verb}, {MANY} registries", BASELINE, commands, 20))

    for how, words in (("hourly", "one an hour"), ("at-once", "all at once")):
        home = fixture.home()
        _use(home, how, MANY)
        files = [path for path in (home.directory / CACHE).rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files) / 1024
        section.add(Count(f"{MANY} access keys, {words}: left", f"{len(files)} files, {size:.0f} KiB"))
    if not fixture.sandbox_problem:
        what = f"{AMAZON_KEYS} access keys, all at once: left"
        section.add(Count(what, "-", f"{_amazon_tokens(fixture)} tokens"))
    section.add(Count("a get a minute for a week", _use(fixture.home(), "week", WEEK), "28 waits"))
    return section


def _amazon_tokens(fixture: Fixture) -> int:
    """Return how many tokens of ``AMAZON_KEYS`` access keys are in the cache of Amazon's helper."""
    home = fixture.home(by_name=True)
    for serial in range(AMAZON_KEYS):
        keys = {"AWS_ACCESS_KEY_ID": f"ASIAROTATED{serial:09}", "AWS_SECRET_ACCESS_KEY": FakeECR.secret_key}
        fixture.api.identities[keys["AWS_ACCESS_KEY_ID"]] = FakeECR.secret_key
        run(replace(home.get(helper=fixture.amazon), variables=keys))
    return home.amazon_tokens()


def _use(home: Home, how: str, number: int) -> str:
    """Run ``many_gets.py`` with the cache of a home, and return its output."""
    return run(home.command(PYTHON, MANY_GETS, how, str(number))).stdout.strip()

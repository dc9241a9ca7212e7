"""A cache in the long run: a thousand registries, a thousand access keys, a week of gets."""

from dataclasses import replace
from itertools import count
from pathlib import Path

from benchmarks.homes import HELPER, HOST, PYTHON, Home
from benchmarks.processes import run
from benchmarks.report import Count, Section
from benchmarks.surroundings import Surroundings
from ecr_credhelper.testing.fake_ecr import FakeECR

MANY = 1000
AMAZON_KEYS = 100
WEEK = 7 * 24 * 60
"""Minutes."""

MANY_GETS = str(Path(__file__).with_name("many_gets.py"))
CACHE = ".cache/ecr-credhelper"
BESIDE = "the same with 1"


def measure(surroundings: Surroundings) -> Section:
    """Compare a cache of many registries with a cache of one; then count what time leaves behind."""
    section = Section("In the long run")
    section.note = (
        "Of access keys and of the week the clock is simulated and AWS made up, all else is real. The other "
        f"is {surroundings.amazon_name}. Its waits follow from its rule: it fetches a new token at half of "
        "the old one's life, while the caller waits."
    )
    many, one = surroundings.home(), surroundings.home()
    for home, number in ((many, MANY), (one, 1)):
        _use(home, "registries", number)
    accounts = count(333300000000)

    def name_another() -> None:
        host = HOST.replace(HOST[:12], str(next(accounts)))
        for home in (many, one):
            home.write("another", host)

    with many.nobody_asked():
        commands = many.get(), one.get()
        section.add(surroundings.compare(f"warm get, {MANY} registries cached", BESIDE, commands, 60))
        commands = many.get(host="another"), one.get(host="another")
        what = f"get of one more, whose token is cached, {MANY}"
        section.add(surroundings.compare(what, BESIDE, commands, 20, name_another))
        last = str(int(HOST[:12]) + MANY - 1)
        for verb in ("list", "status"):
            commands = many.command(HELPER, verb, says=last), one.command(HELPER, verb, says=HOST)
            section.add(surroundings.compare(f"{verb}, {MANY} registries", BESIDE, commands, 20))

    for how, words in (("hourly", "one an hour"), ("at-once", "all at once")):
        home = surroundings.home()
        _use(home, how, MANY)
        files = [path for path in (home.directory / CACHE).rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files) / 1024
        section.add(Count(f"{MANY} access keys, {words}: left", f"{len(files)} files, {size:.0f} KiB"))
    if not surroundings.obstacle:
        what = f"{AMAZON_KEYS} access keys, all at once: left"
        section.add(Count(what, "-", f"{_amazon_tokens(surroundings)} tokens"))
    section.add(Count("a get a minute for a week", _use(surroundings.home(), "week", WEEK), "28 waits"))
    return section


def _amazon_tokens(surroundings: Surroundings) -> int:
    """Return how many tokens Amazon's helper keeps of so many access keys."""
    home = surroundings.home(by_name=True)
    for serial in range(AMAZON_KEYS):
        keys = {"AWS_ACCESS_KEY_ID": f"ASIAROTATED{serial:09}", "AWS_SECRET_ACCESS_KEY": FakeECR.secret_key}
        surroundings.api.identities[keys["AWS_ACCESS_KEY_ID"]] = FakeECR.secret_key
        run(replace(home.get(helper=surroundings.amazon), variables=keys))
    return home.amazon_tokens()


def _use(home: Home, how: str, number: int) -> str:
    """Use a home's cache so many times as ``many_gets.py`` has it; return what that says."""
    return run(home.command(PYTHON, MANY_GETS, how, str(number))).stdout.strip()

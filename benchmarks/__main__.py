"""``python -m benchmarks``: measure, and write the table and the plot of the documents."""

import argparse
import datetime as dt
import importlib.metadata
import os
import platform
import signal
import sys
import tempfile
from pathlib import Path

from benchmarks import (
    amazon,
    completion,
    crowd,
    environments,
    gets,
    growth,
    installers,
    installs,
    library,
    sandbox,
)
from benchmarks.fixture import Fixture
from benchmarks.plot import svg
from benchmarks.processes import WrongOutputError
from benchmarks.report import markdown, quote, say

DOCS = Path("docs/explanation")
TABLE = DOCS / "speed-table.md"
QUOTING = DOCS / "speed.md"
"""The document that quotes rows of the table: their figures are replaced together with the table."""
SECTIONS = {
    "warm": gets.warm,
    "amazon": gets.amazon,
    "cold": gets.cold,
    "tls": gets.cold_tls,
    "byte-code": installs.byte_code,
    "pythons": installs.pythons,
    "completion": completion.measure,
    "memory": gets.memory,
    "library": library.measure,
    "crowd": crowd.measure,
    "growth": growth.measure,
    "installers": installers.measure,
    "install": installs.install,
}
WITH_ENVIRONMENTS = {"byte-code", "pythons", "installers", "install"}
WITH_AMAZON = {"amazon", "tls", "crowd", "growth"}
TIMEOUT_MINUTES = 20
"""Time limit of the whole run, in minutes. It usually takes six."""

DISTRIBUTIONS = ("docker-credential-ecr-py", "botocore", "awscli", "pip", "uv")


def main(argv: list[str]) -> int:
    """Prepare what needs a network, then measure, in a sandbox if possible."""
    options = parse(argv)
    if options.inside:
        return measure(options, options.inside)
    for number in (signal.SIGTERM, signal.SIGALRM):  # sys.exit() removes the temporary directory
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    signal.alarm(TIMEOUT_MINUTES * 60)
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as name:
        directory = Path(name)
        wanted = set(options.only)
        if wanted & WITH_AMAZON:
            amazon.prepare(directory)
        if wanted & WITH_ENVIRONMENTS:
            environments.prepare(directory)
        if "installers" in wanted:
            installers.prepare(directory)
        options.sandbox_problem = sandbox.problem(amazon.find(directory)[0])
        if options.sandbox_problem:
            return measure(options, directory)
        return sandbox.enter([*argv, "--inside", name])


def parse(argv: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--only", nargs="+", default=list(SECTIONS), choices=SECTIONS, help="sections (all of them)")
    add("--table", type=Path, default=TABLE, help="path of the table (%(default)s)")
    add("--plot", type=Path, default=DOCS / "speed.svg", help="path of the plot (%(default)s)")
    add("--scale", type=float, default=1, help="factor for the number of rounds (%(default)s)")
    add("--inside", type=Path, help=argparse.SUPPRESS)
    parser.set_defaults(sandbox_problem="")
    return parser.parse_args(argv)


def measure(options: argparse.Namespace, directory: Path) -> int:
    """Measure the sections and write them; return the exit status."""
    try:
        with Fixture(directory, sandbox_problem=options.sandbox_problem, scale=options.scale) as fixture:
            peer, sections = fixture.amazon_name, []
            for name in options.only:
                say(f"\n{name}")
                sections.append(SECTIONS[name](fixture))
    except WrongOutputError as error:
        print(error, file=sys.stderr)
        return 1
    table = markdown(sections, versions(peer))
    texts = {options.table: table, options.plot: svg(sections)}
    if options.table == TABLE:
        texts[QUOTING] = quote(QUOTING.read_text(), table)
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        say(f"wrote {path}")
    return 0


def versions(peer: str) -> str:
    """Return the date, the versions and the machine; ``peer`` is the name and version of Amazon's helper."""
    found = [f"{platform.python_implementation()} {platform.python_version()}"]
    for name in DISTRIBUTIONS:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    found.append(peer)
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} shared cores"
    return f"Measured {dt.datetime.now(dt.UTC):%Y-%m-%d}: {', '.join(found)}; {machine}."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

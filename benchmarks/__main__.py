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
from benchmarks.plot import svg
from benchmarks.processes import WrongAnswerError
from benchmarks.report import markdown, quote, say
from benchmarks.surroundings import Surroundings

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
MINUTES = 20
"""After which something hangs: all of it takes six."""

DISTRIBUTIONS = ("docker-credential-ecr-py", "botocore", "awscli", "pip", "uv")


def main(argv: list[str]) -> int:
    """Prepare what needs a network, then measure: in a sandbox where there can be one."""
    options = parse(argv)
    if options.inside:
        return measure(options, options.inside)
    for number in (signal.SIGTERM, signal.SIGALRM):  # nothing is left behind then either
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    signal.alarm(MINUTES * 60)
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as name:
        folder = Path(name)
        wanted = set(options.only)
        if wanted & WITH_AMAZON:
            amazon.prepare(folder)
        if wanted & WITH_ENVIRONMENTS:
            environments.prepare(folder)
        if "installers" in wanted:
            installers.prepare(folder)
        options.obstacle = sandbox.obstacle(amazon.find(folder)[0])
        if options.obstacle:
            return measure(options, folder)
        return sandbox.enter([*argv, "--inside", name])


def parse(argv: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--only", nargs="+", default=list(SECTIONS), choices=SECTIONS, help="sections (all of them)")
    add("--table", type=Path, default=TABLE, help="where the table goes (%(default)s)")
    add("--plot", type=Path, default=DOCS / "speed.svg", help="where the plot goes (%(default)s)")
    add("--scale", type=float, default=1, help="times the usual number of rounds (%(default)s)")
    add("--inside", type=Path, help=argparse.SUPPRESS)
    parser.set_defaults(obstacle="")
    return parser.parse_args(argv)


def measure(options: argparse.Namespace, folder: Path) -> int:
    """Measure the sections and write them; return the exit status."""
    try:
        with Surroundings(folder, obstacle=options.obstacle, scale=options.scale) as surroundings:
            peer, sections = surroundings.amazon_name, []
            for name in options.only:
                say(f"\n{name}")
                sections.append(SECTIONS[name](surroundings))
    except WrongAnswerError as error:
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
    """Return when and with what this was measured, beside Amazon's helper as ``peer`` names it."""
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

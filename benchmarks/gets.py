"""One ``get``: warm, beside the interpreter's own start and Amazon's helper; cold; and its memory."""

import importlib.util
import statistics
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.homes import IDENTITIES, KEYS, PYTHON, REGION, ROLE
from benchmarks.processes import Command, run
from benchmarks.report import Count, Section
from benchmarks.surroundings import Surroundings

SETTINGS_FILE = ".config/ecr-credhelper/config.toml"
SETTINGS = 'fallback = "pass"  # a warm get looks at time, size and inode of this file, not into it\n'
MINIMAL = Path(__file__).with_name("minimal.py")
LAUNCHER = Path(__file__).with_name("peak.py")
MEMORY_ROUNDS = 10
RSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in which the system counts a peak."""


def warm(surroundings: Surroundings) -> Section:
    """Compare with the interpreter's own start, for every kind of identity; no call may be made."""
    section = Section("Warm get: the token is cached")
    kinds = [("", "")]
    if importlib.util.find_spec("ecr_credhelper.settings.loader"):
        kinds.append((", with settings", SETTINGS))
    for kind, settings in kinds:
        for identity in IDENTITIES:
            home = surroundings.home()
            if settings:
                home.write(SETTINGS_FILE, settings)
            get = home.get(identity=identity)
            run(get)
            with home.nobody_asked():
                row = surroundings.compare(identity + kind, "python -c pass", (get, home.bare()), 100)
            section.add(row)
    return section


def amazon(surroundings: Surroundings) -> Section:
    """Compare with Amazon's helper, which looks for the AWS credentials before it looks into its cache."""
    section = Section("Warm get beside Amazon's helper")
    section.note = (
        "For a role Amazon's helper asks STS (which answers in 50 ms here) and then, since its cache is "
        "keyed by the access key, ECR (which answers at once here): real ones add their own time to its."
    )
    for identity in (KEYS, ROLE):
        if surroundings.obstacle:
            section.skip(identity, surroundings.obstacle)
            continue
        home = surroundings.home(by_name=True)
        commands = home.get(identity=identity), home.get(identity=identity, helper=surroundings.amazon)
        run(commands[0])
        section.add(surroundings.compare(identity, surroundings.amazon_name, commands, 60))
    return section


def cold(surroundings: Surroundings) -> Section:
    """Compare with what people run without a helper; the API is on loopback, without TLS."""
    section = Section("Cold get: nothing is cached, AWS answers at once")
    section.note = (
        "The script is [benchmarks/minimal.py](../../benchmarks/minimal.py), in the same environment."
    )
    home = surroundings.home()
    password = surroundings.api.password(REGION)
    minimal = home.command(PYTHON, str(MINIMAL), says=password)
    section.add(surroundings.compare("cold get", "minimal.py", (home.get(), minimal), 20, home.forget))
    aws = Path(PYTHON).with_name("aws")
    if aws.exists():
        login = home.command(str(aws), "ecr", "get-login-password", "--region", REGION, says=password)
        beside = "aws ecr get-login-password"
        section.add(surroundings.compare("cold get", beside, (home.get(), login), 12, home.forget))
    else:
        section.skip("aws ecr get-login-password", "no awscli in this environment")
    return section


def cold_tls(surroundings: Surroundings) -> Section:
    """Compare over TLS, where each reads CA certificates in its own way."""
    section = Section("Cold get over TLS, with a full store of CA certificates")
    section.note = (
        "Both helpers trust the system's certificates, to which one of ours is added; ours looks a "
        "certificate up in the directory, where there is one in OpenSSL's form. boto3 reads a bundle: here "
        "botocore's own, with ours at its end. A compiled program wins by far, once in twelve hours: "
        "reading botocore is what takes the time."
    )
    if surroundings.obstacle:
        section.skip("cold get over TLS", surroundings.obstacle)
        return section
    home = surroundings.home(by_name=True)
    script = home.command(PYTHON, str(MINIMAL), says=surroundings.api.password(REGION))
    script = replace(script, variables={**script.variables, "AWS_CA_BUNDLE": surroundings.bundle})
    amazons = home.get(helper=surroundings.amazon)
    for beside, other in (("minimal.py", script), (surroundings.amazon_name, amazons)):
        section.add(surroundings.compare("cold get, TLS", beside, (home.get(), other), 20, home.forget))
    return section


def memory(surroundings: Surroundings) -> Section:
    """Weigh a warm get and the bare interpreter in turn."""
    home = surroundings.home()
    get, bare = home.get(), home.bare()
    run(get)
    peaks = [(_peak(get), _peak(bare)) for _ in range(MEMORY_ROUNDS)]
    ours, other = (f"{statistics.median(side):.2f} MiB" for side in zip(*peaks, strict=True))
    section = Section("Memory; the other is `python -c pass`")
    section.add(Count("peak of a warm get", ours, other))
    return section


def _peak(command: Command) -> float:
    """Return a command's peak in MiB, seen from a process that is smaller than what it starts.

    A process counts as its own peak that of its parent, which it shares until it runs its program: from
    here everything would seem as large as the present process.
    """
    launched = replace(command, argv=(PYTHON, "-I", "-S", str(LAUNCHER), *command.argv))
    return int(run(launched).stderr) * RSS_UNIT / 1024**2

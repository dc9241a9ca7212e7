"""One ``get``: warm, compared with the start of Python and with Amazon's helper; cold; and its memory."""

import importlib.util
import statistics
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks.fixture import Fixture
from benchmarks.homes import IDENTITIES, KEYS, PYTHON, REGION, ROLE
from benchmarks.processes import Command, run
from benchmarks.report import Count, Section

SETTINGS_FILE = ".config/ecr-credhelper/config.toml"
SETTINGS = 'fallback = "pass"  # a warm get checks only the time, size and inode of this file\n'
MINIMAL = Path(__file__).with_name("minimal.py")
LAUNCHER = Path(__file__).with_name("peak.py")
MEMORY_ROUNDS = 10
RSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Unit in which the system reports a peak, in bytes."""


def warm(fixture: Fixture) -> Section:
    """Compare with the start of the interpreter, for every kind of identity. No call to AWS is allowed."""
    section = Section("Warm get: the token is cached")
    kinds = [("", "")]
    if importlib.util.find_spec("ecr_credhelper.settings.loader"):
        kinds.append((", with settings", SETTINGS))
    for kind, settings in kinds:
        for identity in IDENTITIES:
            home = fixture.home()
            if settings:
                home.write(SETTINGS_FILE, settings)
            get = home.get(identity=identity)
            run(get)
            with home.assert_no_calls():
                row = fixture.compare(identity + kind, "python -c pass", (get, home.bare()), 100)
            section.add(row)
    return section


def amazon(fixture: Fixture) -> Section:
    """Compare with Amazon's helper, which loads the AWS credentials before it reads its cache."""
    section = Section("Warm get compared with Amazon's helper")
    section.note = (
        "For a role, Amazon's helper calls STS (which responds in 50 ms here). It then also calls ECR (which "
        "responds at once here), because its cache is keyed by the access key. Real APIs take longer."
    )
    for identity in (KEYS, ROLE):
        if fixture.sandbox_problem:
            section.skip(identity, fixture.sandbox_problem)
            continue
        home = fixture.home(by_name=True)
        commands = home.get(identity=identity), home.get(identity=identity, helper=fixture.amazon)
        run(commands[0])
        section.add(fixture.compare(identity, fixture.amazon_name, commands, 60))
    return section


def cold(fixture: Fixture) -> Section:
    """Compare with the commands that users run without a helper. The API is on loopback, without TLS."""
    section = Section("Cold get: nothing is cached, AWS responds at once")
    section.note = (
        "The script is [benchmarks/minimal.py](../../benchmarks/minimal.py), in the same environment."
    )
    home = fixture.home()
    password = fixture.api.password(REGION)
    minimal = home.command(PYTHON, str(MINIMAL), expected=password)
    section.add(fixture.compare("cold get", "minimal.py", (home.get(), minimal), 20, home.forget))
    aws = Path(PYTHON).with_name("aws")
    if aws.exists():
        login = home.command(str(aws), "ecr", "get-login-password", "--region", REGION, expected=password)
        baseline = "aws ecr get-login-password"
        section.add(fixture.compare("cold get", baseline, (home.get(), login), 12, home.forget))
    else:
        section.skip("aws ecr get-login-password", "no awscli in this environment")
    return section


def cold_tls(fixture: Fixture) -> Section:
    """Compare over TLS, for which each program reads CA certificates differently."""
    section = Section("Cold get over TLS, with a full store of CA certificates")
    section.note = (
        "Both helpers trust the system's certificates, to which the certificate of the test is added. If "
        "there is a directory in OpenSSL's form, this helper reads one certificate from it. boto3 reads a "
        "bundle, here botocore's own with the same certificate at its end. A compiled program is much faster "
        "here, because it does not import botocore."
    )
    if fixture.sandbox_problem:
        section.skip("cold get over TLS", fixture.sandbox_problem)
        return section
    home = fixture.home(by_name=True)
    script = home.command(PYTHON, str(MINIMAL), expected=fixture.api.password(REGION))
    script = replace(script, variables={**script.variables, "AWS_CA_BUNDLE": fixture.bundle})
    amazon_get = home.get(helper=fixture.amazon)
    for baseline, other in (("minimal.py", script), (fixture.amazon_name, amazon_get)):
        section.add(fixture.compare("cold get, TLS", baseline, (home.get(), other), 20, home.forget))
    return section


def memory(fixture: Fixture) -> Section:
    """Measure the peak memory of a warm get and of the interpreter in turn."""
    home = fixture.home()
    get, bare = home.get(), home.bare()
    run(get)
    peaks = [(_peak(get), _peak(bare)) for _ in range(MEMORY_ROUNDS)]
    ours, other = (f"{statistics.median(side):.2f} MiB" for side in zip(*peaks, strict=True))
    section = Section("Memory; the other is `python -c pass`")
    section.add(Count("peak of a warm get", ours, other))
    return section


def _peak(command: Command) -> float:
    """Return the peak memory of a command in MiB, started by a process that is smaller than the command.

    Until a process executes its program, it shares the memory of its parent, which counts towards its peak.
    Started by this process, every command would seem as large as this process.
    """
    launched = replace(command, argv=(PYTHON, "-I", "-S", str(LAUNCHER), *command.argv))
    return int(run(launched).stderr) * RSS_UNIT / 1024**2

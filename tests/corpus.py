"""The corpus of host names in ``tests/data``, read once for the tests that use it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

DATA = Path(__file__).parent / "data"


class Row(NamedTuple):
    """One line of ``hosts.tsv``."""

    server: str
    host: str
    account: str
    region: str
    partition: str
    fips: bool
    dualstack: bool
    api: str


def _lines(name: str) -> list[str]:
    lines = (DATA / name).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _row(line: str) -> Row:
    server, host, account, region, partition, fips, dualstack, api = line.split("\t")
    host = server if host == "=" else host
    return Row(server, host, account, region, partition, fips == "fips", dualstack == "dualstack", api)


HOSTS = [_row(line) for line in _lines("hosts.tsv")]
NOT_ECR = _lines("not-ecr.txt")

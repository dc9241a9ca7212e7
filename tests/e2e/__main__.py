"""``python -m tests.e2e [WORD...]``: see the package's description."""

import os
import shutil
import sys

from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.e2e import (
    cases,
    certificates,
    engine,
    metadata,
    paging,
    programs,
    registries,
    sandbox,
    table,
    tokens,
)
from tests.e2e.home import AMAZONS, HELPER
from tests.e2e.report import Report, Row

_INSIDE = "--inside"

_NEWER = {"docker buildx", "docker compose", "crane", "oras", AMAZONS}
"""Programs that Debian 12 does not have: see ``make newest``."""

_ADDRESSES = {
    **registries.ADDRESSES,
    paging.PAGED.host: paging.PAGED.address,
    metadata.HOST: metadata.ADDRESS,
}


def main(arguments: list[str]) -> int:
    """Enter the sandbox and run all cases, or only those that match one of the words."""
    inside = _INSIDE in arguments
    words = [argument for argument in arguments if argument != _INSIDE]
    chosen = [case for case in table.table() if _wanted(case, words)]
    if inside:
        return _try_all(chosen)
    if reason := _obstacle():
        report = Report()
        for case in chosen:
            report.add(_lacking(case.row(), reason))
        return report.sum()
    return sandbox.enter([_INSIDE, *words])


def _wanted(case: cases.Try, words: list[str]) -> bool:
    row = case.row()
    return not words or any(word in f"{row.client} {row.registries} {row.configuration}" for word in words)


def _obstacle() -> str | None:
    """Return why no case can run on this machine, or an empty string."""
    if absent := programs.missing((str(HELPER), *registries.PROGRAMS)):
        return f"no {', '.join(absent)}"
    return sandbox.obstacle()


def _lacking(row: Row, reason: str) -> Row:
    """Skip a case that lacks a program, unless all programs should have been installed."""
    row.result = "FAILED" if os.environ.get("CI") == "true" else "skipped"
    row.trouble = reason
    return row


def _absent(row: Row, names: list[str]) -> Row:
    """Return the row of a case that lacks programs. Those that only newer systems have are no failure."""
    if set(names) <= _NEWER:
        row.result, row.trouble = "skipped", f"not on this machine: {', '.join(names)}"
        return row
    return _lacking(row, f"no {', '.join(names)}")


def _try_all(chosen: list[cases.Try]) -> int:
    """Run the cases. This process is in the sandbox."""
    sandbox.furnish(_ADDRESSES)
    with FakeECR(unique=False) as api:
        report = Report(_secrets(api))
        try:
            _serve(api)
        except programs.ProgramError as error:
            row = Row("servers", "-", "-")
            row.fail(str(error))
            report.add(row)
            return report.sum()
        report.add(cases.refuse_other_tokens(api))
        for number, case in enumerate(chosen, 1):
            if missing := case.missing():
                report.add(_absent(case.row(), missing))
            else:
                report.add(case.attempt(f"case{number}", api))
        return report.sum()


def _secrets(api: FakeECR) -> list[str]:
    """Return the secrets that must not be in any output."""
    closed = [registry for registry in registries.REGISTRIES if registry.user]
    found = [api.secret_key]
    for registry in closed:
        for password in (registry.password(api), registry.other_password(api)):
            found += [password, registries.basic(registry, password)]
    return found


def _serve(api: FakeECR) -> None:
    """Start all servers that the clients call, except the API, which is already running."""
    certificates.certify(_ADDRESSES)
    tokens.start()
    metadata.start(api)
    for registry in registries.REGISTRIES:
        registry.start(api)
    paging.PAGED.start(api)
    if shutil.which("dockerd"):
        engine.start()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The rows of the report: each case and its result in one line, and a summary at the end."""

import sys
import textwrap
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

_WIDTHS = {
    "result": 7,
    "client": 17,
    "version": 8,
    "registries": 10,
    "configuration": 23,
    "kept by": 11,
    "push": 6,
    "anonymous": 9,
    "pull": 6,
    "digest": 12,
    "API calls": 9,
    "seconds": 7,
}


@dataclass
class Row:
    """One line of the report; ``trouble`` is the text of the failure below it."""

    client: str
    registries: str
    configuration: str
    version: str = "-"
    kept: str = "-"
    push: str = "-"
    anonymous: str = "-"
    pull: str = "-"
    digest: str = "-"
    calls: str = "-"
    result: str = "passed"
    trouble: str = ""
    began: float = field(default_factory=time.monotonic)

    def fail(self, trouble: str) -> None:
        """Record a failure and its reason."""
        self.result, self.trouble = "FAILED", trouble


class Report:
    """Prints and counts the rows, without ``secrets``."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = tuple(secrets)
        self._results: list[str] = []
        _print_line(*_WIDTHS)

    def add(self, row: Row) -> None:
        """Print ``row``, and below it the text of its failure."""
        self._results.append(row.result)
        what = (row.result, row.client, row.version, row.registries, row.configuration)
        if row.result == "skipped":
            _print_line(*what, row.trouble)
            return
        outcome = (row.kept, row.push, row.anonymous, row.pull, row.digest, row.calls)
        seconds = f"{time.monotonic() - row.began:.1f}"
        _print_line(*what, *outcome, seconds)
        trouble = row.trouble
        for secret in self._secrets:
            trouble = trouble.replace(secret, "[secret]")
        _print(textwrap.indent(trouble.rstrip(), " " * 9))

    def sum(self) -> int:
        """Print the summary and return the exit status: success if no case failed and at least one ran."""
        passed, failed, skipped = map(self._results.count, ("passed", "FAILED", "skipped"))
        _print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
        return 0 if passed and not failed else 1


def _print_line(*cells: str) -> None:
    padded = (cell.ljust(width) for cell, width in zip(cells, _WIDTHS.values(), strict=False))
    _print("  ".join(padded).rstrip())


def _print(text: str) -> None:
    """Print and flush, because a run can be killed at any time."""
    if text:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

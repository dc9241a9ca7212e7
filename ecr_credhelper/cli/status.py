"""``status``: show the configuration and the cached tokens, without network access."""

import json
import os
import time
from typing import TYPE_CHECKING, Any

from ecr_credhelper.cli.report import FAILURE, Report
from ecr_credhelper.console.wording import AS_ROOT, counted, format_duration
from ecr_credhelper.docker.config import HELPER_SUFFIX
from ecr_credhelper.errors import PROG

if TYPE_CHECKING:
    import argparse

    from ecr_credhelper.console.terminal import Terminal

COLUMNS = ("REGISTRY", "IDENTITY", "TOKEN", "USED BY")
SHORTENED = ("IDENTITY",)
CLIENTS = {"Docker", "podman", "Docker, podman"}
"""Values of the column USED BY. If all rows have the same one of these, the column is omitted."""


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Show files, registries, identities, tokens and problems; return 1 if a file is invalid."""
    report = Report(dict(os.environ), time.time()).content()  # dict: os.environ would encode every name
    if options.json:
        terminal.write_raw(json.dumps(report, indent=2))
    else:
        _show(report, terminal)
    return 1 if any(problem["severity"] == FAILURE for problem in report["problems"]) else 0


def _show(report: dict[str, Any], terminal: "Terminal") -> None:
    for name, text in _header(report).items():
        terminal.field(name, text)
    terminal.print()
    if report["registries"]:
        _show_registries(report["registries"], terminal)
    elif report["docker"]["handles_all"] or report["podman"]["handles_all"]:
        terminal.print("No cached tokens yet: the first pull fetches one.")
    elif not any(
        problem["severity"] == FAILURE or problem["subject"] == report["docker"]["file"]
        for problem in report["problems"]
    ):
        terminal.print(f"No registries configured yet. Run: {PROG} configure")
    for number, problem in enumerate(report["problems"]):
        if number == 0:
            terminal.print()
        terminal.item(problem["severity"], f"{problem['subject']}: {problem['text']}", problem["hint"])


def _header(report: dict[str, Any]) -> dict[str, str]:
    """Return the lines about the files, by their padded names."""
    docker, podman, settings, cache = (report[name] for name in ("docker", "podman", "settings", "cache"))
    store = f"credsStore {docker['creds_store']}" if docker["creds_store"] else ""
    directory, reason = cache["directory"] or "none", cache["unused_reason"]
    count = counted(podman["registries"], "registry")
    own_files = f"{', '.join(podman['files'])}, {'all registries' if podman['handles_all'] else count}"
    no_file = (
        "reads Docker's file" if podman["reads_docker_file"] and docker["registries"] else "not configured"
    )
    tokens = f"{directory}, {counted(cache['tokens'], 'token')}"
    return {
        "Docker  ": _file(docker, counted(docker["registries"], "registry"), store),
        "podman  ": own_files if podman["files"] else no_file,
        "Settings": _file(settings, counted(settings["rules"], "rule") if settings["rules"] else ""),
        "Cache   ": f"{directory} is not used: {reason}; {AS_ROOT}" if reason else tokens,
    }


def _file(part: dict[str, Any], *details: str) -> str:
    if not part["exists"]:
        return f"{part['file']} (not found)" if part["file"] else "none"
    return ", ".join(filter(None, (part["file"], *details)))


def _show_registries(registries: list[dict[str, Any]], terminal: "Terminal") -> None:
    rows = [(row["host"], row["identity"] or "?", _token(row["token"]), _via(row)) for row in registries]
    clients = {via for *_, via in rows}
    count = len(COLUMNS) - 1 if len(clients) == 1 and clients <= CLIENTS else len(COLUMNS)
    terminal.table(COLUMNS[:count], [row[:count] for row in rows], SHORTENED)


def _token(token: dict[str, Any] | None) -> str:
    return format_duration(token["expires_in"]) if token else "none"


def _via(row: dict[str, Any]) -> str:
    """Return which clients ask this helper about a registry, or which helper Docker asks instead."""
    clients = [name for name in ("Docker", "podman") if row[f"{name.lower()}_helper"] == HELPER_SUFFIX]
    other = f"Docker uses {row['docker_helper']}" if row["docker_helper"] else "no client"
    return ", ".join(clients) or other

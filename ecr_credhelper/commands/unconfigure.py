"""Gives back the configuration of Docker and of podman, and the settings, as they were before configure."""

import os
from typing import TYPE_CHECKING

from ecr_credhelper import entries
from ecr_credhelper.commands.change import add_writing, are_wanted
from ecr_credhelper.config_file import ConfigFile
from ecr_credhelper.docker_config import containers_files
from ecr_credhelper.places import docker_config_file, settings_file

if TYPE_CHECKING:
    import argparse

    from ecr_credhelper.terminal import Terminal


def arguments(parser: "argparse.ArgumentParser") -> None:
    """Take how it writes."""
    add_writing(parser)


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Show what changes, ask, write."""
    changes, shown = [], set()
    for path in (docker_config_file(os.environ), containers_files(os.environ)[-1]):
        file = ConfigFile(path, entries.check)
        if file.before is not None or entries.is_configured(file.text):
            text = entries.undone(file.text, file.before or "")
            changes.append((file, text))
            shown |= entries.helpers(file.text) | entries.helpers(text)
    settings = settings_file(os.environ)
    if settings:
        file = ConfigFile(settings, str)
        text = entries.without_fallback(file.text)
        if text != file.text:
            changes.append((file, text))
    if not changes:
        terminal.say(f"{terminal.mark('ok')} nothing to give back")
    elif are_wanted(changes, shown, options, terminal):
        for file, text in changes:
            file.give_back(text)
            terminal.say(f"{terminal.mark('ok')} {file.path} is given back")
    elif not options.dry_run:
        return 1
    return 0

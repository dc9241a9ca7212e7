"""``kubelet``: respond to a request of the kubelet, or print the kubelet's configuration."""

import io
import os
import sys
import time
from typing import TYPE_CHECKING

from ecr_credhelper.__main__ import spawn
from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.helper import Helper
from ecr_credhelper.kubelet import provider
from ecr_credhelper.kubelet.protocol import parse_request
from ecr_credhelper.protocol import read_request
from ecr_credhelper.settings.loader import load_settings

if TYPE_CHECKING:
    import argparse

    from ecr_credhelper.console.terminal import Terminal


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Print only the response, which the kubelet decodes strictly, or only the configuration."""
    if options.print_config:
        from ecr_credhelper.kubelet.configuration import configuration

        audience = options.service_accounts or ""
        terminal.write_raw(configuration(load_settings(os.environ), os.environ, audience))
        return 0
    if options.service_accounts:
        raise ConfigurationError("kubelet", "--service-accounts requires --print-config", "add it")
    request = parse_request(read_request(sys.stdin.buffer if sys.stdin else io.BytesIO()))
    helper = Helper(os.environ, time.time, spawn)
    helper.deadline = provider.DEADLINE
    response = provider.provide(request, helper)
    if terminal.shows_output:
        terminal.warn("warning: the response can contain a password and is visible on your screen")
    terminal.write_raw(response)
    return 0

"""Registries that are not ECR: handed to the person's own store, so that no login is lost.

That store is the credential helper which the settings name, else the logins that are written in Docker's
own configuration file.
"""

import json
import os
import signal
import subprocess
from typing import TYPE_CHECKING

from ecr_credhelper.docker.config import HELPER_SUFFIX, docker_config
from ecr_credhelper.docker.programs import which
from ecr_credhelper.errors import NOT_FOUND_TEXT, UnsupportedRegistryError
from ecr_credhelper.protocol import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

RECURSION_GUARD = "ECR_CREDHELPER_INSIDE_FALLBACK"
"""Set for the fallback and whatever it calls: who finds it set does not call a fallback again."""

NO_STORE = (
    'let another helper keep it: fallback = "…" in the settings file; or name this one for the ECR hosts '
    'alone, under "credHelpers" in Docker\'s config.json, instead of "credsStore"'
)


class Fallback:
    """The person's own store, for one process with its environment variables.

    ``suffix`` is the end of the name of the helper that the settings name, or nothing.
    """

    def __init__(self, environ: "Mapping[str, str]", suffix: str) -> None:
        self.environ = environ
        self.is_inside = bool(environ.get(RECURSION_GUARD))
        self.suffix = "" if self.is_inside else suffix

    def get(self, server: str, request: bytes) -> Reply:
        """Return the fallback's reply, byte for byte; where it has no login, an inline one or not-found."""
        reply = self._call("get", request) if self.suffix else None
        if reply and not _is_without_login(reply):
            return reply
        login = None if self.is_inside else docker_config(self.environ).login(server)
        return Reply.credentials(server, *login) if login else reply or Reply.not_found()

    def store(self, host: str, request: bytes) -> Reply:
        """Let the fallback keep a login; UnsupportedRegistryError where there is none.

        Not silently: Docker would print "Login Succeeded", and later pulls would be anonymous.
        """
        if not self.suffix:
            reason = "not an Amazon ECR registry, and there is no fallback that could keep its login"
            raise UnsupportedRegistryError(host, reason, NO_STORE)
        reply = self._call("store", request)
        if reply is None:
            reason = f"the fallback docker-credential-{self.suffix} cannot be started"
            raise UnsupportedRegistryError(host, reason, "install it on PATH, or correct the settings file")
        return reply

    def erase(self, request: bytes) -> Reply:
        """Let the fallback forget a login; without one there is nothing to forget."""
        return (self._call("erase", request) if self.suffix else None) or Reply()

    def hosts(self, seconds: float) -> dict[str, str]:
        """Return server -> user name of the logins that the fallback and Docker's configuration have.

        A fallback that fails, returns something else, or takes longer than ``seconds`` has none.
        """
        if self.is_inside:
            return {}
        config = docker_config(self.environ)
        inline = config.logins() if config.creds_store == HELPER_SUFFIX else {}
        return {**inline, **(self._listed(seconds) if self.suffix else {})}

    def _listed(self, seconds: float) -> dict[str, str]:
        try:
            reply = self._call("list", b"unused", seconds)
            hosts = json.loads(reply.stdout) if reply and reply.status == 0 else {}
        except (subprocess.TimeoutExpired, ValueError, RecursionError):
            return {}
        if not isinstance(hosts, dict):
            return {}
        return {host: name for host, name in hosts.items() if isinstance(name, str)}

    def _call(self, verb: str, request: bytes, seconds: float | None = None) -> Reply | None:
        """Return the fallback's reply, or None if it cannot be started.

        A call with a limit in ``seconds`` does not reach the terminal, and ends with all its child processes.
        """
        program = which(f"docker-credential-{self.suffix}", self.environ)
        if program is None:
            return None
        try:
            process = subprocess.Popen(  # noqa: S603 - the program that the user's settings name
                [program, verb],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # The user sees what a get has to say; a list must stay silent.
                stderr=subprocess.DEVNULL if seconds else None,
                env={**self.environ, RECURSION_GUARD: "1"},
                start_new_session=bool(seconds),  # which makes it a process group, to end as a whole
            )
        except OSError:
            return None
        with process:
            try:
                stdout, _ = process.communicate(request, timeout=seconds)
            except BaseException:
                _kill(process, is_group=bool(seconds))
                raise
        return Reply(stdout, status=process.returncode if process.returncode >= 0 else 1)


def _kill(process: "subprocess.Popen[bytes]", *, is_group: bool) -> None:
    """End a process, with its child processes if it leads a group; Windows has no such groups."""
    if is_group and hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


def _is_without_login(reply: Reply) -> bool:
    """Tell whether a helper says that it has no login: by the protocol's text, or with an empty one.

    The docker-credential-pass of Debian 12 answers so, with success, for every server that it does not know.
    """
    if reply.status:
        return NOT_FOUND_TEXT.encode() in reply.stdout
    try:
        login = json.loads(reply.stdout)
    except (ValueError, RecursionError):
        return False
    return isinstance(login, dict) and not login.get("Username") and not login.get("Secret")

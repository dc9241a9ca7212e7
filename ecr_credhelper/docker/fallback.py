"""Pass requests for registries that are not ECR to the fallback, another credential helper.

The inline logins in Docker's configuration file are served as well.
"""

import json
import os
from typing import TYPE_CHECKING

from ecr_credhelper.docker.config import docker_config
from ecr_credhelper.docker.programs import is_this_helper, which
from ecr_credhelper.errors import NOT_FOUND_TEXT, UnsupportedRegistryError
from ecr_credhelper.protocol import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

RECURSION_GUARD = "ECR_CREDHELPER_INSIDE_FALLBACK"
"""Set in the environment of the fallback: a nested call of this helper does not call a fallback again."""

NO_FALLBACK_HINT = (
    'set fallback = "…" in the settings file, or configure this helper for ECR hosts only: use "credHelpers" '
    'instead of "credsStore" in Docker\'s config.json'
)


class Fallback:
    """The fallback helper and the inline logins of Docker's configuration file.

    ``suffix`` is the suffix of the fallback helper, or an empty string without a fallback.
    """

    def __init__(self, environ: "Mapping[str, str]", suffix: str) -> None:
        self.environ = environ
        self.is_inside = bool(environ.get(RECURSION_GUARD))
        self.suffix = "" if self.is_inside else suffix

    def get(self, server: str, request: bytes) -> Reply:
        """Return the fallback's reply unchanged. If it has no login, return the inline login or not-found."""
        reply = self._call("get", request)
        if reply and not _is_without_login(reply):
            return reply
        login = None if self.is_inside else docker_config(self.environ).login(server)
        return Reply.credentials(server, *login) if login else reply or Reply.not_found()

    def store(self, host: str, request: bytes) -> Reply:
        """Pass a login to the fallback, or raise UnsupportedRegistryError if no fallback can store it.

        Without the error, Docker would print "Login Succeeded", but later pulls would be anonymous.
        """
        if not self.suffix:
            reason = "not an Amazon ECR registry, and no fallback is configured to store the login"
            raise UnsupportedRegistryError(host, reason, NO_FALLBACK_HINT)
        reply = self._call("store", request)
        if reply is None:
            reason = f"the fallback docker-credential-{self.suffix} cannot be started"
            raise UnsupportedRegistryError(host, reason, "install it on PATH, or correct the settings file")
        return reply

    def erase(self, request: bytes) -> Reply:
        """Pass the request to the fallback; without a fallback, do nothing."""
        return self._call("erase", request) or Reply()

    def hosts(self, seconds: float) -> dict[str, str]:
        """Return server -> user name of the inline logins and of the fallback's logins.

        If the fallback fails, returns an invalid list or takes more than ``seconds``, its logins are omitted.
        """
        if self.is_inside:
            return {}
        config = docker_config(self.environ)
        inline = config.logins() if is_this_helper(config.creds_store, self.environ) else {}
        return {**inline, **self._listed(seconds)}

    def _listed(self, seconds: float) -> dict[str, str]:
        if not self.suffix:
            return {}
        import subprocess

        try:
            reply = self._call("list", b"unused", seconds)
            hosts = json.loads(reply.stdout) if reply and reply.status == 0 else {}
        except (subprocess.TimeoutExpired, ValueError, RecursionError):
            return {}
        if not isinstance(hosts, dict):
            return {}
        return {host: name for host, name in hosts.items() if isinstance(name, str)}

    def _call(self, verb: str, request: bytes, seconds: float | None = None) -> Reply | None:
        """Return the fallback's reply, or None if there is no fallback or it cannot be started.

        With a timeout in ``seconds``, the fallback has no terminal and is killed with its child processes.
        """
        program = which(f"docker-credential-{self.suffix}", self.environ) if self.suffix else None
        if program is None:
            return None
        import subprocess

        try:
            process = subprocess.Popen(  # noqa: S603 - the program that the user's settings name
                [program, verb],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # The messages of a get are for the user. A list must be silent.
                stderr=subprocess.DEVNULL if seconds else None,
                env={**self.environ, RECURSION_GUARD: "1"},
                start_new_session=bool(seconds),  # The session is a process group, which can be killed.
            )
        except OSError:
            return None
        with process:
            try:
                stdout, _ = process.communicate(request, timeout=seconds)
            except BaseException:
                if seconds and hasattr(os, "killpg"):  # Windows has no process groups.
                    import signal

                    os.killpg(process.pid, signal.SIGKILL)
                else:
                    process.kill()
                raise
        return Reply(stdout, status=process.returncode if process.returncode >= 0 else 1)


def _is_without_login(reply: Reply) -> bool:
    """Return whether a helper has no login: it replied with the not-found text or with an empty login.

    docker-credential-pass in Debian 12 replies with success and an empty login for unknown servers.
    """
    if reply.status:
        return NOT_FOUND_TEXT.encode() in reply.stdout
    try:
        login = json.loads(reply.stdout)
    except (ValueError, RecursionError):
        return False
    return isinstance(login, dict) and not login.get("Username") and not login.get("Secret")

"""The four verbs: a request -> a reply. Standard input, environment, clock and spawner are parameters."""

import os

from ecr_credhelper import protocol, registry
from ecr_credhelper.cache import open_cache
from ecr_credhelper.errors import PROG, CredentialHelperError
from ecr_credhelper.fingerprint import fingerprint
from ecr_credhelper.paths import docker_config_file, has_settings
from ecr_credhelper.protocol import Reply

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import BinaryIO

    from ecr_credhelper.docker.fallback import Fallback
    from ecr_credhelper.fetch.resolver import Resolver
    from ecr_credhelper.settings.loader import Settings
    from ecr_credhelper.token import Token

REFRESH, LIST_LATE = "refresh-in-background", "list-in-background"
"""The commands of background processes. No client and no user calls them."""


class Helper:
    """Docker's credential helper for one process.

    ``environ`` are its environment variables, ``clock`` returns seconds since the epoch, ``spawn`` starts
    this program in the background with some arguments.
    """

    def __init__(
        self, environ: "Mapping[str, str]", clock: "Callable[[], float]", spawn: "Callable[..., None]"
    ) -> None:
        self.environ = environ
        self.clock = clock
        self.spawn = spawn
        self.log, self._log_error = _log_of(environ)
        self.cache = open_cache(environ)
        self.fingerprint = fingerprint(environ)

    def run(self, verb: str, stdin: "BinaryIO") -> Reply:
        """Return the reply to one verb of ``VERBS``; every error of ours becomes a reply."""
        try:
            reply = VERBS[verb](self, stdin)
        except CredentialHelperError as error:
            self.log(f"error: {error}")
            reply = Reply.failure(error)
        self.log(f"{verb} ends with status {reply.status}")
        return reply

    def get(self, stdin: "BinaryIO") -> Reply:
        """Return the login for one registry: from the cache, from AWS, or from the fallback."""
        request = protocol.read_request(stdin)
        server = protocol.server_in(request)
        wanted = registry.parse(server)
        if self._log_error and (wanted or self._custom(server)):  # other registries do not depend on it
            raise self._log_error
        host = wanted.host if wanted else self._custom_host(server)
        kind = f"ECR, region {wanted.region}" if wanted else "no ECR host"
        self.log(f"get {registry.host_of(server)}: {kind}")
        self.log(f"identity: {self.fingerprint.route}")
        token = self._from_cache(host) if host else None
        if token is None and (wanted := wanted or self._custom(server)):
            token = self._resolve(wanted)
        if token:
            return Reply.credentials(server, token.username, token.password)
        fallback = None if wanted else self._fallback()
        return fallback.get(server, request) if fallback else Reply.not_found()

    def store(self, stdin: "BinaryIO") -> Reply:
        """Save the login that the user gives for an ECR host, until the expiry in its password."""
        request = protocol.read_request(stdin)
        server, username, password = protocol.login_in(request)
        wanted = registry.parse(server) or self._custom(server)
        if wanted is None:
            from ecr_credhelper.docker.fallback import Fallback

            host = registry.host_of(server) or "the given server"
            return Fallback(self.environ, self._settings().fallback()).store(host, request)
        is_unwanted = self.environ.get("AWS_ECR_IGNORE_CREDS_STORAGE") == "true"
        if not is_unwanted and not self.environ.get("AWS_ECR_DISABLE_CACHE"):
            self._save_login(wanted, username, password)
        return Reply()

    def _save_login(self, wanted: registry.Registry, username: str, password: str) -> None:
        """Save a login, unless it is the one that ``get`` serves for this host right now.

        ``docker login HOST`` without ``-u`` hands that one back. If a token were saved as a login, it would
        be served to every identity until it expires.
        """
        given, now = (username, password), self.clock()
        if (login := self.cache.login(wanted.host, now)) and login.pair == given:
            return
        if (token := self._cached_token(wanted.host)[1]) and token.pair == given:
            self.cache.delete_login(wanted.host)
            return
        if self.cache.is_unsaved(password, now):
            return
        from ecr_credhelper.aws.authorization import login_token

        login = login_token(username, password, now)
        if not login.is_valid(now):
            raise CredentialHelperError(wanted.host, "the login has expired already", "log in with a new one")
        try:
            self.cache.save_login(wanted.host, login)
        except OSError as error:
            if self._can_fetch(wanted, password):
                return
            reason = f"the login cannot be saved in {error.filename} ({error.strerror})"
            hint = "set AWS_ECR_CACHE_DIR to a directory that you can write to"
            raise CredentialHelperError(wanted.host, reason, hint) from None

    def erase(self, stdin: "BinaryIO") -> Reply:
        """Forget the login of one host and the tokens that served it, if there are any."""
        request = protocol.read_request(stdin)
        server = protocol.server_in(request)
        wanted = registry.parse(server) or self._custom(server)
        if wanted is None:
            fallback = self._fallback()
            return fallback.erase(request) if fallback else Reply()
        self.cache.forget(wanted.host)
        if self.cache.login(wanted.host, self.clock()):  # not an error: some clients crash if erase fails
            self.log(
                f"the stored login for {wanted.host} cannot be removed from {self.cache.store.directory}"
            )
        return Reply()

    def list(self, stdin: "BinaryIO") -> Reply:  # noqa: ARG002 - a client can keep it open: it is not read
        """List the hosts whose login can be obtained now, with their user names. This never fails."""
        if self._has_configuration():
            from ecr_credhelper.fetch import listing

            _prepare_for_botocore()
            try:
                resolver = self._resolver(is_interactive=False)
                hosts = listing.available_hosts(resolver, self.environ, lambda: self.spawn(LIST_LATE))
                return Reply.listing(hosts)
            except Exception as error:  # noqa: BLE001 - without a list, some clients drop every login
                self.log(f"error: {error if isinstance(error, CredentialHelperError) else type(error)}")
        return Reply.listing(self.cache.hosts(self.fingerprint.route, self.clock()))

    def list_in_background(self) -> Reply:
        """Fetch the tokens that arrived too late for a ``list``; silent, since no one reads the output."""
        from ecr_credhelper.fetch import listing

        resolver = self._resolver(is_interactive=False)
        listing.fetch_late(resolver, self.environ)
        return Reply()

    def refresh(self, server: str) -> Reply:
        """Fetch the next token of a registry, if it is time to; silent, since no one reads the output."""
        try:
            wanted = registry.parse(server) or self._custom(server)
            if wanted:
                resolver = self._resolver()
                resolver.refresh(resolver.request(wanted))
        except CredentialHelperError as error:
            self.log(f"error: {error}")
            return Reply(status=1)  # a get in the token's last minutes waits, and shows the reason
        return Reply(status=0 if wanted else 1)

    def _from_cache(self, host: str) -> "Token | None":
        """Return what the cache can serve without waiting: a stored login, or a token with enough time left.

        A login from ``docker login`` takes precedence until it expires, as everywhere in Docker. For a token
        in the last quarter of its life, one process starts a refresh in the background.
        """
        now = self.clock()
        if login := self.cache.login(host, now):
            self.log(f"using the stored docker login, which overrides your AWS identity: {login}")
            self.log(f"to remove it, run: {PROG} cache clear {host}")
            return login
        key, token = self._cached_token(host)
        self.log(f"cache {self.cache.store.directory or 'off'}: {token or 'no valid token'}")
        if token is None or token.should_wait_for_refresh(now):
            return None
        if token.should_refresh_ahead(now) and self.cache.try_claim_refresh(
            key, token, token.refresh_attempt(now)
        ):
            self.log("starting a refresh of the token in the background")
            self.spawn(REFRESH, host)
        return token

    def _can_fetch(self, wanted: registry.Registry, password: str) -> bool:
        """Return whether a get would fetch this very login again, so that nothing is lost without a cache."""
        _prepare_for_botocore()
        try:
            resolver = self._resolver(is_interactive=False)
            return resolver.resolve(resolver.request(wanted)).password == password
        except CredentialHelperError:
            return False

    def _cached_token(self, host: str) -> "tuple[str, Token | None]":
        """Return the key of the token that serves a host for this identity, and the token if it is valid."""
        key = self.cache.route(host, self.fingerprint.route)
        return (key, self.cache.token(key, self.clock())) if key else ("", None)

    def _resolve(self, wanted: registry.Registry) -> "Token | None":
        """Return the token for a registry, or None if the client should continue without a login."""
        _prepare_for_botocore()
        resolver = self._resolver()
        request = resolver.request(wanted)
        try:
            return resolver.resolve(request)
        except CredentialHelperError:
            if request.wants_not_found:
                return None
            raise

    def _resolver(self, *, is_interactive: bool = True) -> "Resolver":
        from ecr_credhelper.fetch.resolver import Resolver

        return Resolver(
            self._settings(),
            self.fingerprint,
            self.cache,
            self.clock,
            self.log,
            is_interactive=is_interactive,
        )

    def _settings(self) -> "Settings":
        from ecr_credhelper.settings.loader import load_settings

        self.fingerprint.watch()
        found = load_settings(self.environ)
        if self.log is str and found.log:
            from ecr_credhelper.console.log import open_log

            self.log = open_log(found.log)
        return found

    def _custom_host(self, server: str) -> str | None:
        """Return the host under which a registry of the person's own would be cached."""
        return registry.authority_of(server) if has_settings(self.environ) else None

    def _custom(self, server: str) -> registry.Registry | None:
        """Return the ECR registry that the settings say a host stands for."""
        return self._settings().registry(server) if has_settings(self.environ) else None

    def _has_configuration(self) -> bool:
        """Return whether there are settings or a Docker configuration to read."""
        return has_settings(self.environ) or os.path.lexists(docker_config_file(self.environ))

    def _fallback(self) -> "Fallback | None":
        """Return the store for other registries, where a file of the person's could tell of one."""
        if not self._has_configuration():
            return None
        from ecr_credhelper.docker.fallback import Fallback

        return Fallback(self.environ, self._settings().fallback())


def _prepare_for_botocore() -> None:
    """Set up this process for botocore, shortly before the process ends."""
    import gc
    import warnings

    warnings.simplefilter("ignore")  # some clients treat anything on stderr as a failure
    gc.disable()  # everything that botocore loads stays until the end: collecting garbage costs 15 ms


def _log_of(environ: "Mapping[str, str]") -> "tuple[Callable[[str], object], CredentialHelperError | None]":
    """Return what writes a line of the log that a variable asks for, and what is wrong with the variable.

    By default nothing is written. A wrong value concerns only ``get``, whose errors reach the user.
    """
    where = environ.get("ECR_CREDHELPER_LOG")
    if not where:
        return str, None
    from ecr_credhelper.console import log

    try:
        log.check_variable(where)
    except CredentialHelperError as error:
        return str, error
    return log.open_log(where), None


VERBS = {"get": Helper.get, "store": Helper.store, "erase": Helper.erase, "list": Helper.list}

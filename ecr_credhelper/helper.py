"""Docker's four commands: get, store, erase and list. Input, environment and clock are parameters."""

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
    from ecr_credhelper.registry import Registry
    from ecr_credhelper.settings.loader import Settings
    from ecr_credhelper.token import Token

REFRESH, FETCH_LATE = "refresh-in-background", "fetch-late-tokens"
"""The arguments with which this program starts itself in the background, and no one else does."""


class Helper:
    """Docker's credential helper for one process.

    ``clock`` returns seconds since the epoch. ``spawn`` starts this program in the background with its
    arguments. ``deadline`` replaces that of a get, in seconds; the settings can only shorten it.
    """

    deadline: "float | None" = None

    def __init__(
        self, environ: "Mapping[str, str]", clock: "Callable[[], float]", spawn: "Callable[..., None]"
    ) -> None:
        self.environ = environ
        self.clock = clock
        self.spawn = spawn
        self.log: Callable[[str], object] = str
        self._log_error: CredentialHelperError | None = None
        if destination := environ.get("ECR_CREDHELPER_LOG"):
            from ecr_credhelper.console import log

            self.log, self._log_error = log.open_variable(destination)
        self.cache = open_cache(environ)
        self.fingerprint = fingerprint(environ)

    def run(self, verb: str, stdin: "BinaryIO") -> Reply:
        """Return the reply to one of ``VERBS``. Every ``CredentialHelperError`` becomes a reply."""
        try:
            reply = VERBS[verb](self, stdin)
        except CredentialHelperError as error:
            self.log(f"error: {error}")
            reply = Reply.failure(error)
        self.log(f"{verb} ends with status {reply.status}")
        return reply

    def get(self, stdin: "BinaryIO") -> Reply:
        """Return the login for one registry: from the cache, from ECR, or from the fallback."""
        request = protocol.read_request(stdin)
        server = protocol.server_in(request)
        is_ecr, token = self.find(server)
        if token:
            return Reply.credentials(server, *token.pair)
        fallback = None if is_ecr else self._fallback()
        return fallback.get(server, request) if fallback else Reply.not_found()

    def find(self, server: str) -> "tuple[bool, Token | None]":
        """Return whether a server is an ECR registry, and its login from the cache or from ECR."""
        self.log(f"get {registry.host_of(server)}")
        self.log(f"identity: {self.fingerprint.full}")
        # Only errors of get reach the user. A wrong log setting does not affect other registries.
        if self._log_error and self.registry_of(server):
            raise self._log_error
        if token := self._from_cache(server):
            return True, token
        if ecr := self.registry_of(server):
            self.log(f"ECR registry in region {ecr.region}")
            return True, self._fetch(ecr)
        self.log("not an ECR registry")
        return False, None

    def store(self, stdin: "BinaryIO") -> Reply:
        """Save a login for an ECR host until the expiry that its password contains."""
        request = protocol.read_request(stdin)
        server, username, password = protocol.login_in(request)
        ecr = self.registry_of(server)
        if ecr is None:
            from ecr_credhelper.docker.fallback import Fallback

            host = registry.host_of(server) or "the given server"
            return Fallback(self.environ, self.settings().fallback()).store(host, request)
        is_ignored = self.environ.get("AWS_ECR_IGNORE_CREDS_STORAGE") == "true"
        if not is_ignored and not self.environ.get("AWS_ECR_DISABLE_CACHE"):
            self._save_login(ecr, username, password)
        return Reply()

    def _save_login(self, ecr: "Registry", username: str, password: str) -> None:
        """Save a login, unless it is the one that ``get`` currently serves for this host.

        ``docker login HOST`` without ``-u`` gets a login from ``get`` and passes it to ``store``. If that
        token were saved as a login, every identity would get it until it expires.
        """
        pair, now = (username, password), self.clock()
        if (login := self.cache.login(ecr.host, now)) and login.pair == pair:
            return
        if (token := self._cached_token(ecr.host)[1]) and token.pair == pair:
            self.cache.delete_login(ecr.host)
            return
        if self.cache.is_unsaved(password, now):
            return
        from ecr_credhelper.aws.authorization import login_token

        login = login_token(username, password, now)
        if not login.is_valid(now):
            raise CredentialHelperError(ecr.host, "the login has already expired", "log in again")
        try:
            self.cache.save_login(ecr.host, login)
        except OSError as error:
            if self._can_fetch(ecr, password):
                return
            reason = f"the login cannot be saved in {error.filename} ({error.strerror})"
            hint = "set AWS_ECR_CACHE_DIR to a directory that you can write to"
            raise CredentialHelperError(ecr.host, reason, hint) from None

    def erase(self, stdin: "BinaryIO") -> Reply:
        """Delete the login of one host and the tokens that serve it."""
        request = protocol.read_request(stdin)
        ecr = self.registry_of(protocol.server_in(request))
        if ecr is None:
            fallback = self._fallback()
            return fallback.erase(request) if fallback else Reply()
        self.cache.forget(ecr.host)
        if self.cache.login(ecr.host, self.clock()):  # not an error: some clients crash if erase fails
            self.log(f"the stored login for {ecr.host} cannot be removed from {self.cache.store.directory}")
        return Reply()

    def list(self, stdin: "BinaryIO") -> Reply:  # noqa: ARG002 - some clients never close stdin
        """List the hosts for which a login is available now, with their user names. This never fails."""
        if self._has_configuration():
            from ecr_credhelper.fetch import listing

            try:
                resolver = self._resolver(is_interactive=False)
                hosts = listing.available_hosts(resolver, self.environ, lambda: self.spawn(FETCH_LATE))
                return Reply.listing(hosts)
            except Exception as error:  # noqa: BLE001 - if list fails, some clients drop every login
                self.log(f"error: {error if isinstance(error, CredentialHelperError) else type(error)}")
        return Reply.listing(self.cache.hosts(self.fingerprint.full, self.clock()))

    def fetch_late(self) -> Reply:
        """Fetch the tokens that arrived too late for a ``list``. The reply is empty: it has no reader."""
        from ecr_credhelper.fetch import listing

        listing.fetch_late(self._resolver(is_interactive=False), self.environ)
        return Reply()

    def refresh(self, server: str) -> Reply:
        """Fetch a new token for a registry, if one is due. The reply is empty: it has no reader."""
        try:
            ecr = self.registry_of(server)
            if ecr:
                resolver = self._resolver()
                resolver.refresh(resolver.request(ecr))
        except CredentialHelperError as error:
            self.log(f"error: {error}")
            return Reply(status=1)  # a get in the token's last 15 minutes waits for AWS and shows it
        return Reply(status=0 if ecr else 1)

    def _from_cache(self, server: str) -> "Token | None":
        """Return a stored login, or a cached token with enough time left, or None.

        A login from ``docker login`` takes precedence until it expires, as everywhere in Docker. In the last
        quarter of a token's lifetime, one of the processes that serve it starts a refresh in the background.
        """
        host, now = self._cache_host(server), self.clock()
        if host is None:
            return None
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

    def _cache_host(self, server: str) -> str | None:
        """Return the host under which a server is cached, without reading the settings, or None."""
        if ecr := registry.parse(server):
            return ecr.host
        return registry.authority_of(server) if has_settings(self.environ) else None

    def _cached_token(self, host: str) -> "tuple[str, Token | None]":
        """Return the key of the token that serves a host for this identity, and the token if it is valid."""
        key = self.cache.token_key(host, self.fingerprint.full)
        return (key, self.cache.token(key, self.clock())) if key else ("", None)

    def registry_of(self, server: str) -> "Registry | None":
        """Return the ECR registry of a server, which can be a custom host in the settings, or None."""
        if ecr := registry.parse(server):
            return ecr
        return self.settings().registry(server) if has_settings(self.environ) else None

    def _fetch(self, ecr: "Registry") -> "Token | None":
        """Return a token for a registry, or None if the client should go on without a login."""
        resolver = self._resolver()
        request = resolver.request(ecr)
        try:
            return resolver.resolve(request)
        except CredentialHelperError:
            if request.wants_not_found:
                return None
            raise

    def _can_fetch(self, ecr: "Registry", password: str) -> bool:
        """Return whether ``get`` returns this password anyway, so that it need not be saved."""
        try:
            resolver = self._resolver(is_interactive=False)
            return resolver.resolve(resolver.request(ecr)).password == password
        except CredentialHelperError:
            return False

    def _resolver(self, *, is_interactive: bool = True) -> "Resolver":
        from ecr_credhelper.fetch.deadline import deadline_of
        from ecr_credhelper.fetch.resolver import Resolver

        prepare_for_botocore()
        if is_interactive:  # otherwise, no credential process is started
            from ecr_credhelper.console.signals import end_on_signals

            end_on_signals()
        settings = self.settings()
        resolver = Resolver(
            settings,
            self.fingerprint,
            self.cache,
            self.clock,
            self.log,
            is_interactive=is_interactive,
            remembers_failures=True,
        )
        resolver.deadline = deadline_of(settings, self.deadline)
        return resolver

    def settings(self) -> "Settings":
        """Load the settings; the log can be configured in them too."""
        from ecr_credhelper.settings.loader import load_settings

        self.fingerprint.watch()
        settings = load_settings(self.environ)
        if self.log is str and settings.log:
            from ecr_credhelper.console.log import open_log

            self.log = open_log(settings.log)
        return settings

    def _has_configuration(self) -> bool:
        """Return whether there are settings or a Docker configuration to read."""
        return has_settings(self.environ) or os.path.lexists(docker_config_file(self.environ))

    def _fallback(self) -> "Fallback | None":
        """Return the credential store for other registries, or None if no file can configure one."""
        if not self._has_configuration():
            return None
        from ecr_credhelper.docker.fallback import Fallback

        return Fallback(self.environ, self.settings().fallback())


def prepare_for_botocore() -> None:
    """Set up this process for botocore. The process ends soon afterwards."""
    import gc
    import warnings

    from ecr_credhelper.aws import trust

    trust.is_executable = True
    warnings.simplefilter("ignore")  # some clients treat any output on stderr as a failure
    gc.disable()  # botocore's objects live until the process ends, so collecting garbage only costs 15 ms


VERBS = {"get": Helper.get, "store": Helper.store, "erase": Helper.erase, "list": Helper.list}

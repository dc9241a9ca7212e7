"""The table of all cases."""

from collections.abc import Iterable, Sequence
from itertools import product

from tests.e2e import daemonless_clients as daemonless
from tests.e2e import engine_clients as engine
from tests.e2e import people, recipes
from tests.e2e.cases import Case, Try
from tests.e2e.clients import Client
from tests.e2e.cold_cases import ColdCase, SentLogins
from tests.e2e.enumerating_clients import CdkAssets, enumerating_clients
from tests.e2e.home import (
    AUTH_JSON,
    BESIDE_AMAZONS,
    BESIDE_AMAZONS_STORE,
    CRED_HELPERS,
    CREDS_STORE,
    CREDS_STORE_AND_AUTHS,
    CREDS_STORE_AND_HOSTS,
    CREDS_STORE_AND_REGION,
    REGISTRIES_CONF,
    Configuration,
)
from tests.e2e.image_cases import image_cases
from tests.e2e.logins import REFUSED, LoginCase
from tests.e2e.registries import CHINA, EUROPE, ORDINARY, PUBLIC, WEST, Registry
from tests.e2e.second_store import CREDS_STORE_AND_PASS, REGISTRIES_CONF_AND_PASS

TWO_ACCOUNTS = (WEST, EUROPE)
WITH_CHINA = (WEST, EUROPE, CHINA)

DOCKER = (CRED_HELPERS, CREDS_STORE)
COLD = (
    (CRED_HELPERS, TWO_ACCOUNTS),
    (CREDS_STORE_AND_HOSTS, TWO_ACCOUNTS),
    (CREDS_STORE_AND_REGION, (WEST,)),
)
"""Configurations from which the helper knows the hosts to list although its cache is empty."""

CONTAINERS = (CRED_HELPERS, AUTH_JSON, REGISTRIES_CONF)
"""Configurations that podman, skopeo and buildah read: Docker's file too, but not its credsStore."""


def table() -> list[Try]:
    """Return all cases."""
    dockers = engine.docker_commands()
    kits = [engine.BuildKit(docker) for docker in dockers]
    kits = [kit for kit in kits if kit.offered()] or kits[:1]  # one to report it, if all lack it
    plugins = [_one_of(map(engine.Buildx, dockers)), _one_of(map(engine.ComposePlugin, dockers))]
    newer = [*plugins, daemonless.Crane(), daemonless.Oras()]
    docker, builds = [*map(engine.Docker, dockers)], [*map(engine.ClassicBuild, dockers)]
    containers = [daemonless.Podman(), daemonless.Skopeo()]
    tools = [*containers, daemonless.Buildah()]
    engines = [*docker, *builds, *kits, engine.DockerPy()]
    return [
        *_cases(docker, DOCKER, WITH_CHINA),
        *_cases(map(engine.DockerLogout, dockers), DOCKER, TWO_ACCOUNTS),
        *_cases(builds, DOCKER, TWO_ACCOUNTS),
        *_cases(kits, DOCKER, TWO_ACCOUNTS),
        *_cases([engine.Compose(), engine.DockerPy()], DOCKER, TWO_ACCOUNTS),
        *_cases(tools, CONTAINERS, WITH_CHINA),
        *_cases([daemonless.OrasPy(), *newer], DOCKER, TWO_ACCOUNTS),
        *_cases([*docker, *kits, *newer], [BESIDE_AMAZONS], TWO_ACCOUNTS),
        # Without crane: it gets logins of repositories, for which only a store has an entry.
        *_cases([*docker, *kits, *plugins, daemonless.Oras()], [BESIDE_AMAZONS_STORE], TWO_ACCOUNTS),
        # A cold cache: the helper knows no hosts to list from an earlier get.
        *(ColdCase(build, *where) for build in [*builds, engine.DockerPyBuild()] for where in COLD),
        *(SentLogins(client, *where) for client in enumerating_clients() for where in COLD),
        *(SentLogins(CdkAssets(), configuration, (WEST,)) for configuration in DOCKER),
        # Other registries: those with a login keep it, and public ones need none.
        *_cases(engines, [CREDS_STORE_AND_AUTHS], [ORDINARY]),
        *_cases(engines, [CREDS_STORE], [PUBLIC]),
        *_cases([*kits, engine.DockerPy()], [CREDS_STORE_AND_PASS], [PUBLIC]),
        *_cases(containers, [REGISTRIES_CONF], [PUBLIC]),
        *_logins([*docker, *builds], CREDS_STORE_AND_PASS, ORDINARY, "ecr-py+pass"),
        *_logins(docker, CREDS_STORE_AND_AUTHS, ORDINARY, REFUSED),
        *_logins(docker, CRED_HELPERS, WEST, "ecr-py"),
        *_logins(docker, CREDS_STORE, WEST, "ecr-py"),
        # Their login begins with a get, and does not store where Docker's own file says.
        *_logins(containers, CRED_HELPERS, WEST, "auth.json", calls=1),
        *_logins(containers, AUTH_JSON, WEST, "ecr-py", calls=1),
        *_logins(containers, REGISTRIES_CONF, WEST, "ecr-py", calls=1),
        *_logins(containers, REGISTRIES_CONF_AND_PASS, ORDINARY, "ecr-py+pass"),
        *(people.LoginCommandCase(client, people.LOGIN, TWO_ACCOUNTS) for client in [*docker, *tools]),
        *(people.ConfigureCase(client, people.CONFIGURE, TWO_ACCOUNTS) for client in [*docker, *containers]),
        *(
            people.ConfigureCase(client, people.CONFIGURE_PODMAN, WITH_CHINA, ("--podman",))
            for client in containers
        ),
        *(people.SwitchCase(client, people.SWITCH, TWO_ACCOUNTS) for client in docker),
        *recipes.recipes(),
        people.WithCurl(),
        *image_cases(),
    ]


def _one_of(clients: Iterable[Client]) -> Client:
    """Return a client that this machine has, or one to report that it has none."""
    return min(clients, key=lambda client: len(client.missing()))


def _cases(
    clients: Iterable[Client],
    configurations: Sequence[Configuration],
    registries: Sequence[Registry],
) -> list[Case]:
    return [Case(*pair, registries) for pair in product(clients, configurations)]


def _logins(
    clients: Iterable[Client], configuration: Configuration, registry: Registry, kept_by: str, calls: int = 0
) -> list[Case]:
    return [LoginCase(client, configuration, [registry], kept_by, calls) for client in clients]

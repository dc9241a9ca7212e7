"""What completion suggests: registries and AWS profiles. Their imports are deferred: most words need none."""

import os


def known_hosts(**_: object) -> list[str]:
    """Return the registries in Docker's configuration and in the cache. No record of the cache is read."""
    from ecr_credhelper.cache import open_cache
    from ecr_credhelper.docker.config import docker_config

    cached = open_cache(os.environ).routed_hosts()
    return sorted(cached | docker_config(os.environ).hosts_of_this_helper())


def known_profiles(**_: object) -> list[str]:
    """Return the names of the AWS profiles: of the configuration file, then of the credentials file.

    This uses only botocore's parsers: a session reads the same files, but takes much longer to import.
    """
    from botocore.configloader import load_config, raw_config_parse
    from botocore.exceptions import ConfigNotFound

    from ecr_credhelper.fingerprint import configuration_files

    paths = dict(configuration_files(os.environ))
    names: list[str] = []
    for variable, load in (
        ("AWS_CONFIG_FILE", lambda path: load_config(path)["profiles"]),
        ("AWS_SHARED_CREDENTIALS_FILE", raw_config_parse),
    ):
        try:
            names += load(paths[variable])
        except ConfigNotFound:
            continue
    return [*dict.fromkeys(names)]

"""Push or pull an artifact with oras-py, in a separate program like that of a user."""

import hashlib
import os
import sys
from pathlib import Path

import oras.defaults
import oras.provider


def push(registry: oras.provider.Registry, reference: str) -> None:
    """Push the data on standard input."""
    Path("artifact.tar").write_bytes(sys.stdin.buffer.read())
    registry.push(reference, files=["artifact.tar"])


def pull(registry: oras.provider.Registry, reference: str) -> None:
    """Pull it, compare it, and print the digest of the manifest that led to it."""
    (pulled,) = registry.pull(reference, outdir="pulled")
    if Path(pulled).read_bytes() != sys.stdin.buffer.read():
        sys.exit(f"{pulled} is not what was pushed")
    url = f"https://{registry.get_container(reference).manifest_url()}"
    accept = ", ".join(oras.defaults.default_manifest_accepted_media_types)
    manifest = registry.do_request(url, headers={"Accept": accept})
    sys.stdout.write(f"sha256:{hashlib.sha256(manifest.content).hexdigest()}")


if __name__ == "__main__":
    verb, reference = sys.argv[1:]
    # One attempt for each request: after a rejection, oras-py would retry for minutes.
    oras.provider.Registry.do_request = oras.provider.Registry.do_request.__wrapped__
    # Its default authentication supports only registries that issue their own tokens.
    ecr = oras.provider.Registry(auth_backend="basic", tls_verify=os.environ["SSL_CERT_FILE"])
    {"push": push, "pull": pull}[verb](ecr, reference)

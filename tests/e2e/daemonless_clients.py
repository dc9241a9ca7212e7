"""Clients that call the registries without an engine."""

import json
import re
from collections.abc import Sequence

from tests.e2e import programs
from tests.e2e.clients import Client, Library, digest_in, layer
from tests.e2e.home import Home


class Podman(Client):
    """A client with its own image store, here in the home directory."""

    name = "podman"
    programs = ("podman",)

    def push(self, home: Home, references: Sequence[str]) -> None:
        for reference in references:
            home.run("podman", "import", "-", reference, stdin=layer(reference))
            home.run("podman", "push", reference)
            home.run("podman", "rmi", reference)

    def pull(self, home: Home, references: Sequence[str]) -> list[str]:
        for reference in references:
            home.run("podman", "pull", reference)
        return home.run("podman", "image", "inspect", "--format={{.Digest}}", *references).stdout.split()


class Skopeo(Client):
    """Copies between a registry and a directory, and inspects images without copying them."""

    name = "skopeo"
    programs = ("skopeo",)

    def push(self, home: Home, references: Sequence[str]) -> None:
        for reference in references:
            tar = home.write("layer.tar", layer(reference))
            home.run("skopeo", "copy", f"tarball:{tar}", f"docker://{reference}")

    def pull(self, home: Home, references: Sequence[str]) -> list[str]:
        return [self._copy(home, reference) for reference in references]

    def _copy(self, home: Home, reference: str) -> str:
        """Copy to a directory, and return the digest, which must be equal to that of ``inspect``."""
        folder = home.folder / "copies" / reference.partition("/")[0]
        folder.parent.mkdir(exist_ok=True)
        home.run("skopeo", "copy", f"docker://{reference}", f"oci:{folder}")
        copied: str = json.loads((folder / "index.json").read_text())["manifests"][0]["digest"]
        inspect = ("skopeo", "inspect", "--format={{.Digest}}")
        seen = home.run(*inspect, f"docker://{reference}").stdout.strip()
        return copied if copied == seen else f"{copied}, but inspect saw {seen}"


class Buildah(Client):
    """Builds step by step: it pulls the base image of a build."""

    name = "buildah"
    programs = ("buildah",)

    def push(self, home: Home, references: Sequence[str]) -> None:
        for reference in references:
            tar = home.write("layer.tar", layer(reference))
            container = home.run("buildah", "from", "scratch").stdout.strip()
            home.run("buildah", "add", container, str(tar))
            home.run("buildah", "commit", "--rm", container, reference)
            home.run("buildah", "push", reference)
            home.run("buildah", "rmi", reference)

    def pull(self, home: Home, references: Sequence[str]) -> list[str]:
        return [self._begin(home, reference) for reference in references]

    def _begin(self, home: Home, reference: str) -> str:
        """Start a build from an image, and return the digest of that base image."""
        container = home.run("buildah", "from", "--quiet", reference).stdout.strip()
        return home.run("buildah", "inspect", "--format={{.FromImageDigest}}", container).stdout.strip()


class Crane(Client):
    """Calls the registry's HTTP API with the library that ko, cosign, trivy and others use."""

    name = "crane"
    programs = ("crane",)

    def version(self) -> str:
        """Return the version of Debian's package: that build of the program does not know its own."""
        return programs.version_in(programs.run(["dpkg-query", "--show", "crane"]).stdout)

    def push(self, home: Home, references: Sequence[str]) -> None:
        for reference in references:
            tar = home.write("layer.tar", layer(reference))
            home.run("crane", "append", "--oci-empty-base", f"--new_layer={tar}", f"--new_tag={reference}")

    def pull(self, home: Home, references: Sequence[str]) -> list[str]:
        return [self._copy(home, reference) for reference in references]

    def _copy(self, home: Home, reference: str) -> str:
        """Copy to a directory, and return the digest, which must be equal to that of ``digest``."""
        folder = home.folder / "copies" / reference.partition("/")[0]
        home.run("crane", "pull", "--format=oci", reference, str(folder))
        copied: str = json.loads((folder / "index.json").read_text())["manifests"][0]["digest"]
        seen = home.run("crane", "digest", reference).stdout.strip()
        return copied if copied == seen else f"{copied}, but digest saw {seen}"


class Oras(Client):
    """Pushes and pulls any file: here the layer of an image."""

    name = "oras"
    programs = ("oras",)
    refusal = re.compile("basic credential not found")

    def version(self) -> str:
        return programs.version_in(programs.run(["oras", "version"]).stdout)

    def push(self, home: Home, references: Sequence[str]) -> None:
        for reference in references:
            home.write("layer.tar", layer(reference))
            home.run("oras", "push", reference, "layer.tar")

    def pull(self, home: Home, references: Sequence[str]) -> list[str]:
        return [self._fetch(home, reference) for reference in references]

    def _fetch(self, home: Home, reference: str) -> str:
        folder = home.folder / "copies" / reference.partition("/")[0]
        told = home.run("oras", "pull", f"--output={folder}", reference).stdout
        is_whole = (folder / "layer.tar").read_bytes() == layer(reference)
        return digest_in(told, "Digest: ") if is_whole else "another content"


class OrasPy(Library):
    """Pushes and pulls any file: here the layer of an image."""

    name = "oras-py"
    programs = ()
    package = "oras"
    refusal = re.compile("'BasicAuth' object has no attribute '_basic_auth'")

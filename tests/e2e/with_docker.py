"""Push, pull or build an image with docker-py, in a separate program like that of a user."""

import io
import sys

import docker


def push(client: docker.DockerClient, repository: str, tag: str) -> None:
    """Push the layer on standard input as an image, and keep no local copy."""
    client.api.import_image_from_data(sys.stdin.buffer.read(), repository=repository, tag=tag)
    for line in client.images.push(repository, tag=tag, stream=True, decode=True):
        if "error" in line:
            sys.exit(line["error"])
    client.images.remove(f"{repository}:{tag}")


def pull(client: docker.DockerClient, repository: str, tag: str) -> None:
    """Pull an image and print its digest."""
    image = client.images.pull(repository, tag=tag)
    sys.stdout.write(image.attrs["RepoDigests"][0].partition("@")[2])


def build(client: docker.DockerClient, repository: str, tag: str) -> None:
    """Build an image from another one and print the digest of the other one, which the engine pulls."""
    client.images.build(fileobj=io.BytesIO(f"FROM {repository}:{tag}".encode()))
    image = client.images.get(f"{repository}:{tag}")
    sys.stdout.write(image.attrs["RepoDigests"][0].partition("@")[2])


if __name__ == "__main__":
    verb, reference = sys.argv[1:]
    {"push": push, "pull": pull, "build": build}[verb](docker.from_env(), *reference.split(":"))

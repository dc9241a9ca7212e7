"""The test of the whole: real clients push and pull through the installed helper.

``python -m tests.e2e`` starts, on one machine and with no way out of it, registry servers under Amazon
ECR host names, an engine and the fake ECR API. Then every client that people use with ECR pushes an image
and pulls it back, with nothing but this project's helper to log it in. Words on the command line choose
clients: ``python -m tests.e2e podman skopeo``.

``programs``    other people's programs, run within a time
``sandbox``     namespaces of its own, so that the machine is neither changed nor reached
``registries``  who serves which name, and an independent look at what arrived
``engine``      dockerd
``home``        a person's fresh home folder, and the files that tell clients of the helper
``clients``     what a client is: ``engine_clients`` and ``daemonless_clients`` are them all
``report``      the rows
``cases``       the table of what is tried, and the one way to try it

Each knows only those above it.
"""

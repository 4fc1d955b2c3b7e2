"""The site's kubeconfig with something changed."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from engine.plugin.lab import Lab


def kubeconfig(lab: Lab, *, server: str | None = None, token: str | None = None) -> str:
    """Return the text of a kubeconfig for the lab's site.

    Args:
        lab: says which site.
        server: the URL to reach the API server by, in place of the site's. Its certificate is checked as ever.
        token: whom to be, in place of the site's administrator.
    """
    config = yaml.safe_load(Path(lab.kubeconfig).read_text(encoding="utf-8"))
    context = next(each["context"] for each in config["contexts"] if each["name"] == lab.site)
    for each in config["clusters"]:
        if each["name"] == context["cluster"]:
            each["cluster"]["tls-server-name"] = "127.0.0.1"
            each["cluster"]["server"] = server or each["cluster"]["server"]
    for each in config["users"]:
        if each["name"] == context["user"]:
            each["user"]["token"] = token or each["user"]["token"]
    return str(yaml.safe_dump(config))


@contextmanager
def dead_server() -> Iterator[str]:
    """Yield the URL of a server that refuses connections: the port is taken, and nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"https://127.0.0.1:{taken.getsockname()[1]}"

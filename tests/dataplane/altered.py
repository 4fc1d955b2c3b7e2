"""For controls: an API server that says one thing differently. Nothing is changed in the real one."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dataplane.kubelet.api import Getter

Change = Callable[[dict[str, Any]], None]


def as_it_is(item: dict[str, Any]) -> None:
    """Change nothing."""


@dataclass
class Altered:
    """A client whose answers have objects of one kind and name changed.

    Attributes:
        client: the real one.
        kind: the plural name in paths: `configmaps`, `pods`.
        prefix: what the object's name begins with.
        change: changes the object in place.
        count: how often it did, so that a control can tell that it broke something.
    """

    client: Getter
    kind: str
    prefix: str
    change: Change = as_it_is
    count: int = 0

    def set(self, change: Change) -> None:
        """Change answers otherwise from now on."""
        self.change = change

    def get(self, path: str) -> dict[str, Any]:
        """Return the answer to a GET, altered."""
        answer = copy.deepcopy(self.client.get(path))
        parts = path.split("/")
        if parts[-1] == self.kind:
            objects = answer["items"]
        elif len(parts) > 1 and parts[-2] == self.kind:
            objects = [answer]
        else:
            objects = []
        for each in objects:
            if each["metadata"]["name"].startswith(self.prefix):
                self.change(each)
                self.count += 1
        return answer

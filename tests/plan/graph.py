"""What hangs on what."""

from collections.abc import Collection, Mapping


def reached(edges: Mapping[str, Collection[str]], start: str) -> set[str]:
    """Return everything that the edges lead to from a start."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        for target in set(edges.get(waiting.pop(), ())) - seen:
            seen.add(target)
            waiting.append(target)
    return seen

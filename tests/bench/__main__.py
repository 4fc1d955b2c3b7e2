"""`make bench`: measures on one machine in one run, and prints ratios.

`python -m bench program` or `routers` runs a part.
"""

import importlib
import sys

PARTS = ("program", "routers")


def main() -> None:
    """Run the parts that are named, or all; exit code 1 when one of them missed what it must keep."""
    parts = sys.argv[1:] or list(PARTS)
    if unknown := [part for part in parts if part not in PARTS]:
        print(f"no such part: {' '.join(unknown)}; there are {' and '.join(PARTS)}", file=sys.stderr)
        sys.exit(2)
    kept = []
    for part in parts:
        print(f"== {part}\n", flush=True)
        kept.append(importlib.import_module(f"bench.{part}").run())
        print(flush=True)
    sys.exit(0 if all(kept) else 1)


if __name__ == "__main__":
    main()

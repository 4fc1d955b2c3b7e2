"""The routers: what a hop, a party more and an open connection cost. Only growth of a request's time fails."""

import os
import sys

from bench import connections, growth, hops
from bench.load import LoadError
from bench.packages import MissingError, ensure
from bench.processes import allow_open_files
from rig.routers import NginxMissingError


def run() -> bool:
    """Measure and print; tell whether the time of a request stays as parties become more."""
    try:
        ensure()
    except (MissingError, NginxMissingError) as error:
        print(f"the router part cannot run: {error}", file=sys.stderr)
        return False
    try:
        return _measured()
    except LoadError as error:
        print(f"a request was not answered: {error}", file=sys.stderr)
        return False


def _measured() -> bool:
    allow_open_files()
    print(f"loopback, {os.cpu_count()} processors for callers, routers and parties; medians of runs in turn\n")
    hops.run()
    connections.run()
    return growth.run()

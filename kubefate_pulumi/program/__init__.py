"""The Pulumi program: files in, components and outputs out. The only reader of Pulumi's configuration."""

import gc

# A program makes objects for a second, keeps nearly all, and ends. Python's default looks for cycles among them after
# every 700, which took a tenth of the time (`make bench`) and freed nothing. Before the imports, which are the most.
gc.set_threshold(20_000)

from kubefate_pulumi.program.run import run  # noqa: E402 - see above

__all__ = ["run"]

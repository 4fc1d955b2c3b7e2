"""The Pulumi program: files in, components and outputs out. The only reader of Pulumi's configuration."""

from kubefate_pulumi.program.run import run

__all__ = ["run"]

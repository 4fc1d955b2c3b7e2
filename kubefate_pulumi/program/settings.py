"""What a stack says: which units it deploys, and its secrets."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

CREDENTIALS = ("mysql-password", "mysql-root-password", "fateboard-password", "notebook-password")


@dataclass(frozen=True)
class StackSettings:
    """The configuration of one stack (`stacks/Pulumi.<stack>.yaml`)."""

    units: str | Sequence[str | int]
    endpoints_only: bool
    config: pulumi.Config

    def authority(self, unit: str) -> tuple[pulumi.Output[str], pulumi.Output[str]] | None:
        """Return certificate and private key of a unit's own authority, if both are configured.

        Raises:
            pulumi.RunError: Only one of the two is configured.
        """
        certificate = self.config.get_secret(f"{unit}-ca-certificate")
        private_key = self.config.get_secret(f"{unit}-ca-private-key")
        if (certificate is None) != (private_key is None):
            given, missing = ("certificate", "private-key") if certificate else ("private-key", "certificate")
            raise pulumi.RunError(
                f"kubefate:{unit}-ca-{given} is set, but not its other half. Set it, too: "
                f"pulumi config set --secret {unit}-ca-{missing} < FILE"
            )
        return None if certificate is None or private_key is None else (certificate, private_key)

    def credentials(self, unit: str) -> dict[str, pulumi.Output[str]]:
        """Return the passwords that are configured for a party, by argument name."""
        found = {name: self.config.get_secret(f"{unit}-{name}") for name in CREDENTIALS}
        return {name.replace("-", "_"): value for name, value in found.items() if value is not None}


def read_settings() -> StackSettings:
    """Read the configuration of the running stack.

    Raises:
        pulumi.RunError: The stack does not say which units it deploys.
    """
    config = pulumi.Config("kubefate")
    text = config.get("units")
    if text is None:
        stack = pulumi.get_stack()
        raise pulumi.RunError(
            f"stacks/Pulumi.{stack}.yaml does not say which units the stack deploys. Add, for example,\n"
            "  config:\n    kubefate:units: all"
        )
    units = json.loads(text) if text.startswith("[") else text
    return StackSettings(units, config.get_bool("endpoints_only") or False, config)

"""Security contexts: as little as the image allows, by default."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class RunAs:
    """The user that an image's processes run as.

    `user` None leaves it to the image (root, for the images of KubeFATE); `group` owns the volumes.
    `read_only` makes the root filesystem read-only: every writable path is then a volume.
    """

    user: int | None = None
    group: int | None = None
    read_only: bool = False


ROOT_IMAGE = RunAs()
"""An image that has no user of its own and writes into its root filesystem."""


def pod_security_context(run_as: RunAs) -> Mapping[str, Any]:
    """Return the security context of a pod."""
    context: dict[str, Any] = {"seccomp_profile": {"type": "RuntimeDefault"}}
    if run_as.user is not None:
        context |= {"run_as_non_root": True, "run_as_user": run_as.user, "run_as_group": run_as.group}
    if run_as.group is not None:
        # OnRootMismatch: a volume that already belongs to the group is not walked at every start.
        context |= {"fs_group": run_as.group, "fs_group_change_policy": "OnRootMismatch"}
    return context


def container_security_context(run_as: RunAs) -> Mapping[str, Any]:
    """Return the security context of a container: no added capability, no privilege escalation."""
    return {
        "allow_privilege_escalation": False,
        "capabilities": {"drop": ["ALL"]},
        "read_only_root_filesystem": run_as.read_only,
    }

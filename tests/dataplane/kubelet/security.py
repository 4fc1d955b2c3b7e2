"""Who a container's processes are: users, groups and capabilities, from the security contexts of pod and container."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dataplane.kubelet.api import Object
from dataplane.kubelet.errors import KubeletError
from dataplane.kubelet.images import Image

RUNTIME_CAPABILITIES = (
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
)
"""What containerd gives to root when a pod says nothing."""


@dataclass(frozen=True)
class Identity:
    """What a container's processes may do.

    `capabilities` bound those that root has, and that a program with file capabilities may get. Nobody gets more than
    that by an exec: with bubblewrap there is no privilege escalation, whether a pod allows it or not.
    """

    user: int
    group: int
    groups: tuple[int, ...]
    capabilities: tuple[str, ...]
    read_only_root: bool

    def command(self, words: list[str]) -> list[str]:
        """Return the command that runs a command, started as root, as this identity."""
        bound = ",".join(["-all", *(f"+{name.lower()}" for name in self.capabilities)])
        groups = [f"--groups={','.join(map(str, self.groups))}"] if self.groups else ["--clear-groups"]
        return [
            "setpriv",
            f"--reuid={self.user}",
            f"--regid={self.group}",
            *groups,
            f"--bounding-set={bound}",
            "--inh-caps=-all",
            "--no-new-privs",
            "--",
            *words,
        ]


def identity(pod: Object, container: Object, image: Image) -> Identity:
    """Return the identity of a container.

    Raises:
        KubeletError: the pod wants a user other than root and the image has none, or wants what is not offered here.
    """
    outer = pod["spec"].get("securityContext", {})
    inner = container.get("securityContext", {})
    own: Mapping[str, Any] = {**outer, **inner}
    if inner.get("privileged"):
        raise KubeletError(f"container {container['name']}: privileged containers are not offered here")
    image_user, image_group = image.ids()
    user = int(own.get("runAsUser", image_user))
    group = int(own.get("runAsGroup", image_group if "runAsUser" not in own else _group_of(image, user)))
    if own.get("runAsNonRoot") and user == 0:
        raise KubeletError(f"container {container['name']}: runAsNonRoot is set, and the image runs as root")
    groups = [*outer.get("supplementalGroups", [])]
    if "fsGroup" in outer:
        groups.append(outer["fsGroup"])
    changes = inner.get("capabilities", {})
    read_only = bool(inner.get("readOnlyRootFilesystem"))
    return Identity(user, group, tuple(map(int, groups)), _capabilities(changes), read_only)


def _group_of(image: Image, user: int) -> int:
    return next((gid for uid, gid in image.users.values() if uid == user), 0)


def _capabilities(changes: Mapping[str, Any]) -> tuple[str, ...]:
    added = {str(name).removeprefix("CAP_") for name in changes.get("add", [])}
    dropped = {str(name).removeprefix("CAP_") for name in changes.get("drop", [])}
    held = set() if "ALL" in dropped else set(RUNTIME_CAPABILITIES) - dropped
    if "ALL" in added:
        raise KubeletError("capabilities: adding ALL is not offered here")
    return tuple(sorted(held | added))

"""A pod's volumes on disk, as the kubelet lays them out.

Directories are `<root>/pods/<uid>/volumes/<name>`; a claim's is `<root>/claims/<namespace>/<name>` and outlives the
pod. What the harness cannot lay out is an error that names it.
"""

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from dataplane.kubelet.api import Api, Object
from dataplane.kubelet.atomic import Projection, write
from dataplane.kubelet.errors import KubeletError
from dataplane.kubelet.fields import field_value, resource_value

DEFAULT_MODE = 0o644
ATOMIC = ("configMap", "secret", "projected", "downwardAPI")
"""Kinds that are mounted read-only and follow changes."""

TmpfsMount = Callable[[Path, str | None], None]
"""Mounts a memory file system on a directory, with a size limit (`16Mi`) or without."""


class Volumes:
    """All volumes of one pod."""

    def __init__(self, api: Api, root: Path, pod: Object, node: Object, tmpfs: TmpfsMount) -> None:
        self._api = api
        self._root = root
        self._pod = pod
        self._node = node
        self._tmpfs = tmpfs
        self._specs: dict[str, Object] = {each["name"]: each for each in pod["spec"].get("volumes", [])}
        self.directory = root / "pods" / str(pod["metadata"]["uid"])

    def lay_out(self) -> None:
        """Make every volume.

        Raises:
            KubeletError: something a volume is made of is missing, or its kind is unknown here.
        """
        for name in self._specs:
            self._make(name)

    def update(self, pod: Object) -> list[str]:
        """Write again what changed in the API server; return the names of the volumes that did.

        Args:
            pod: the pod as it is now: its labels may be in a volume.
        """
        self._pod = pod
        return [name for name in self._specs if self.kind(name) in ATOMIC and self._write(name)]

    def kind(self, name: str) -> str:
        """Return the kind of a volume: `configMap`, `emptyDir`, and so on.

        Raises:
            KubeletError: the pod has no such volume.
        """
        if name not in self._specs:
            raise KubeletError(f"pod {self._pod['metadata']['name']} has no volume {name!r}")
        kinds = [key for key in self._specs[name] if key != "name"]
        return kinds[0] if kinds else "emptyDir"

    def path(self, name: str) -> Path:
        """Return the directory of a volume."""
        if self.kind(name) == "persistentVolumeClaim":
            claim = str(self._specs[name]["persistentVolumeClaim"]["claimName"])
            return self._root / "claims" / str(self._pod["metadata"]["namespace"]) / claim
        return self.directory / "volumes" / name

    def source(self, mount: Object, sub_path: str) -> Path:
        """Return what is mounted: the volume, or what is at `subPath` in it now; a missing directory is made.

        Raises:
            KubeletError: the sub path leads out of the volume.
        """
        volume = self.path(mount["name"])
        if not sub_path:
            return volume
        if sub_path.startswith("/") or ".." in sub_path.split("/"):
            raise KubeletError(f"volume {mount['name']}: subPath {sub_path!r} leads out of the volume")
        found = volume / sub_path
        if not found.exists() and self.kind(mount["name"]) not in ATOMIC:
            mode = volume.stat().st_mode & 0o777
            found.mkdir(parents=True)
            found.chmod(mode | (found.stat().st_mode & stat.S_ISGID))
        if not found.exists():
            raise KubeletError(f"volume {mount['name']} has no {sub_path!r}")
        # The file that a link leads to now, whatever the link leads to later.
        real = found.resolve()
        if not real.is_relative_to(volume.resolve()):
            raise KubeletError(f"volume {mount['name']}: subPath {sub_path!r} leads out of the volume")
        return real

    def read_only(self, mount: Object) -> bool:
        """Tell whether a mount is read-only: by its own word, or since its kind always is."""
        return bool(mount.get("readOnly")) or self.kind(mount["name"]) in ATOMIC

    @property
    def _group(self) -> int | None:
        group = self._pod["spec"].get("securityContext", {}).get("fsGroup")
        return None if group is None else int(group)

    def _make(self, name: str) -> None:
        kind = self.kind(name)
        if kind in ATOMIC:
            self._write(name)
        elif kind == "emptyDir":
            self._empty(name)
        elif kind == "persistentVolumeClaim":
            self._api.claim(self._pod["metadata"]["namespace"], self._specs[name][kind]["claimName"])
            self.path(name).mkdir(parents=True, exist_ok=True)
            self._give_to_group(self.path(name))
        else:
            raise KubeletError(f"pod {self._pod['metadata']['name']}: volume {name!r} of kind {kind} is not known here")

    def _empty(self, name: str) -> None:
        path, about = self.path(name), self._specs[name]["emptyDir"]
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o777)
        if about.get("medium") == "Memory":
            self._tmpfs(path, about.get("sizeLimit"))
        else:
            self._give_to_group(path)

    def _give_to_group(self, path: Path) -> None:
        """Do what `fsGroup` asks for a volume that is written: the group owns it, reads it and writes it."""
        if self._group is None:
            return
        policy = self._pod["spec"]["securityContext"].get("fsGroupChangePolicy", "Always")
        if policy == "OnRootMismatch" and matches(path.stat(), self._group):
            return
        for each in [path, *path.rglob("*")]:
            os.chown(each, -1, self._group, follow_symlinks=False)
            if not each.is_symlink():
                extra = 0o2770 if each.is_dir() else 0o660
                each.chmod(stat.S_IMODE(each.stat().st_mode) | extra)

    def _write(self, name: str) -> bool:
        about = self._specs[name][self.kind(name)]
        mode = int(about.get("defaultMode", DEFAULT_MODE))
        files = dict(self._files(self.kind(name), about, mode))
        return write(self.path(name), files, self._group)

    def _files(self, kind: str, about: Object, mode: int) -> Iterator[tuple[str, Projection]]:
        """Yield the files of one source: path to content."""
        if kind == "projected":
            for source in about.get("sources", []):
                ((inner, part),) = source.items()
                yield from self._files(inner, part, mode)
        elif kind == "downwardAPI":
            for item in about.get("items", []):
                yield item["path"], Projection(self._downward(item).encode(), int(item.get("mode", mode)))
        elif kind in ("configMap", "secret"):
            yield from self._keys(kind, about, mode)
        else:
            raise KubeletError(f"pod {self._pod['metadata']['name']}: a source of kind {kind} is not known here")

    def _keys(self, kind: str, about: Object, mode: int) -> Iterator[tuple[str, Projection]]:
        name = about.get("secretName") or about.get("name")
        read = self._api.config_map if kind == "configMap" else self._api.secret
        namespace = self._pod["metadata"]["namespace"]
        data = read(namespace, str(name))
        optional = about.get("optional", False)
        if data is None and not optional:
            raise KubeletError(f"volume of pod {self._pod['metadata']['name']}: no {kind} {namespace}/{name}")
        items = about.get("items") or [{"key": key, "path": key} for key in data or {}]
        for item in items:
            if data is not None and item["key"] in data:
                yield item["path"], Projection(data[item["key"]], int(item.get("mode", mode)))
            elif not optional:
                raise KubeletError(f"{kind} {namespace}/{name} has no key {item['key']!r}")

    def _downward(self, item: Mapping[str, Any]) -> str:
        if "fieldRef" in item:
            return field_value(self._pod, item["fieldRef"]["fieldPath"])
        reference = item["resourceFieldRef"]
        return resource_value(self._pod, self._node, reference["containerName"], reference)


def matches(status: os.stat_result, group: int) -> bool:
    """Tell whether the root of a volume has the owner and the modes that `fsGroup` gives."""
    return status.st_gid == group and status.st_mode & 0o2770 == 0o2770

"""A pod: its volumes, its network, its containers in their order, and its life in a thread."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from dataplane.kubelet import names
from dataplane.kubelet.api import Api, Object
from dataplane.kubelet.cage import Answer, Cage
from dataplane.kubelet.container import Log, Running
from dataplane.kubelet.environment import environment, expand
from dataplane.kubelet.errors import KubeletError
from dataplane.kubelet.images import Image, Table
from dataplane.kubelet.network import NodeNetwork
from dataplane.kubelet.quantity import in_units
from dataplane.kubelet.sandbox import Bind, Sandbox, full_environment
from dataplane.kubelet.security import identity
from dataplane.kubelet.unit import Unit
from dataplane.kubelet.volumes import Volumes

_LOOK_SECONDS = 0.05
_NOT_OFFERED = (
    "hostNetwork",
    "hostPID",
    "hostIPC",
    "shareProcessNamespace",
    "ephemeralContainers",
    "runtimeClassName",
)
DEFAULT_GRACE = 30


@dataclass(frozen=True)
class Node:
    """What pods share: the site's API, its network and names, and how this harness runs.

    Attributes:
        directory: where volumes, claims and logs are.
        name_server: the address of the site's DNS server.
        objects: the site's nodes by name.
        changed: called when a pod becomes ready, or is no longer.
        pace: how many times faster than asked probes come.
    """

    api: Api
    cage: Cage
    network: NodeNetwork
    table: Table
    directory: Path
    name_server: str
    objects: dict[str, Object]
    changed: Callable[[], None]
    pace: float


@dataclass
class Pod:
    """One pod of the API server, run by real processes.

    Attributes:
        about: the pod's object, as last seen.
        containers: its containers by name; init containers come first.
        failure: why it could not be started, or what went wrong in its thread.
    """

    node: Node
    about: Object
    containers: dict[str, Unit] = field(default_factory=dict)
    failure: str | None = None
    started: bool = False
    _ready: bool = False
    _stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.key = (str(self.about["metadata"]["namespace"]), str(self.about["metadata"]["name"]))
        self.uid = str(self.about["metadata"]["uid"])
        self.address = str(self.about["status"]["podIP"])
        self._check()
        # One container may need another's image much later: say so now.
        self._images = {each["name"]: self.node.table.find(each["image"]) for each in self._all()}
        self._object = self.node.objects[self.about["spec"]["nodeName"]]
        self.volumes = Volumes(self.node.api, self.node.directory, self.about, self._object, self._tmpfs)
        self.volumes.lay_out()
        self._etc = self.volumes.directory / "etc"
        self._write_etc()
        self.network = self.node.network.add_pod(self.address, str(self.about["status"]["hostIP"]))
        for each in self._all():
            self.containers[each["name"]] = self._unit(each)
        self._thread = threading.Thread(target=self._live, name="/".join(self.key), daemon=True)

    def start(self) -> None:
        """Start its life; come back at once."""
        self._thread.start()

    @property
    def ready(self) -> bool:
        """Whether every container is ready, and the pod is not about to end."""
        return self._ready and not self._stop.is_set()

    @property
    def images(self) -> list[Image]:
        """The table's entries that it uses."""
        return list(self._images.values())

    def container(self, name: str | None = None) -> Unit:
        """Return a container, by default the first that is no init container."""
        return self.containers[name or self.about["spec"]["containers"][0]["name"]]

    def within(self, call: Callable[[], Answer]) -> Answer:
        """Call something in the pod's network namespace, as one of its processes would; names are not its own."""
        return self.node.cage.within(self.network, call)

    def stop(self) -> None:
        """End it as when it is deleted: hooks, SIGTERM, grace; come back when it is gone."""
        self._leave()
        with ThreadPoolExecutor(max_workers=len(self.containers)) as pool:
            list(pool.map(Unit.stop, self.containers.values()))
        self.node.network.remove_pod(self.network)

    def kill(self) -> None:
        """Kill all its processes at once, and leave everything else as it is."""
        self._stop.set()
        # Its thread may wait for one of them to end; and it may just have started another one.
        for _ in range(2):
            for unit in self.containers.values():
                unit.kill()
            self._leave()

    def story(self) -> str:
        """Return what happened and what was logged, for messages of failing tests."""
        lines = [f"pod {'/'.join(self.key)} at {self.address}: {self.failure or ''}"]
        for unit in self.containers.values():
            lines += [f"  {unit.name}: restarts {unit.restarts}, {'; '.join(unit.events)}"]
            lines += [f"    {line}" for line in unit.log.text.splitlines()[-30:]]
        return "\n".join(lines)

    def _leave(self) -> None:
        self._stop.set()
        self.node.changed()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def _all(self) -> list[Object]:
        spec = self.about["spec"]
        return [*spec.get("initContainers", []), *spec["containers"]]

    def _check(self) -> None:
        spec, name = self.about["spec"], "/".join(self.key)
        for field_name in _NOT_OFFERED:
            if spec.get(field_name):
                raise KubeletError(f"pod {name}: {field_name} is not offered here")
        if any(each.get("restartPolicy") for each in spec.get("initContainers", [])):
            raise KubeletError(f"pod {name}: init containers that stay are not offered here")

    def _tmpfs(self, path: Path, limit: str | None) -> None:
        group = self.about["spec"].get("securityContext", {}).get("fsGroup")
        options = ["mode=0777" if group is None else f"mode=2777,gid={group}"]
        if limit is not None:
            options.append(f"size={in_units(limit, '1')}")
        self.node.cage.run("mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", str(path))

    def _write_etc(self) -> None:
        self._etc.mkdir(parents=True)
        texts = {
            "hosts": names.hosts_file(self.about),
            "resolv.conf": names.resolv_conf(self.about, self.node.name_server),
            "hostname": f"{names.hostname(self.about)}\n",
        }
        for name, text in texts.items():
            (self._etc / name).write_text(text)

    def _unit(self, container: Object) -> Unit:
        metadata = self.about["metadata"]
        log = Log(self.node.directory / "logs" / metadata["namespace"] / metadata["name"] / f"{container['name']}.log")
        init = container in self.about["spec"].get("initContainers", [])
        policy = self.about["spec"].get("restartPolicy", "Always")
        return Unit(
            about=container,
            address=self.address,
            on_node=self.node.network.within,
            log=log,
            begin=lambda: self._begin(container, log),
            pace=self.node.pace,
            grace=float(self.about["spec"].get("terminationGracePeriodSeconds", DEFAULT_GRACE)),
            restart_policy="OnFailure" if init and policy == "Always" else policy,
        )

    def _begin(self, container: Object, log: Log) -> Running:
        image = self._images[container["name"]]
        who = identity(self.about, container, image)
        given = environment(self.node.api, self.about, container, self._object)
        variables = full_environment(image, given, who, names.hostname(self.about))
        count = self.containers[container["name"]].restarts
        sandbox = Sandbox(
            directory=self.volumes.directory / "containers" / f"{container['name']}-{count}",
            network=self.network,
            hostname=names.hostname(self.about),
            image=image,
            identity=who,
            binds=self._binds(container, given),
            environment=variables,
            workdir=container.get("workingDir") or image.workdir,
        )
        return Running.start(self.node.cage, sandbox, command(image, container, given), log)

    def _binds(self, container: Object, given: dict[str, str]) -> tuple[Bind, ...]:
        binds = [Bind(self._etc / name, f"/etc/{name}", False) for name in ("hosts", "resolv.conf", "hostname")]
        for mount in sorted(container.get("volumeMounts", []), key=lambda each: str(each["mountPath"]).count("/")):
            sub_path = expand(mount["subPathExpr"], given) if "subPathExpr" in mount else mount.get("subPath", "")
            source = self.volumes.source(mount, sub_path)
            binds.append(Bind(source, mount["mountPath"], self.volumes.read_only(mount)))
        return tuple(binds)

    def _live(self) -> None:
        try:
            self._initialize()
            for each in self.about["spec"]["containers"]:
                if not self._stop.is_set():
                    self.containers[each["name"]].start()
            self.started = True
            while not self._stop.wait(_LOOK_SECONDS):
                for each in self.about["spec"]["containers"]:
                    self.containers[each["name"]].look(time.monotonic())
                self._tell()
        except Exception as error:  # noqa: BLE001 - whoever waits for the pod raises it
            self.failure = f"{type(error).__name__}: {error}"
            self._tell()

    def _initialize(self) -> None:
        for each in self.about["spec"].get("initContainers", []):
            unit = self.containers[each["name"]]
            unit.start()
            while not unit.finished:
                if self._stop.wait(_LOOK_SECONDS):
                    return
                unit.look(time.monotonic())

    def _tell(self) -> None:
        main = [self.containers[each["name"]] for each in self.about["spec"]["containers"]]
        ready = self.failure is None and all(unit.ready for unit in main)
        if ready != self._ready:
            self._ready = ready
            self.node.changed()


def command(image: Image, container: Object, given: dict[str, str]) -> list[str]:
    """Return what a container runs: `command` replaces entrypoint and cmd of the image, `args` the cmd alone.

    Raises:
        KubeletError: there is nothing to run.
    """
    entrypoint = [expand(word, given) for word in container.get("command") or []]
    args = [expand(word, given) for word in container.get("args") or []]
    words = [*entrypoint, *args] if entrypoint else [*image.entrypoint, *(args or image.cmd)]
    if not words:
        raise KubeletError(f"container {container['name']}: neither the pod nor image {image.repository} has a command")
    return words

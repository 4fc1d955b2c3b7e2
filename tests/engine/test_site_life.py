"""The life of simulated sites: start, death of a part, interruption, stop, end. Each test has its own simulator."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from engine.sites import kept_simulator
from engine.support import KUBEFATE

from kubefate_pulumi.simulator import tools
from kubefate_pulumi.simulator.commands import PARTS
from kubefate_pulumi.simulator.errors import SimulatorError
from kubefate_pulumi.simulator.manager import Simulator
from kubefate_pulumi.simulator.ports import taken
from kubefate_pulumi.simulator.site import Site


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Simulator]:
    with kept_simulator(tmp_path / "own", tmp_path / "own.lock") as simulator:
        yield simulator


def processes_of(simulator: Simulator) -> list[int]:
    """Return every process whose command line names the state directory, wherever its parent went."""
    found = []
    for directory in Path("/proc").iterdir():
        if directory.name.isdigit():
            with contextlib.suppress(OSError):
                if f"{simulator.state}/sites/".encode() in (directory / "cmdline").read_bytes():
                    found.append(int(directory.name))
    return found


def gone(simulator: Simulator, ports: list[int]) -> bool:
    """Tell whether nothing of the simulator is left. A killed process takes a moment to give its memory back."""
    deadline = time.monotonic() + 10
    while processes_of(simulator) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not processes_of(simulator) and not simulator.state.exists() and not any(map(taken, ports))


def kubefate(simulator: Simulator, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(KUBEFATE), "sim", *words, "--state", str(simulator.state)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def heed_interrupts() -> None:
    """Undo what a shell without job control does: what it runs in the background starts with SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def pids(simulator: Simulator) -> dict[str, Any]:
    found: dict[str, Any] = simulator.status()["sites"][0]["processes"]
    return found


def config_map(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}


def test_a_site_is_mended_stopped_resumed_and_removed(own: Simulator) -> None:
    own.up(["alpha"])
    first = pids(own)
    assert None not in first.values()
    own.up(["alpha"])
    assert pids(own) == first, "a second `up` leaves a running site alone"

    os.kill(first["kube-scheduler"], signal.SIGKILL)
    assert own.site("alpha").processes["kube-scheduler"].wait(5)
    assert own.status()["sites"][0]["ready"] is False
    own.up()
    mended = pids(own)
    assert own.status()["sites"][0]["ready"] is True
    assert [part for part in PARTS if mended[part] != first[part]] == ["kube-scheduler"]

    api, record = own.site("alpha").api(), own.site("alpha").record()
    api.create("/api/v1/namespaces/default/configmaps", config_map("kept"))
    own.down(keep=True)
    assert set(pids(own).values()) == {None}
    assert not any(map(taken, record.ports.values()))
    own.up()
    assert own.site("alpha").record() == record
    assert api.get("/api/v1/namespaces/default/configmaps/kept") is not None
    assert api.get("/api/v1/namespaces/default/configmaps/other") is None

    own.down()
    assert gone(own, list(record.ports.values()))


def test_the_command_line_tells_what_there_is(own: Simulator) -> None:
    started = kubefate(own, "up", "beta")
    assert started.returncode == 0, started.stderr
    assert started.stdout == ""
    assert "Site beta is ready" in started.stderr
    shown = json.loads(kubefate(own, "status", "--json").stdout)
    site = shown["sites"][0]
    assert (site["name"], site["ready"], Path(site["kubeconfig"]).is_file()) == ("beta", True, True)
    assert shown["stand_ins"] == own.home.stand_ins()
    assert kubefate(own, "kubeconfig", "beta").stdout.strip() == site["kubeconfig"]
    assert kubefate(own, "kubeconfig").stdout.strip() == str(own.merged_kubeconfig)
    assert "Serving securely on 127.0.0.1" in kubefate(own, "logs", "beta", "kube-apiserver").stdout
    unknown = kubefate(own, "kubeconfig", "gamma")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "The sites are: beta." in unknown.stderr
    wrong = kubefate(own, "logs", "beta", "kubelet")
    assert wrong.returncode == 2

    variables = json.loads(kubefate(own, "env", "--json").stdout)
    lines = kubefate(own, "env").stdout
    script = f'{lines}pulumi version; printf %s "$KUBECONFIG"'
    shell = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True)
    assert shell.stdout.startswith("v3.")
    assert shell.stdout.endswith(variables["KUBECONFIG"])

    # The command that started the processes has long ended; `down` finds them all the same.
    assert len(processes_of(own)) == len(PARTS)
    ports = list(own.site("beta").record().ports.values())
    assert kubefate(own, "down").returncode == 0
    assert gone(own, ports)
    assert kubefate(own, "down").returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_start_is_completed_or_removed(own: Simulator, number: signal.Signals) -> None:
    command = [str(KUBEFATE), "sim", "up", "alpha", "--state", str(own.state)]
    with subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=heed_interrupts,  # noqa: PLW1509 - this process has one thread here
    ) as starting:
        site = Site(own.state / "sites" / "alpha")
        deadline = time.monotonic() + 60
        while not site.processes["kube-apiserver"].running():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.killpg(starting.pid, number)
        said = starting.communicate(timeout=30)[1]
    if number == signal.SIGINT:
        assert starting.returncode == 1
        assert "Interrupted. `kubefate sim up` completes" in said
        assert "Traceback" not in said
        own.up(["alpha"])
        assert own.status()["sites"][0]["ready"] is True
    ports = list(site.record().ports.values())
    own.down()
    assert gone(own, ports)


def test_a_taken_port_is_named(own: Simulator) -> None:
    binary = tools.ensure_control_plane(print)
    site = Site(own.state / "sites" / "alpha")
    site.make(0, binary)
    port = site.record().ports["kube-apiserver"]
    message = rf"port {port} of kube-apiserver is taken .* `kubefate sim down alpha`"
    with socket.create_server(("127.0.0.1", port)), pytest.raises(SimulatorError, match=message):
        own.up(["alpha"])
    own.up(["alpha"])
    assert own.status()["sites"][0]["ready"] is True


def test_a_part_that_dies_is_named_with_its_last_words(own: Simulator) -> None:
    binary = tools.ensure_control_plane(print)
    site = Site(own.state / "sites" / "alpha")
    site.make(0, binary)
    (site.home / "pki" / "server.key").write_text("no key")
    with pytest.raises(SimulatorError, match=r"Site alpha: (etcd|kube-apiserver) ended. Its log is ") as failed:
        own.up(["alpha"])
    assert "server.key" in str(failed.value) or "PEM" in str(failed.value)
    own.down()
    assert gone(own, [])

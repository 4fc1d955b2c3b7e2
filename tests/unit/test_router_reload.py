"""The life of a router: reload, rotation, start and end, with real nginx and the generated start script."""

import os
import threading
import time
from dataclasses import replace
from typing import Any

import pytest
from rig.federation import World, ca_of, leaf_of, world
from rig.probes import party, read, refused, served, smaller
from rig.routers import Router, router_root
from rig.services import name_server
from rig.site import site

from kubefate_pulumi.fate import router
from kubefate_pulumi.fate.model import EXCHANGE, Endpoint, Topology
from kubefate_pulumi.trust.x509 import new_ca, new_leaf

STAR, DIRECT = Topology.STAR, Topology.DIRECT


def test_a_join_and_a_leave_cut_nobody_off() -> None:
    with site([9999, 10000, 9998], STAR, worker_shutdown_timeout=60) as here:
        before = smaller(here.world, "9998")
        units = (EXCHANGE, "9999", "10000")
        for unit in units:
            here.routers[unit].reload(before.route_texts(unit))
        assert here.submit("9999", [("dest-party-id", "9998")])[0] == 404
        with here.replicate("9999", "10000") as stream:
            assert stream.readline() == b"broker 10000\n"
            slow: list[tuple[int, Any]] = []
            request = threading.Thread(
                target=lambda: slow.append(here.submit("9999", [("dest-party-id", "10000")], "/slow"))
            )
            request.start()
            for subject in (here.world, before, here.world):
                for unit in units:
                    here.routers[unit].reload(subject.route_texts(unit))
                stream.write(b"still here\n")
                assert stream.readline() == b"still here\n"
            request.join()
            assert slow[0][0] == 200
        assert here.submit("9999", [("dest-party-id", "9998")])[1]["unit"] == "9998"
        with here.replicate("9998", "9999") as stream:
            assert stream.readline() == b"broker 9999\n"


def test_a_removed_party_is_out_after_the_bound() -> None:
    with site([9999, 10000, 9998], DIRECT, worker_shutdown_timeout=1) as here:
        name = here.world.federation.dns_name("9999")
        with here.dial("9999", name, leaf_of("10000")) as stream:
            assert stream.readline() == b"broker 9999\n"
            here.routers["9999"].reload(smaller(here.world, "10000").route_texts("9999"))
            began = time.monotonic()
            assert read(stream) == b""
            assert time.monotonic() - began < 5
        assert refused(here, name, leaf_of("10000"), unit="9999")


def test_a_bad_file_keeps_the_old_configuration_and_is_reported() -> None:
    with site([9999, 10000], STAR) as here:
        made, texts = here.routers["9999"], here.world.route_texts("9999")
        assert made.status["state"] == "ok"
        made.put(router.ROUTES_DIR, {**texts, "data.conf": texts["data.conf"] + "nonsense;\n"})
        made.wait(lambda: made.status["state"] == "failed", "report")
        assert made.status["loaded"] != made.status["seen"]
        assert 'unknown directive "nonsense"' in made.health(router.STATUS_PATH)
        assert "kubefate_router_reload_success 0\n" in made.health(router.METRICS_PATH)
        time.sleep(1.2)
        # Once, or twice when a look fell into the change; not at each of some six looks.
        assert made.log_text.count("event=refused") <= 2
        assert here.submit("9999", [("dest-party-id", "10000")])[0] == 200
        made.put(router.ROUTES_DIR, texts)
        made.wait(lambda: made.status["state"] == "ok", "recovery")
        assert "kubefate_router_reload_success 1\n" in made.health(router.METRICS_PATH)
        made.wait(lambda: made.status["loaded"] == made.status["seen"], "agreement")


@pytest.mark.parametrize("directory", [router.TLS_DIR])
def test_a_rotated_certificate_is_taken_up(directory: str) -> None:
    with site([9999, 10000], STAR) as here:
        made, name = here.routers["9999"], here.world.federation.dns_name("9999")
        first = served(here, "9999")
        made.put_certificate(directory, new_leaf(ca_of("9999"), name, dns_names=[name], days=3))
        made.wait_log("event=reloaded")
        made.wait(lambda: served(here, "9999") != first, "new certificate")
        assert here.submit("9999", [("dest-party-id", "10000")])[0] == 200
        # The old and the new CA together, while a peer changes its own.
        fresh = new_ca("ca 10000 b", days=9)
        peers = tuple(
            replace(peer, ca_certificate=peer.ca_certificate + fresh.certificate_pem) if peer.unit == "10000" else peer
            for peer in here.world.peers
        )
        both = World(here.world.federation, peers)
        here.routers[EXCHANGE].reload(both.route_texts(EXCHANGE))
        far = here.world.federation.dns_name("10000")
        for pair in (leaf_of("10000"), new_leaf(fresh, far, dns_names=[far], days=2)):
            assert here.knock(EXCHANGE, pair, party("9999", "10000"))[0] == 200


def test_a_router_that_was_killed_starts_again() -> None:
    with site([9999, 10000], STAR) as here:
        made = here.routers["9999"]
        made.kill()
        assert list((made.root / "run").glob("*.sock")), "stale sockets are what this is about"
        made.start()
        made.wait_ready()
        assert here.submit("9999", [("dest-party-id", "10000")])[0] == 200


def test_it_ends_by_signal_and_with_nginx() -> None:
    with site([9999, 10000], STAR) as here:
        made = here.routers["9999"]
        with here.replicate("9999", "10000") as stream:
            assert stream.readline() == b"broker 10000\n"
            began = time.monotonic()
            assert made.stop() == 0
            assert time.monotonic() - began < 8, "a connection must not hold up the end of a pod"
        other = here.routers["10000"]
        pid = int((other.root / "run" / "nginx.pid").read_text())
        os.kill(pid, 9)
        assert other.process is not None
        assert other.process.wait(timeout=10) != 0
        other.wait_log("event=ended")


def test_it_waits_for_files_that_nginx_takes() -> None:
    with site([9999, 10000], DIRECT, started=False) as here:
        made, texts = here.routers["9999"], here.world.route_texts("9999")
        made.put(router.ROUTES_DIR, {**texts, "control.conf": "nonsense;\n"})
        made.start()
        made.wait_log("event=refused .*nonsense|nonsense")
        made.put(router.ROUTES_DIR, texts)
        made.wait_ready()
        assert made.status["state"] == "ok"
        assert made.stop() == 0


def test_a_peer_may_be_a_name() -> None:
    """It is looked up when it is dialled: a name that is gone stops its peer only, and comes back by itself."""
    with site([9999, 10000, 9998], DIRECT) as here:
        made = here.routers["9999"]
        names = {"peer.example.net": here.public("10000")}
        peers = tuple(
            replace(peer, endpoint=Endpoint("Peer.example.net", 9443, 6651)) if peer.unit == "10000" else peer
            for peer in here.world.peers
        )
        texts = World(here.world.federation, peers).route_texts("9999")
        server = made.inner.removesuffix(".2") + ".9"
        resolver = f"resolver {server}:5353 valid=1s ipv6=off;\nresolver_timeout 2s;\n"
        (made.root / "run" / "resolver.conf").write_text(resolver)
        with name_server(server, 5353, names):
            made.reload(texts)
            assert here.submit("9999", [("dest-party-id", "10000")])[1]["unit"] == "10000"
            assert here.call("9999", {"dest-party-id": "10000"})[0] == 200
            with here.replicate("9999", "10000") as stream:
                assert stream.readline() == b"broker 10000\n"
            names.clear()
            made.wait(lambda: here.submit("9999", [("dest-party-id", "10000")])[0] == 502, "loss of the name")
            made.wait_log("peer.example.net could not be resolved")
            assert here.submit("9999", [("dest-party-id", "9998")])[0] == 200
            names["peer.example.net"] = here.public("10000")
            made.wait(lambda: here.submit("9999", [("dest-party-id", "10000")])[0] == 200, "the name again")


@pytest.mark.parametrize(
    ("resolv", "servers"),
    [
        ("search a.b\nnameserver 10.96.0.10\noptions ndots:5\n", "resolver 10.96.0.10 valid"),
        ("nameserver\t10.0.0.1 # x\nnameserver fd00::a\n", "resolver 10.0.0.1 [fd00::a] valid"),
        ("nameserver fe80::1%eth0\nnameserver 10.0.0.2\n", "resolver 10.0.0.2 valid"),
        ("# nothing\n", ""),
    ],
)
def test_the_resolver_is_the_pod_s(resolv: str, servers: str) -> None:
    with router_root() as root:
        subject = world([9999, 10000], DIRECT, {"9999": "127.9.9.9", "10000": "127.9.9.8"})
        made = Router(root / "r", "9999", "127.9.9.9", "127.9.9.7", "127.9.9.6")
        base = subject.base_texts("9999")
        (root / "resolv.conf").write_text(resolv)
        base["start.sh"] = base["start.sh"].replace("/etc/resolv.conf", f"{root}/resolv.conf")
        made.write(base, subject.route_texts("9999"), leaf_of("9999"))
        made.start()
        try:
            # Without the internal certificate nginx does not start; the resolver is written before.
            made.wait_log("event=refused")
            text = (made.root / "run" / "resolver.conf").read_text()
        finally:
            assert made.stop() == 0
        assert text.startswith(servers)
        assert bool(text) == bool(servers)

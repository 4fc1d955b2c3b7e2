"""A party that KubeFATE's own charts deployed, in the plan of ours: what is opened for it, where, and what is said."""

from pathlib import Path

import pytest
import yaml
from plan.programs import plan_of, write_federation
from plan.recorder import Plan
from rig.federation import ca_of

SOURCES = ["192.0.2.0/24", "198.51.100.7/32"]


def write_peer(root: Path, unit: str, *, plain: bool, host: str) -> None:
    document = {
        "unit": unit,
        "federation": "fraud",
        "domain": "fraud.example.org",
        "fate_version": "1.11.2",
        "endpoint": {"host": host, "control_port": 9300 if plain else 9443, "data_port": 6651},
        "ca_certificate": ca_of(unit).certificate_pem,
        **({"plain": {"accept_from": SOURCES}} if plain else {}),
    }
    path = root / "stacks/peers" / f"{unit}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(document), encoding="utf-8")


def planned(root: Path, topology: str, units: str, *, plain: bool = True) -> Plan:
    write_federation(root, topology=topology)
    (root / "stacks/parties/10000.yaml").unlink()
    write_peer(root, "10000", plain=plain, host="203.0.113.20")
    if topology == "star" and "exchange" not in units:
        write_peer(root, "exchange", plain=False, host="203.0.113.1")
    return plan_of(root, {"kubefate:units": units})


def service_ports(plan: Plan, namespace: str, name: str) -> dict[int, int]:
    spec = plan.object(namespace, "Service", name).inputs["spec"]
    return {port["port"]: port["targetPort"] for port in spec["ports"]}


def policy_ports(plan: Plan, namespace: str, direction: str) -> set[int]:
    """Return the ports that are open from or to addresses outside."""
    spec = plan.object(namespace, "NetworkPolicy", "nginx").inputs["spec"]
    key = {"ingress": "from", "egress": "to"}[direction]
    rules = [rule for rule in spec[direction] if not any("podSelector" in peer for peer in rule.get(key, ()))]
    return {port["port"] for rule in rules for port in rule["ports"]}


DOORS = {9300: 9301, 9310: 9311}


def test_in_a_direct_federation_the_party_opens_its_doors(tmp_path: Path) -> None:
    plan = planned(tmp_path, "direct", "[9999]")
    assert service_ports(plan, "fate-9999", "nginx-public") == {9443: 9443, 6651: 6651, **DOORS}
    assert policy_ports(plan, "fate-9999", "ingress") == {9443, 6651, 9301, 9311}
    assert policy_ports(plan, "fate-9999", "egress") == {9300, 9310, 6651}
    routes = plan.object("fate-9999", "ConfigMap", "nginx-routes").inputs["data"]
    assert "listen 9301" in routes["control.conf"]
    assert "198.51.100.7/32" in routes["data.conf"]


def test_in_a_star_the_exchange_opens_them_and_the_party_does_not(tmp_path: Path) -> None:
    plan = planned(tmp_path, "star", '["exchange", 9999]')
    assert service_ports(plan, "fate-exchange", "nginx") == {9443: 9443, 6651: 6651, **DOORS}
    assert service_ports(plan, "fate-9999", "nginx-public") == {9443: 9443, 6651: 6651}
    assert policy_ports(plan, "fate-exchange", "egress") >= {9300, 9310, 6651}
    assert policy_ports(plan, "fate-9999", "ingress") == {9443, 6651}
    # Its broker comes to ours through the exchange, which passes TLS on.
    routes = plan.object("fate-9999", "ConfigMap", "nginx-routes").inputs["data"]
    assert "$data_plain" in routes["data.conf"]


def test_without_such_a_party_nothing_is_opened(tmp_path: Path) -> None:
    plan = planned(tmp_path, "direct", "[9999]", plain=False)
    assert service_ports(plan, "fate-9999", "nginx-public") == {9443: 9443, 6651: 6651}
    assert policy_ports(plan, "fate-9999", "ingress") == {9443, 6651}


@pytest.mark.parametrize("plain", [True, False])
def test_every_plan_says_whom_the_network_alone_vouches_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plain: bool
) -> None:
    said: list[str] = []
    monkeypatch.setattr("pulumi.log.warn", lambda text, **_: said.append(text))
    planned(tmp_path, "direct", "[9999]", plain=plain)
    assert [text.split(":")[0] for text in said] == (["Party 10000 is one of plain KubeFATE"] if plain else [])
    assert all("192.0.2.0/24, 198.51.100.7/32" in text for text in said)

"""What must hold of every federation: a route for every pair, none for anyone else, no address told on."""

import random
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rig.federation import World, world
from rig.nginx_text import Directive, lookup, maps, parse

from kubefate_pulumi.fate import flow, ports, pulsar
from kubefate_pulumi.fate.model import EXCHANGE, Topology
from kubefate_pulumi.fate.profile import load_profile
from kubefate_pulumi.fate.routes import route_table

# CAs are made once and kept, so ids come from a fixed set; it mixes lengths, and prefixes of each other.
IDS = (1, 2, 9, 10, 99, 100, 998, 999, 9998, 9999, 10000, 99990, 4294967295)
HOSTS = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str).filter(lambda host: "." not in host),
    st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?\.example\.net", fullmatch=True),
)


@st.composite
def worlds(draw: st.DrawFn, least: int = 2, most: int = 12) -> World:
    topology = draw(st.sampled_from(Topology))
    ids = draw(st.lists(st.sampled_from(IDS), min_size=least, max_size=most, unique=True))
    units = [*map(str, ids), EXCHANGE]
    hosts = draw(st.lists(HOSTS, min_size=len(units), max_size=len(units), unique=True))
    return world(ids, topology, dict(zip(units, hosts, strict=True)))


def unit_at(subject: World, address: str, port_name: str) -> str:
    """Return the unit whose published address this is."""
    found = [
        peer.unit
        for peer in subject.peers
        if address
        == (f"[{peer.endpoint.host}]" if ":" in peer.endpoint.host else peer.endpoint.host)
        + f":{getattr(peer.endpoint, port_name)}"
    ]
    assert len(found) == 1, address
    return found[0]


# First check: the tables.


def control_by_tables(subject: World, source: str, dest: str) -> list[str]:
    path, unit = [source], source
    while True:
        assert len(path) <= 3, f"loop: {path}"
        route = {route.party: route for route in subject.table(unit).control}.get(dest)
        if route is None:
            return [*path, "refused"]
        if route.hop is None:
            return path
        at = unit_at(subject, route.hop.address, "control_port")
        assert route.hop.unit == at
        assert route.hop.tls_name == subject.federation.dns_name(at)
        assert route.hop.ca_certificate == subject.peer(at).ca_certificate
        callers = {caller.unit: caller for caller in subject.table(at).control_callers}
        assert source in callers[unit].parties
        assert callers[unit].ca_certificate == subject.peer(unit).ca_certificate
        path.append(unit := at)


def data_by_tables(subject: World, source: str, sni: str) -> list[str]:
    route = {route.sni: route for route in subject.table(source).data}.get(sni)
    if route is None:
        return [source, "refused"]
    path = [source, unit_at(subject, route.hop.address, "data_port")]
    assert route.hop.ca_certificate is not None
    if path[-1] == EXCHANGE:
        onward = {route.sni: route for route in subject.table(EXCHANGE).data}[sni]
        assert onward.hop.ca_certificate is None
        path.append(unit_at(subject, onward.hop.address, "data_port"))
    end = path[-1]
    assert (route.hop.unit, route.hop.tls_name) == (end, subject.table(end).own_name)
    assert route.hop.ca_certificate == subject.peer(end).ca_certificate
    assert [caller.unit for caller in subject.table(end).data_callers].count(source) == 1
    return path


# Second check, by what nginx reads.


def server_of(root: Directive, socket: str) -> Directive:
    found = [server for server in root.all("server") if server.all("listen")[0].args[0] == socket]
    assert len(found) == 1, socket
    return found[0]


def name_of(subject: World, unit: str) -> str:
    """Return issuer and subject of a unit's certificate as nginx prints them."""
    return rf"CN=ca {unit},O=Bank\, Ltd.|CN={subject.federation.dns_name(unit)}"


def trusted(texts: dict[str, str], server: Directive, protocol: str = "proxy") -> str:
    return texts[server.get(f"{protocol}_ssl_trusted_certificate").rsplit("/", 1)[1]]


def control_by_text(subject: World, source: str, dest: str, protocol: str = "http") -> list[str]:
    path, unit = [source], source
    while True:
        assert len(path) <= 3, f"loop: {path}"
        texts = subject.route_texts(unit)
        root = parse(texts["control.conf"])
        target = lookup(maps(root)[f"control_{protocol}"], dest)
        if target == "":
            return [*path, "refused"]
        if target == f"fateflow-{protocol}":
            return path
        server = server_of(root, target)
        at = unit_at(subject, server.get("set") and server.all("set")[0].args[1], "control_port")
        family = {"http": "proxy", "grpc": "grpc"}[protocol]
        assert trusted(texts, server, family) == subject.peer(at).ca_certificate
        assert server.get(f"{family}_ssl_name") == subject.federation.dns_name(at)
        assert server.get(f"{family}_ssl_verify") == "on"
        assert server.get(f"{family}_ssl_verify_depth") == "0"
        inward = maps(parse(subject.route_texts(at)["control.conf"]))
        caller = lookup(inward["control_caller"], name_of(subject, unit))
        assert caller == unit
        assert lookup(inward["control_source"], f"{caller}:{source}") == source
        assert subject.peer(unit).ca_certificate in subject.route_texts(at)["control-callers.pem"]
        path.append(unit := at)


def data_by_text(subject: World, source: str, sni: str) -> list[str]:
    texts = subject.route_texts(source)
    root = parse(texts["data.conf"])
    target = lookup(maps(root)["data_hop"], sni)
    if target == "":
        return [source, "refused"]
    server = server_of(root, target)
    address = {directive.args[0]: directive.args[1] for directive in server.all("set")}["$hop"]
    path = [source, unit_at(subject, address, "data_port")]
    if path[-1] == EXCHANGE:
        onward = parse(subject.route_texts(EXCHANGE)["data.conf"])
        path.append(unit_at(subject, lookup(maps(onward)["data_hop"], sni), "data_port"))
    end = path[-1]
    assert trusted(texts, server) == subject.peer(end).ca_certificate
    assert server.get("proxy_ssl_name") == sni
    inward = maps(parse(subject.route_texts(end)["data.conf"]))["data_caller"]
    assert lookup(inward, f"{sni}|{name_of(subject, source)}") == source
    assert subject.peer(source).ca_certificate in subject.route_texts(end)["data-callers.pem"]
    return path


def expected(subject: World, source: str, dest: str) -> list[str]:
    star = subject.federation.topology is Topology.STAR
    return [source, EXCHANGE, dest] if star else [source, dest]


@settings(deadline=None, max_examples=25)
@given(worlds(), st.data())
def test_every_pair_has_one_route_on_both_paths(subject: World, data: st.DataObject) -> None:
    source = data.draw(st.sampled_from(subject.parties))
    for dest in subject.parties:
        sni = subject.federation.dns_name(dest)
        if dest == source:
            assert control_by_tables(subject, source, dest) == [source]
            assert control_by_text(subject, source, dest) == [source]
            # A broker that asks its router for itself would go round for ever.
            assert data_by_tables(subject, source, sni) == [source, "refused"]
            assert data_by_text(subject, source, sni) == [source, "refused"]
            continue
        want = expected(subject, source, dest)
        assert control_by_tables(subject, source, dest) == want
        assert control_by_text(subject, source, dest, "http") == want
        assert control_by_text(subject, source, dest, "grpc") == want
        assert data_by_tables(subject, source, sni) == want
        assert data_by_text(subject, source, sni) == want


@pytest.mark.parametrize("topology", Topology)
def test_every_ordered_pair_of_twelve_parties(topology: Topology) -> None:
    subject = world(IDS[:12], topology)
    for source in subject.parties:
        for dest in subject.parties:
            sni = subject.federation.dns_name(dest)
            if dest != source:
                want = expected(subject, source, dest)
                assert control_by_tables(subject, source, dest) == want
                assert data_by_tables(subject, source, sni) == want


@settings(deadline=None, max_examples=25)
@given(worlds(), st.text(max_size=12))
def test_strangers_have_no_route(subject: World, word: str) -> None:
    strangers = {str(party) for party in IDS} - set(subject.parties)
    for dest in [*strangers, EXCHANGE, "default", "", word, "0", f"0{subject.parties[0]}"]:
        if dest in subject.parties:
            continue
        for unit in subject.units:
            control = maps(parse(subject.route_texts(unit)["control.conf"]))
            assert lookup(control["control_http"], dest) == ""
            assert lookup(control["control_grpc"], dest) == ""
            data = maps(parse(subject.route_texts(unit)["data.conf"]))
            for sni in (dest, f"{dest}.{subject.federation.domain}"):
                assert lookup(data["data_hop"], sni) == ""


@settings(deadline=None, max_examples=25)
@given(worlds())
def test_nobody_speaks_for_another(subject: World) -> None:
    for unit in subject.units:
        table = maps(parse(subject.route_texts(unit)["control.conf"]))
        for caller in (*subject.units, "", "stranger"):
            for source in (*subject.parties, "", "1234567"):
                allowed = lookup(table["control_source"], f"{caller}:{source}")
                star = subject.federation.topology is Topology.STAR and unit != EXCHANGE
                right = caller == EXCHANGE and source != unit if star else caller == source != unit
                assert allowed == (source if right and source in subject.parties else "")
        # A name is a name under its own CA only.
        for one in subject.units:
            for other in subject.units:
                if one != other:
                    issuer, _ = name_of(subject, one).split("|")
                    _, certificate = name_of(subject, other).split("|")
                    assert lookup(table["control_caller"], f"{issuer}|{certificate}") == ""


@settings(deadline=None, max_examples=25)
@given(worlds())
def test_in_a_star_a_party_learns_no_other_party_s_address(subject: World) -> None:
    star = world(
        subject.federation.party_ids,
        Topology.STAR,
        {EXCHANGE: "203.0.113.77", **{unit: f"198.51.100.{at}" for at, unit in enumerate(subject.parties)}},
    )
    for unit in star.parties:
        everything = "".join([*star.route_texts(unit).values(), *star.base_texts(unit).values()])
        assert "198.51.100." not in everything
        assert everything.count("203.0.113.77:9443") == 2
        assert everything.count("203.0.113.77:6651") == len(star.parties) - 1


def outside_the_routes(subject: World, unit: str) -> str:
    """Return everything that a party's own programs read, but for the route files."""
    facts, party = subject.federation, int(unit)
    settings_of = flow.FlowSettings(party, "p", spark_nodes=1, spark_cores_per_node=1)
    return "".join(
        [
            *subject.base_texts(unit).values(),
            flow.service_conf(settings_of, load_profile(facts.fate_version)),
            flow.pulsar_route_table(facts),
            pulsar.standalone_conf(facts, party),
        ]
    )


@settings(deadline=None, max_examples=25)
@given(worlds())
def test_addresses_of_others_are_in_route_files_only(subject: World) -> None:
    hosts = {unit: f"198.51.100.{at}" for at, unit in enumerate(subject.units)}
    turned = world(subject.federation.party_ids, subject.federation.topology, {EXCHANGE: "198.51.100.250", **hosts})
    for unit in turned.parties:
        assert "198.51.100." not in outside_the_routes(turned, unit)
        # A control: the same look finds them where they belong.
        assert "198.51.100." in "".join(turned.route_texts(unit).values())


@settings(deadline=None, max_examples=25)
@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_is_of_no_account(subject: World, shuffle: random.Random) -> None:
    peers, ids = list(subject.peers), list(subject.federation.party_ids)
    shuffle.shuffle(peers)
    shuffle.shuffle(ids)
    federation = replace(subject.federation, party_ids=tuple(ids))
    other = World(federation, tuple(peers))
    for unit in subject.units:
        assert subject.route_texts(unit) == other.route_texts(unit)
        assert subject.base_texts(unit) == other.base_texts(unit)


@settings(deadline=None, max_examples=25)
@given(worlds(least=3))
def test_a_member_more_or_less_changes_route_files_only(subject: World) -> None:
    gone = subject.parties[-1]
    fewer = World(
        replace(subject.federation, party_ids=tuple(map(int, subject.parties[:-1]))),
        tuple(peer for peer in subject.peers if peer.unit != gone),
    )
    for unit in fewer.units:
        assert fewer.base_texts(unit) == subject.base_texts(unit)
        before, after = subject.route_texts(unit), fewer.route_texts(unit)
        assert set(before) - set(after) <= {f"ca-{gone}.pem", "data-callers.pem", "control-callers.pem"}
        words = re.split(r"[\s\"|;]", "".join(after.values()))
        assert not {gone, subject.federation.dns_name(gone), f"ca-{gone}.pem"} & set(words)


def test_listeners_of_the_files_are_the_declared_ports() -> None:
    subject = world([9999, 10000], Topology.STAR)
    declared = {
        "9999": {
            ports.ROUTER_INNER_CONTROL_HTTP,
            ports.ROUTER_INNER_CONTROL_GRPC,
            ports.ROUTER_INNER_DATA,
            ports.ROUTER_OUTER_CONTROL,
            ports.ROUTER_OUTER_DATA,
            ports.ROUTER_HEALTH,
        },
        EXCHANGE: {ports.ROUTER_OUTER_CONTROL, ports.ROUTER_OUTER_DATA, ports.ROUTER_HEALTH},
    }
    for unit, listeners in declared.items():
        root = parse(subject.base_texts(unit)["nginx.conf"])
        found = {
            int(listen.args[0])
            for context in ("http", "stream")
            for server in root.all(context)[0].all("server")
            for listen in server.all("listen")
        }
        assert found == listeners
        for name in ("control.conf", "data.conf"):
            servers = parse(subject.route_texts(unit)[name]).all("server")
            assert all(server.all("listen")[0].args[0].startswith("unix:") for server in servers)


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("control.conf", '"10000" "unix:/run/router/control-exchange-http.sock"', '"10000" ""'),
        ("control.conf", "proxy_ssl_name exchange.", "proxy_ssl_name 10000."),
        ("control.conf", "proxy_ssl_verify on", "proxy_ssl_verify off"),
        ("control.conf", "10.77.0.1:9443", "10.77.1.1:9443"),
        ("data.conf", '"10000.fraud.example.org" "unix:', '"10000x.fraud.example.org" "unix:'),
        ("data.conf", "ca-10000.pem", "ca-9998.pem"),
        ("data.conf", "10.77.0.1:6651", "10.77.1.1:6651"),
    ],
)
def test_the_walk_can_fail(name: str, right: str, wrong: str) -> None:
    """A control: one line of one file broken, and the walk sees it."""
    subject = world([9999, 10000, 9998], Topology.STAR)
    text = subject.route_texts("9999")[name]
    assert right in text
    broken = Broken(subject, "9999", name, text.replace(right, wrong))

    def walk() -> None:
        assert control_by_text(broken, "9999", "10000") == expected(subject, "9999", "10000")
        sni = subject.federation.dns_name("10000")
        assert data_by_text(broken, "9999", sni) == expected(subject, "9999", "10000")

    with pytest.raises(AssertionError):
        walk()


class Broken(World):
    """A world in which one file of one unit says something else."""

    def __init__(self, subject: World, unit: str, name: str, text: str) -> None:
        super().__init__(subject.federation, subject.peers)
        object.__setattr__(self, "change", (unit, name, text))

    def route_texts(self, unit: str) -> dict[str, str]:
        changed, name, text = self.change  # type: ignore[attr-defined]
        texts = super().route_texts(unit)
        return {**texts, name: text} if unit == changed else texts


def test_a_turned_table_does_not_fit() -> None:
    subject = world([9999, 10000, 9998], Topology.DIRECT)
    wrong = {"9999": subject.peer("9999"), "10000": subject.peer("9998"), "9998": subject.peer("10000")}
    swapped = World(
        subject.federation,
        tuple(replace(subject.peer(unit), endpoint=wrong[unit].endpoint) for unit in subject.parties),
    )
    table = route_table(subject.federation, "9999", [swapped.peer("10000"), swapped.peer("9998")])
    hop = {route.party: route.hop for route in table.control}["10000"]
    assert hop is not None
    assert unit_at(subject, hop.address, "control_port") != hop.unit

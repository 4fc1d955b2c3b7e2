"""What `load` and `select` give to the program."""

from pathlib import Path

import pytest
from unit.config_files import CA, OTHER_CA, SITE, json_peer, peer, write_files

from kubefate_pulumi.config import ConfigError, ExchangeFile, PartyFile, PeerDocument, load
from kubefate_pulumi.fate.model import Endpoint, FederationFacts, Peer, Topology

FULL_PARTY = """\
site:
  kubernetes: {context: a, kubeconfig: ../k.yaml, identifier: cluster-a}
namespace: team-a
exposure:
  type: NodePort
  address: 2001:DB8::1
  control_port: 30443
  data_port: 30651
  annotations: {example.org/a: "on"}
  source_ranges: [192.0.2.0/24, "2001:db8::/32"]
registry: registry.example.org:5000/fate
images: {nginx: "nginx:1.28.0@sha256:%s", fateflow: r.example.org/a/b:c}
image_pull_secrets: [login]
storage:
  storage_class: standard
  volumes: {datanode: {size: 1.5Ti}, mysql: {storage_class: fast}}
resources: {fateflow: {cpu: 2, memory: 4Gi}, mysql: {cpu: 0.5}, pulsar: {cpu: 1500m}}
spark: {workers: 3, cores: 4, memory: 8Gi}
hdfs: {datanodes: 2, replication: 2}
ingress: {class_name: nginx, fateboard_host: b.example.org, tls_secret: tls, annotations: {auth-secret: x}}
""" % ("0" * 64)


def test_what_is_left_out_stays_unset(tmp_path: Path) -> None:
    """The components hold the defaults, so a dump has exactly the keys of the file."""
    loaded = load(write_files(tmp_path, {"parties/9999.yaml": FULL_PARTY, "parties/10000.yaml": SITE + "spark:\n"}))
    dumped = loaded.parties[9999].model_dump(mode="json", exclude_unset=True)
    assert dumped == {
        "site": {"kubernetes": {"context": "a", "kubeconfig": "../k.yaml", "identifier": "cluster-a"}},
        "namespace": "team-a",
        "exposure": {
            "type": "NodePort",
            "address": "2001:db8::1",
            "control_port": 30443,
            "data_port": 30651,
            "annotations": {"example.org/a": "on"},
            "source_ranges": ["192.0.2.0/24", "2001:db8::/32"],
        },
        "registry": "registry.example.org:5000/fate",
        "images": {"nginx": f"nginx:1.28.0@sha256:{'0' * 64}", "fateflow": "r.example.org/a/b:c"},
        "image_pull_secrets": ["login"],
        "storage": {
            "storage_class": "standard",
            "volumes": {"datanode": {"size": "1.5Ti"}, "mysql": {"storage_class": "fast"}},
        },
        "resources": {
            "fateflow": {"cpu": "2", "memory": "4Gi"},
            "mysql": {"cpu": "0.5"},
            "pulsar": {"cpu": "1500m"},
        },
        "spark": {"workers": 3, "cores": 4, "memory": "8Gi"},
        "hdfs": {"datanodes": 2, "replication": 2},
        "ingress": {
            "class_name": "nginx",
            "fateboard_host": "b.example.org",
            "tls_secret": "tls",
            "annotations": {"auth-secret": "x"},
        },
    }
    assert loaded.parties[10000].model_dump(exclude_unset=True) == {"site": {"kubernetes": {"context": "here"}}}


def test_a_site_may_be_all_defaults(tmp_path: Path) -> None:
    """So that every key of it can be commented out."""
    loaded = load(write_files(tmp_path, {"exchange.yaml": "site:\n  kubernetes:\n"}))
    assert loaded.exchange is not None
    assert loaded.exchange.model_dump(exclude_unset=True) == {"site": {"kubernetes": {}}}


def test_kubeconfig_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    texts = {"~/k": Path("/home/somebody/k"), "k": Path("/base/k"), "/k": Path("/k")}
    for text, expected in texts.items():
        file = write_files(tmp_path, {"exchange.yaml": f"site: {{kubernetes: {{kubeconfig: {text}}}}}\n"})
        exchange = load(file).exchange
        assert exchange is not None
        assert exchange.site.kubernetes.kubeconfig_path(Path("/base")) == expected
    assert load(tmp_path).parties[9999].site.kubernetes.kubeconfig_path(Path("/base")) is None


def test_facts_and_peers(tmp_path: Path) -> None:
    """Both become the plain data that route tables are made from."""
    loaded = load(write_files(tmp_path, {"peers/9999.yaml": peer(subject="subject: 'CN=9999,O=Bank'")}))
    assert loaded.federation.facts() == FederationFacts(
        "fraud", "fraud.example.org", Topology.STAR, (9999, 10000), "1.11.2"
    )
    assert loaded.peers["9999"].to_peer() == Peer(
        "9999", Endpoint("9999.example.net", 9443, 6651), CA.certificate_pem, "CN=9999,O=Bank"
    )
    assert PeerDocument.model_validate(json_peer("9999")).to_peer().subject is None


def test_models_cannot_be_changed(tmp_path: Path) -> None:
    loaded = load(write_files(tmp_path, {}))
    with pytest.raises(ValueError, match="frozen"):
        loaded.federation.name = "other"  # type: ignore[misc]


def test_selecting_all(tmp_path: Path) -> None:
    loaded = load(write_files(tmp_path, {}))
    selection = loaded.select("all")
    assert selection.units == ("exchange", "9999", "10000")
    assert isinstance(selection.own["exchange"], ExchangeFile)
    assert isinstance(selection.own["9999"], PartyFile)
    assert selection.peers == {}
    assert loaded.select([10000, "exchange", "9999"]) == selection


def test_a_direct_federation_has_no_exchange(tmp_path: Path) -> None:
    text = "name: fraud\ndomain: fraud.example.org\nfate_version: 1.11.2\ntopology: direct\nparties: [9999, 10000]\n"
    loaded = load(write_files(tmp_path, {"federation.yaml": text, "exchange.yaml": None}))
    assert loaded.select("all").units == ("9999", "10000")
    with pytest.raises(ConfigError, match="no peer document for party 10000") as missing:
        loaded.select([9999])
    assert len(missing.value.problems) == 1


@pytest.mark.parametrize(
    ("units", "needed"),
    [([9999], {"exchange", "10000"}), (["exchange"], {"9999", "10000"}), (["exchange", 9999], {"10000"})],
)
def test_every_unit_needs_all_others(tmp_path: Path, units: list[int | str], needed: set[str]) -> None:
    """In a star too: trust on the data path is end to end. What is missing is all named at once."""
    loaded = load(write_files(tmp_path, {}))
    with pytest.raises(ConfigError) as missing:
        loaded.select(units, stack="mine")
    assert {problem.file for problem in missing.value.problems} == {f"{tmp_path}/peers/{unit}.yaml" for unit in needed}
    for paragraph in str(missing.value).split("\n\n"):
        assert "pulumi stack output peer -s" in paragraph
        assert "pulumi config set endpoints_only true" in paragraph
    assert loaded.select(units, endpoints_only=True).peers == {}
    other = {"9999": peer(), "10000": peer("10000", OTHER_CA.certificate_pem), "exchange": peer("exchange")}
    files = {f"peers/{unit}.yaml": other[unit] for unit in needed}
    selection = load(write_files(tmp_path, files)).select(units)
    assert set(selection.peers) == needed
    assert set(selection.own) == set(selection.units)


@pytest.mark.parametrize(
    ("units", "words"),
    [
        ("9999", "must be all, or a list of units"),
        ("", "must be all, or a list of units"),
        ([], "must be all, or a list of units"),
        (None, "must be all, or a list of units"),
        ([7], "is not a unit of the federation"),
        ([True], "is not a unit of the federation"),
        ([9999, 9999], "names 9999 a second time"),
    ],
)
@pytest.mark.parametrize("endpoints_only", [True, False])
def test_units_that_are_wrong(tmp_path: Path, units: object, words: str, *, endpoints_only: bool) -> None:
    loaded = load(write_files(tmp_path, {}))
    with pytest.raises(ConfigError, match=words) as refusal:
        loaded.select(units, endpoints_only=endpoints_only, stack="mine")  # type: ignore[arg-type]
    assert refusal.value.problems[0].file == f"{tmp_path}/Pulumi.mine.yaml"


def test_a_unit_without_file_names_the_file(tmp_path: Path) -> None:
    loaded = load(write_files(tmp_path, {"exchange.yaml": None, "parties/9999.yaml": None}))
    with pytest.raises(ConfigError) as refusal:
        loaded.select("all")
    assert [problem.file for problem in refusal.value.problems] == [
        f"{tmp_path}/exchange.yaml",
        f"{tmp_path}/parties/9999.yaml",
    ]
    assert loaded.select([10000], endpoints_only=True).units == ("10000",)


def test_shown_names_are_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path / "stacks", {"exchange.yaml": "a: 1\n"})
    monkeypatch.chdir(tmp_path)
    for directory in (Path("stacks"), tmp_path / "stacks", Path("stacks/../stacks")):
        with pytest.raises(ConfigError) as refusal:
            load(directory)
        assert {problem.file for problem in refusal.value.problems} == {"stacks/exchange.yaml"}


@pytest.mark.parametrize("parties", [2, 60])
def test_many_parties(tmp_path: Path, parties: int) -> None:
    ids = list(range(1, parties + 1))
    files: dict[str, str | bytes | None] = {f"parties/{party}.yaml": SITE for party in ids}
    federation = f"name: a\ndomain: a.b\nfate_version: 1.11.2\ntopology: star\nparties: {ids}\n"
    files |= {"federation.yaml": federation, "parties/9999.yaml": None, "parties/10000.yaml": None}
    assert len(load(write_files(tmp_path, files)).select("all").units) == parties + 1

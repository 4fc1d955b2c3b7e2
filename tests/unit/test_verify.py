"""The ladder: what each check sees, and what it says when something is broken."""

import json
from collections.abc import Callable, Iterator, Sequence

import pytest
from rig.federation import DOMAIN, world
from rig.site import Site, site
from unit.verify_rig import RigCluster, ScriptedCluster, broker_stand_in, flow_stand_in

from kubefate_pulumi.fate.model import FederationFacts, Topology
from kubefate_pulumi.verify import jobs, links, programs
from kubefate_pulumi.verify.cluster import UnitCluster, Workload
from kubefate_pulumi.verify.context import Check, UnitContext
from kubefate_pulumi.verify.ladder import CHECKS, climb
from kubefate_pulumi.verify.model import STEPS, CheckError, Report, Verdict, not_run

FACTS = FederationFacts("fraud", DOMAIN, Topology.STAR, (9999, 10000), "1.11.2")


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr("rig.site.fate_flow", flow_stand_in)
    monkeypatch.setattr("rig.site.broker", broker_stand_in)
    with site([9999, 10000], Topology.STAR) as made:
        yield made


def context_of(cluster: UnitCluster, facts: FederationFacts = FACTS) -> UnitContext:
    return UnitContext("9999", facts, cluster, seconds=5)


def outcomes(checks: Iterator[Check]) -> dict[str, str]:
    """Return what each check saw, or the whole text of its failure."""
    found = {}
    for check in checks:
        try:
            found[check.step] = check.run()
        except CheckError as failed:
            found[check.step] = f"{failed.verdict}: {failed} / {failed.remedy}"
    return found


# V1 and V3, through real routers.


def test_every_link_is_there(here: Site) -> None:
    context = context_of(RigCluster(here, "9999"))
    assert outcomes(programs.flow_checks(context)) == {"V1.fateflow": "FATE 1.11.2"}
    assert outcomes(links.checks(context)) == {
        "V3.control": "FATE 1.11.2",
        "V3.body": "5 MB arrived",
        "V3.data": "stand-in answers",
    }


def test_a_missing_route_is_said_on_both_paths(here: Site) -> None:
    hosts = {unit: here.public(unit) for unit in ("exchange", "9999")}
    here.routers["exchange"].reload(world((9999,), Topology.STAR, hosts).route_texts("exchange"))
    found = outcomes(links.checks(context_of(RigCluster(here, "9999"))))
    assert found["V3.control"].startswith("failed: 404: a router on the way has no route to it / Is the party in")
    assert found["V3.data"].startswith("failed: the connection is closed")
    assert "FATE would wait for ever" in found["V3.data"]


def test_a_unit_that_is_down_is_said(here: Site) -> None:
    here.routers["10000"].kill()
    found = outcomes(links.checks(context_of(RigCluster(here, "9999"))))
    assert found["V3.control"].startswith("failed: 502")
    assert found["V3.data"].startswith("failed: the connection is closed")


def test_what_is_no_broker_is_not_taken_for_one() -> None:
    with site([9999, 10000], Topology.STAR) as echoing:
        found = outcomes(links.checks(context_of(RigCluster(echoing, "9999"))))
    assert found["V3.control"].startswith("failed: FATE Flow answers with an error")
    assert found["V3.data"].startswith("failed: what answers is no Pulsar broker")


# V2, with answers as the programs give them.

JMX = "/jmx?qry=Hadoop:service=NameNode,name="
WORKLOADS = [Workload("Deployment", "spark-worker", 2, 2), Workload("StatefulSet", "datanode", 3, 3)]


def pages(
    workers: int = 2, datanodes: int = 3, safe_mode: str = "", router_state: str = "ok", health: int = 200
) -> object:
    def document(value: object) -> tuple[int, bytes]:
        return 200, json.dumps(value).encode()

    return {
        ("nginx", "/status"): (200, f"state={router_state}\nloaded=abc\n".encode()),
        ("spark-master", "/json/"): document({"aliveworkers": workers, "cores": 8}),
        ("namenode", f"{JMX}FSNamesystemState"): document({"beans": [{"NumLiveDataNodes": datanodes}]}),
        ("namenode", f"{JMX}NameNodeInfo"): document({"beans": [{"Safemode": safe_mode}]}),
        ("pulsar", "/admin/v2/brokers/health"): (health, b"ok"),
    }


def engines(code: int = 0, **options: object) -> dict[str, str]:
    cluster = ScriptedCluster(pages(**options), lambda _: (code, ""), WORKLOADS)  # type: ignore[arg-type]
    return outcomes(programs.engine_checks(context_of(cluster)))


def test_engines_that_are_well() -> None:
    assert engines() == {
        "V2.router": "it has",
        "V2.mysql": "it answers",
        "V2.spark": "2 workers, 8 cores",
        "V2.hdfs": "3 DataNodes",
        "V2.pulsar": "it is well",
    }


@pytest.mark.parametrize(
    ("broken", "step", "said"),
    [
        ({"router_state": "failed"}, "V2.router", "it works with older files"),
        ({"code": 1}, "V2.mysql", "it refuses: exit code 1"),
        ({"workers": 1}, "V2.spark", "1 of 2 workers"),
        ({"datanodes": 2}, "V2.hdfs", "2 of 3 DataNodes"),
        ({"safe_mode": "Safe mode is ON."}, "V2.hdfs", "it is in safe mode"),
        ({"health": 503}, "V2.pulsar", "it answers 503"),
    ],
)
def test_an_engine_that_is_not_well_is_named(broken: dict[str, object], step: str, said: str) -> None:
    found = engines(**broken)  # type: ignore[arg-type]
    assert [name for name, text in found.items() if text.startswith("failed")] == [step]
    assert said in found[step]


# V4 to V7.


@pytest.mark.parametrize(
    ("printed", "passed"), [("toy test job 1 is success", True), ("toy test job 1 is failed", False), ("", False)]
)
def test_a_toy_job_is_judged_by_what_is_printed(printed: str, passed: bool) -> None:
    asked: list[Sequence[str]] = []

    def run(command: Sequence[str]) -> tuple[int, str]:
        asked.append(command)
        return 0, printed

    context = context_of(ScriptedCluster({}, run))
    found = outcomes(jobs.alone(context)) | outcomes(jobs.pairs(context))
    assert [text == "it succeeded" for text in found.values()] == [passed, passed]
    assert [command[command.index("-hid") + 1] for command in asked] == ["9999", "10000"]


def test_what_is_done_by_hand_says_what_it_needs() -> None:
    three = FederationFacts("fraud", DOMAIN, Topology.STAR, (9999, 10000, 9998), "1.11.2")
    context = context_of(ScriptedCluster({}), three)
    found = outcomes(jobs.all_parties(context)) | outcomes(jobs.quality(context))
    assert set(found) == {"V6.job", "V7.quality"}
    assert all(text.startswith("not run: ") and " / Needs " in text for text in found.values())


# The ladder.


def ladder(
    monkeypatch: pytest.MonkeyPatch, results: dict[str, Callable[[], str]], last: str = "V3"
) -> list[tuple[str, str]]:
    checks = {
        step: lambda _, step=step: iter([Check(step, "try", results.get(step, lambda: "good"), decisive=True)])
        for step in STEPS
    }
    monkeypatch.setattr("kubefate_pulumi.verify.ladder.CHECKS", checks)
    return [(finding.step, finding.verdict) for finding in climb([context_of(ScriptedCluster({}))], last)]


def _fail() -> str:
    raise CheckError("broken", "mend it")


def _cannot() -> str:
    raise not_run("simulated", "needs the real one")


def test_every_step_has_checks() -> None:
    assert list(CHECKS) == list(STEPS)


def test_all_steps_run_up_to_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ladder(monkeypatch, {}) == [(f"V{number}", "passed") for number in range(4)]
    assert ladder(monkeypatch, {}, "V0") == [("V0", "passed")]


@pytest.mark.parametrize(("broken", "verdict"), [(_fail, "failed"), (_cannot, "not run")])
def test_a_step_runs_only_where_the_one_before_it_passed(
    monkeypatch: pytest.MonkeyPatch, broken: Callable[[], str], verdict: str
) -> None:
    found = ladder(monkeypatch, {"V1": broken})
    assert found == [("V0", "passed"), ("V1", verdict), ("V2", "not run"), ("V3", "not run")]


def test_a_report_is_good_only_if_everything_passed() -> None:
    def report(*verdicts: Verdict) -> Report:
        findings = list(climb([context_of(ScriptedCluster({}))], "V0"))
        return Report("fraud", "1.11.2", [*(type(findings[0])("V0", "9999", "try", verdict) for verdict in verdicts)])

    assert report(Verdict.PASSED).ok
    assert not report(Verdict.PASSED, Verdict.NOT_RUN).ok
    assert not report(Verdict.FAILED).ok
    assert not report().ok
    assert report(Verdict.PASSED).document()["findings"][0]["verdict"] == "passed"

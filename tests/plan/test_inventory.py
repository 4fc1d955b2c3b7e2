"""Kinds, names and fields per unit against the charts' inventory; differences only as docs/parity.md lists them."""

import json
import re
from pathlib import Path

import pytest
from plan.inventory import Difference, differences
from plan.programs import ROOT, plan_of, write_federation
from plan.recorder import Plan

CHARTS = json.loads((Path(__file__).parent / "data/chart-inventory-v1.11.2.json").read_text(encoding="utf-8"))
UNITS = {"Party": ("flc", "fate-9999"), "Exchange": ("exchange", "fate-exchange")}


def documented(unit: str) -> set[Difference]:
    """Return the rows of a unit's table in docs/parity.md."""
    text = (ROOT / "docs/parity.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {unit}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (\w+/[\w-]+) \| (\w+) \| (.+) \|$", section, flags=re.MULTILINE)
    assert all(reason.strip() for *_, reason in rows)
    names = [(name, what) for name, what, _ in rows]
    assert len(names) == len(set(names)), "a difference is listed twice"
    return set(names)


@pytest.mark.parametrize("unit", UNITS)
def test_every_difference_to_the_charts_is_documented(unit: str, repository_plan: Plan) -> None:
    chart, namespace = UNITS[unit]
    assert differences(CHARTS[chart], repository_plan.objects(namespace)) == documented(unit)


def test_a_changed_name_is_seen(repository_plan: Plan) -> None:
    chart = [item for item in CHARTS["flc"] if item["name"] != "mysql"]
    assert differences(chart, repository_plan.objects("fate-9999")) - documented("Party")


def test_a_changed_port_is_seen(repository_plan: Plan) -> None:
    chart = json.loads(json.dumps(CHARTS["flc"]))
    service = next(item for item in chart if (item["kind"], item["name"]) == ("Service", "mysql"))
    service["ports"][0]["port"] = 3307
    found = differences(chart, repository_plan.objects("fate-9999"))
    assert found - documented("Party") == {("Service/mysql", "ports")}


def test_ingresses_on_request_are_the_charts(tmp_path: Path) -> None:
    hosts = {"fateboard_host": "board.example.org", "notebook_host": "notebook.example.org"}
    plan = plan_of(write_federation(tmp_path, party={"ingress": hosts}))
    wanted = documented("Party") - {("Ingress/fateboard", "missing"), ("Ingress/client", "missing")}
    assert differences(CHARTS["flc"], plan.objects("fate-9999")) == wanted


def test_labels_and_selectors_are_the_charts(repository_plan: Plan) -> None:
    for item in repository_plan.objects("fate-9999"):
        labels = item.inputs["metadata"]["labels"]
        assert (
            labels.items() >= {"name": "fate-9999", "partyId": "9999", "owner": "kubefate", "cluster": "fate"}.items()
        )
        if item.kind in {"Deployment", "StatefulSet"}:
            selector = item.inputs["spec"]["selector"]["matchLabels"]
            assert set(selector) == {"name", "partyId", "fateMoudle"}
            assert selector.items() <= item.inputs["spec"]["template"]["metadata"]["labels"].items()

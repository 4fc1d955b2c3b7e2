"""Rows 22 to 26: what a create waits for, by the kind of the object."""

import re

import pulumi
from engine.plugin.lab import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    IMAGE,
    PENDING,
    SERVICES,
    Json,
    Lab,
    config_map,
    deployment,
    failed,
    ops_of,
    seconds,
    within,
)
from pulumi_kubernetes.batch.v1 import Job
from pulumi_kubernetes.core.v1 import Service

JOBS = "apis/batch/v1/jobs"


def test_22_load_balancers_address_is_waited_for_and_reaches_dependants_in_the_same_up(lab: Lab) -> None:
    def program() -> None:
        options = lab.options()
        # Nobody allots addresses of this class but the test.
        spec = {"type": "LoadBalancer", "load_balancer_class": "example.org/other", "ports": [{"port": 80}]}
        service = Service("router", metadata={"name": "router"}, spec=spec, opts=within(options, create="2m"))
        config_map("dependant", options, data={"address": service.status.load_balancer.ingress[0].ip})

    def allot() -> None:
        lab.comes(SERVICES, "router")
        assert not lab.exists(CONFIG_MAPS, "dependant")
        status = {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}
        lab.patch(SERVICES, "router", {"status": status}, "balancer", subresource="/status")

    with lab.meanwhile(allot):
        lab.up(program)
    assert lab.get(CONFIG_MAPS, "dependant")["data"] == {"address": "192.0.2.7"}


def test_23_endpoints_of_a_service_settle_for_ten_seconds_where_somebody_makes_them(lab: Lab) -> None:
    def program() -> None:
        options = lab.options()
        ports, selector = [{"port": 80}], {"app": "absent"}
        specs: Json = {
            "headless": {"cluster_ip": "None", "selector": selector, "ports": ports},
            "no-selector": {"ports": ports},
            "external": {"type": "ExternalName", "external_name": "service.example.org"},
        }
        Service("selects", metadata={"name": "selects"}, spec={"selector": selector, "ports": ports}, opts=options)
        for name, spec in specs.items():
            # Ten seconds of waiting would exceed this limit, and fail.
            Service(name, metadata={"name": name}, spec=spec, opts=within(options, create="5s"))

    assert seconds(lab.up(program), "selects") >= 10


def test_24_unready_deployment_fails_and_is_kept_and_updated_by_the_next_up(lab: Lab) -> None:
    def program() -> None:
        deployment("app", within(lab.options(), create="5s"), pod=PENDING)

    assert "timed out waiting to be Ready" in lab.fail(program)
    assert lab.state("app")["id"] == f"{lab.namespace}/app"
    assert lab.state("app")["initErrors"]
    lab.heal()
    outcome = lab.up(program)
    assert ops_of(outcome, "app") == ["update"]
    assert not lab.state("app").get("initErrors")


def _job(name: str, options: pulumi.ResourceOptions, drill: str) -> Job:
    pod = {"containers": [{"name": "app", "image": IMAGE}], "restart_policy": "Never"}
    template = {"metadata": {"annotations": {"simulator.kubefate/pod": drill}}, "spec": pod}
    return Job(name, metadata={"name": name}, spec={"backoff_limit": 0, "template": template}, opts=options)


def test_25_job_is_waited_for_until_it_is_complete(lab: Lab) -> None:
    def program() -> None:
        options = lab.options()
        job = _job("job", within(options, create="2m"), "pending")
        config_map("dependant", options, data={"succeeded": job.status.succeeded.apply(str)})

    def complete() -> None:
        lab.comes(JOBS, "job")
        assert not lab.exists(CONFIG_MAPS, "dependant")
        lab.heal()

    with lab.meanwhile(complete):
        lab.up(program)
    assert lab.get(CONFIG_MAPS, "dependant")["data"] == {"succeeded": "1"}


def test_25_job_that_is_given_up_fails_before_its_time_is_up(lab: Lab) -> None:
    outcome = lab.stack.up(lambda: _job("job", lab.options(), "crash") and None)
    assert outcome.error is not None
    assert "timed out" not in outcome.events.errors
    assert re.search("backoff ?limit", outcome.events.errors, re.IGNORECASE)
    assert {each["type"] for each in lab.get(JOBS, "job")["status"]["conditions"]} >= {"Failed"}
    assert seconds(outcome, "job") < 300, "the time limit is 600 s"


def test_26_skip_await_wins_over_the_kinds_rules_and_over_wait_for(lab: Lab) -> None:
    skip = {"pulumi.com/skipAwait": "true"}

    def program() -> None:
        options = within(lab.options(), create="3s")
        deployment("skips", options, pod=PENDING, annotations=skip)
        deployment("skips-for", options, pod=PENDING, annotations=skip | {"pulumi.com/waitFor": "condition=Never"})
        deployment("waits", options, pod=PENDING)
        deployment("waits-for", options, pod=PENDING, annotations={"pulumi.com/waitFor": "condition=Never"})

    outcome = lab.stack.up(program, continue_on_error=True)
    assert failed(outcome) == {"waits", "waits-for"}
    for name in ("skips", "skips-for"):
        assert not lab.state(name).get("initErrors")
        assert "readyReplicas" not in lab.get(DEPLOYMENTS, name)["status"]

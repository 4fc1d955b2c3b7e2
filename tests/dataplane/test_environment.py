"""A container's environment, identity and place, as its process sees them."""

import pytest
from dataplane.kubelet.environment import expand
from dataplane.kubelet.errors import KubeletError
from dataplane.kubelet.quantity import in_units
from dataplane.lab import Lab


def variables(lab: Lab, name: str = "pod") -> dict[str, str]:
    """Return the environment of the container's first process."""
    text = lab.site.pods[lab.namespace, name].container().execute("cat", "/proc/1/environ")
    return dict(line.split("=", 1) for line in text.split("\0") if line)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # The cases of Kubernetes' own test, third_party/forked/golang/expansion/expand_test.go.
        ("$(VAR_A)", "A"),
        ("___$(VAR_B)___", "___B___"),
        ("$(VAR_A)$(VAR_B)", "AB"),
        ("f000-$(VAR_A)-$(VAR_B)", "f000-A-B"),
        ("$(VAR_DNE)", "$(VAR_DNE)"),
        ("$VAR_A", "$VAR_A"),
        ("$$(VAR_A)", "$(VAR_A)"),
        ("$$$(VAR_B)", "$B"),
        ("$$$$$$(BIG_MONEY)", "$$$(BIG_MONEY)"),
        ("foo$$(VAR_A)", "foo$(VAR_A)"),
        ("foo\\\\$(VAR_A)", "foo\\\\A"),
        ("$(VAR_A(", "$(VAR_A("),
        ("$(VAR_REF)", "$(VAR_A)"),
        ("$)VAR_A)", "$)VAR_A)"),
        ("rest$", "rest$"),
        ("$$", "$"),
        ("$(", "$("),
        ("", ""),
    ],
)
def test_expansion(text: str, expected: str) -> None:
    assert expand(text, {"VAR_A": "A", "VAR_B": "B", "VAR_REF": "$(VAR_A)"}) == expected


@pytest.mark.parametrize(
    ("text", "divisor", "expected"),
    [
        ("1500m", "0", "2"),
        ("1500m", "1m", "1500"),
        ("64Mi", "0", "67108864"),
        ("64Mi", "1Mi", "64"),
        ("1G", "1Ki", "976563"),
        ("2", "1", "2"),
        ("1e3", "1", "1000"),
    ],
)
def test_quantities(text: str, divisor: str, expected: str) -> None:
    assert in_units(text, divisor) == expected


def test_every_source_of_a_variable(lab: Lab) -> None:
    lab.config_map("settings", {"one": "1", "two": "2"})
    lab.secret("keys", {"password": "s3cret"})
    env = [
        {"name": "PLAIN", "value": "value"},
        {"name": "FROM_KEY", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "one"}}},
        {"name": "FROM_SECRET", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "password"}}},
        {"name": "ABSENT", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "no", "optional": True}}},
        {"name": "ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "LABEL", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['role']"}}},
        {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
        {"name": "JOINED", "value": "$(PLAIN)-$(SET_two)-$(LATER)-$$(PLAIN)-$(FROM_SECRET)"},
        {"name": "LATER", "value": "later"},
        {"name": "SET_one", "value": "its own"},
    ]
    sources = [{"prefix": "SET_", "configMapRef": {"name": "settings"}}, {"secretRef": {"name": "keys"}}]
    container = {"env": env, "envFrom": sources, "resources": {"limits": {"cpu": "1500m"}}}
    pod = lab.pod(container, labels={"role": "router"})
    found = variables(lab)
    assert found["JOINED"] == "value-2-$(LATER)-$(PLAIN)-s3cret"
    expected = {
        "PLAIN": "value",
        "FROM_KEY": "1",
        "FROM_SECRET": "s3cret",
        "ADDRESS": pod.address,
        "LABEL": "router",
        "CPU": "2",
        "LATER": "later",
        "SET_one": "its own",
        "SET_two": "2",
        "password": "s3cret",
        "HOSTNAME": "pod",
    }
    assert {key: found.get(key) for key in expected} == expected
    assert "ABSENT" not in found
    assert pod.container().execute("hostname").strip() == "pod"


def test_a_missing_key_keeps_the_container_from_starting(lab: Lab) -> None:
    lab.secret("keys", {"password": "s3cret"})
    env = [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "other"}}}]
    with pytest.raises(AssertionError, match=f"secretKeyRef: {lab.namespace}/keys has no key 'other'") as error:
        lab.pod({"env": env})
    assert "s3cret" not in str(error.value)


def test_variables_of_services(lab: Lab) -> None:
    lab.service("my-db", {"app": "db"}, 3306)
    address = lab.cluster_address("my-db")
    lab.pod({})
    found = variables(lab)
    assert (found["MY_DB_SERVICE_HOST"], found["MY_DB_SERVICE_PORT"], found["MY_DB_SERVICE_PORT_MAIN"]) == (
        address,
        "3306",
        "3306",
    )
    assert found["MY_DB_PORT"] == found["MY_DB_PORT_3306_TCP"] == f"tcp://{address}:3306"
    # With links off, only the API server's are left.
    lab.pod({}, name="other", enableServiceLinks=False)
    assert not [name for name in variables(lab, "other") if name.startswith("MY_DB")]
    assert variables(lab, "other")["KUBERNETES_SERVICE_PORT"] == "443"


def test_command_and_args(lab: Lab) -> None:
    env = [{"name": "WHO", "value": "world"}]
    pod = lab.pod(
        {"command": ["sh", "-c", 'echo "$0 $1"; exec sleep infinity'], "args": ["hello $(WHO)", "$(NO)"], "env": env}
    )
    assert "hello world $(NO)\n" in pod.container().log.text
    # Without a command, `args` replace the image's own command.
    pod = lab.pod({"command": None, "args": ["sleep", "1000"]}, name="second")
    assert pod.container().execute("cat", "/proc/1/cmdline") == "sleep\x001000\x00"


def test_identity_and_root_file_system(lab: Lab) -> None:
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True}
    context = {"runAsUser": 101, "runAsGroup": 102, "fsGroup": 103, "supplementalGroups": [104], "runAsNonRoot": True}
    pod = lab.pod({"securityContext": security}, securityContext=context)
    run = pod.container().execute
    status = dict(line.split(":\t", 1) for line in run("cat", "/proc/1/status").splitlines() if ":\t" in line)
    assert (status["Uid"].split()[0], status["Gid"].split()[0], status["Groups"].split()) == (
        "101",
        "102",
        ["103", "104"],
    )
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"
    assert run("id").strip() == "uid=101 gid=102 groups=102,103,104"
    for path in ("/tmp", "/etc", "/usr/local/bin", "/run"):
        with pytest.raises(KubeletError, match="Read-only file system"):
            run("touch", f"{path}/x")
    # The same without these settings: root, with what a runtime gives, and a file system of its own.
    pod = lab.pod({}, name="other")
    run = pod.container().execute
    assert "CapBnd:\t00000000a80425fb" in run("cat", "/proc/1/status")
    run("touch", "/etc/x", "/usr/local/bin/x")
    # Only its own processes are there.
    assert run("sh", "-c", "ls -d /proc/[0-9]*").split()[0] == "/proc/1"
    assert "sleep" in run("cat", "/proc/1/cmdline")


def test_a_root_image_that_must_not_be_root_does_not_start(lab: Lab) -> None:
    with pytest.raises(AssertionError, match="runAsNonRoot is set, and the image runs as root"):
        lab.pod({}, securityContext={"runAsNonRoot": True})

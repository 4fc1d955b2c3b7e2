"""V1 and V2: FATE Flow answers, and the programs that it works with."""

import http.client
import json
from collections.abc import Iterator

from kubefate_pulumi.fate import ports, pulsar
from kubefate_pulumi.fate.names import ROUTER
from kubefate_pulumi.verify.context import Check, UnitContext
from kubefate_pulumi.verify.http_call import json_answer, request
from kubefate_pulumi.verify.model import CheckError

VERSION_REQUEST = json.dumps({"module": "FATE"}).encode()
JSON_HEADERS = {"Content-Type": "application/json"}


def version_path(context: UnitContext) -> str:
    """Return the path at which FATE Flow says its version (FATE Flow 1.11: `version_app.py`)."""
    return f"{context.profile.api_prefix}/version/get"


def flow_checks(context: UnitContext) -> Iterator[Check]:
    """Yield the checks of step V1."""
    if context.is_party:
        yield Check("V1.fateflow", "ask FATE Flow for its version", lambda: _version(context))


def _version(context: UnitContext) -> str:
    with context.cluster.connect("python", ports.FATE_FLOW_HTTP, context.seconds) as connection:
        answer = request(connection, "POST", version_path(context), headers=JSON_HEADERS, body=VERSION_REQUEST)
    return f"FATE {fate_version(answer)}"


def fate_version(answer: tuple[int, bytes]) -> str:
    """Return the version that a FATE Flow answered.

    Raises:
        CheckError: the answer is no such thing.
    """
    document = json_answer(answer, "FATE Flow")
    if not isinstance(document, dict) or document.get("retcode") != 0:
        raise CheckError("FATE Flow answers with an error", "Look into the log of python-0.")
    return str((document.get("data") or {}).get("FATE", "of unknown version"))


def engine_checks(context: UnitContext) -> Iterator[Check]:
    """Yield the checks of step V2."""
    yield Check("V2.router", "ask the router whether it has taken up its files", lambda: _router(context))
    if not context.is_party:
        return
    yield Check("V2.mysql", "ask the database as FATE Flow's user", lambda: _mysql(context))
    yield Check("V2.spark", "count Spark's live workers", lambda: _spark(context))
    yield Check("V2.hdfs", "count HDFS's live DataNodes", lambda: _hdfs(context))
    yield Check("V2.pulsar", "ask the broker for its health", lambda: _pulsar(context))


def _router(context: UnitContext) -> str:
    with context.cluster.connect(ROUTER, ports.ROUTER_HEALTH, context.seconds) as connection:
        status, body = request(connection, "GET", "/status")
    lines = body.decode(errors="replace").splitlines()
    if status != http.client.OK or "state=ok" not in lines:
        raise CheckError(
            "it works with older files: nginx does not take the new ones",
            f"See why: kubectl --namespace {context.cluster.namespace} logs deployment/nginx | grep event=refused",
        )
    return "it has"


_SELECT = (
    'MYSQL_PWD="$MYSQL_PASSWORD" exec mysql --user="$MYSQL_USER" --host=127.0.0.1 '
    '--execute="select 1" "$MYSQL_DATABASE"'
)


def _mysql(context: UnitContext) -> str:
    code, _ = context.cluster.run("mysql", "mysql", ["sh", "-c", _SELECT], context.seconds)
    if code != 0:
        raise CheckError(
            f"it refuses: exit code {code}",
            "A new password does not reach a database that exists; set it there, or give the old one back.",
        )
    return "it answers"


def _spark(context: UnitContext) -> str:
    wanted = next((each.wanted for each in context.cluster.workloads() if each.name == "spark-worker"), 1)
    with context.cluster.connect("spark-master", ports.SPARK_MASTER_WEB, context.seconds) as connection:
        document = json_answer(request(connection, "GET", "/json/"), "Spark's master")
    alive = int(document.get("aliveworkers", 0))
    if alive < wanted:
        raise CheckError(f"{alive} of {wanted} workers", "Look into the log of the missing workers.")
    return f"{alive} workers, {document.get('cores', 0)} cores"


def _hdfs(context: UnitContext) -> str:
    query = "/jmx?qry=Hadoop:service=NameNode,name="
    beans = {}
    for name in ("FSNamesystemState", "NameNodeInfo"):
        with context.cluster.connect("namenode", ports.HDFS_NAMENODE_WEB, context.seconds) as connection:
            found = json_answer(request(connection, "GET", query + name), "the NameNode")["beans"]
        beans[name] = found[0] if found else {}
    if beans["NameNodeInfo"].get("Safemode"):
        raise CheckError(
            "it is in safe mode: nothing can be written", "Wait for the DataNodes, or look into their logs."
        )
    live = int(beans["FSNamesystemState"].get("NumLiveDataNodes", 0))
    wanted = next((each.wanted for each in context.cluster.workloads() if each.name == "datanode"), 1)
    if live < wanted:
        raise CheckError(f"{live} of {wanted} DataNodes", "Look into the log of the missing DataNodes.")
    return f"{live} DataNodes"


def _pulsar(context: UnitContext) -> str:
    with context.cluster.connect("pulsar", ports.PULSAR_ADMIN, context.seconds) as connection:
        status, body = request(connection, "GET", pulsar.HEALTH_PATH)
    if status != http.client.OK or body.strip() != b"ok":
        raise CheckError(f"it answers {status}", "Look into the log of pulsar-0.")
    return "it is well"

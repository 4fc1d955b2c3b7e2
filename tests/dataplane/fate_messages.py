"""What FATE 1.11.2 does with its broker, in FATE Flow's container.

Source: `_federation.py`, `_pulsar_manager.py` and `_mq_channel.py` of FATE 1.11.2, in `fate_arch/federation/pulsar`.
Addresses come from the files that FATE reads: `service_conf.yaml` and the route table that it names.

    python fate_messages.py CLIENT ...    CLIENT is the directory of Pulsar's client; then one of

    setup PEER...             make clusters, tenant and namespace, as for a new job
    send TOPIC COUNT          send the numbers below COUNT
    take TOPIC COUNT SECONDS  print what comes, as JSON
"""

import json
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import yaml

CONF = Path("/data/projects/fate/conf/service_conf.yaml")
NAMESPACE = "job"


def main() -> None:
    client_home, action, *words = sys.argv[1:]
    sys.path.insert(0, client_home)
    conf = yaml.safe_load(CONF.read_text())
    broker = conf["fate_on_spark"]["pulsar"]
    if action == "setup":
        setup(conf, broker, words)
    elif action == "send":
        send(broker, words[0], int(words[1]))
    else:
        print(json.dumps(take(broker, words[0], int(words[1]), float(words[2]))))


def setup(conf: dict[str, Any], broker: dict[str, Any], peers: list[str]) -> None:
    table = yaml.safe_load((Path("/data/projects/fate") / broker["route_table"]).read_text())
    default = table["default"]
    for peer in peers:
        assert int(peer) not in table
        name = f"{peer}.{default['domain']}"
        cluster = {
            "serviceUrl": "",
            "serviceUrlTls": "",
            "brokerServiceUrl": f"pulsar://{name}:{default['brokerPort']}",
            "brokerServiceUrlTls": f"pulsar+ssl://{name}:{default['brokerSslPort']}",
            "proxyServiceUrl": f"pulsar+ssl://{default['proxy']}",
            "proxyProtocol": "SNI",
            "peerClusterNames": [],
        }
        request(broker, "PUT", f"clusters/{peer}", cluster)
    clusters = [str(broker["cluster"]), *peers]
    assert broker["cluster"] == str(conf["party_id"])
    request(broker, "PUT", f"tenants/{broker['tenant']}", {"adminRoles": [], "allowedClusters": clusters})
    request(broker, "PUT", f"namespaces/{broker['tenant']}/{NAMESPACE}", {"replication_clusters": clusters})


def request(broker: dict[str, Any], method: str, path: str, document: dict[str, Any]) -> None:
    url = f"http://{broker['host']}:{broker['mng_port']}/admin/v2/{path}"
    asked = urllib.request.Request(
        url, json.dumps(document).encode(), {"Content-Type": "application/json"}, method=method
    )
    try:
        urllib.request.urlopen(asked, timeout=20).close()  # noqa: S310
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{method} {url}: {error.code} {error.read().decode()}") from error


def client(broker: dict[str, Any]) -> Any:
    import pulsar  # type: ignore[import-not-found]

    url = f"pulsar://{broker['host']}:{broker['port']}"
    return pulsar.Client(url, operation_timeout_seconds=20, logger=pulsar.ConsoleLogger(pulsar.LoggerLevel.Error))


def send(broker: dict[str, Any], topic: str, count: int) -> None:
    link = client(broker)
    producer = link.create_producer(f"persistent://{broker['tenant']}/{NAMESPACE}/{topic}")
    for number in range(count):
        producer.send(str(number).encode())
    link.close()


def take(broker: dict[str, Any], topic: str, count: int, seconds: float) -> list[int]:
    import pulsar

    link = client(broker)
    consumer = link.subscribe(
        f"persistent://{broker['tenant']}/{NAMESPACE}/{topic}",
        "fate",
        initial_position=pulsar.InitialPosition.Earliest,
    )
    taken: list[int] = []
    try:
        while len(taken) < count:
            message = consumer.receive(timeout_millis=int(seconds * 1000))
            consumer.acknowledge(message)
            taken.append(int(message.data()))
    except Exception as error:
        if "imeout" not in repr(error) and "imeOut" not in repr(error):
            raise
    link.close()
    return taken


main()

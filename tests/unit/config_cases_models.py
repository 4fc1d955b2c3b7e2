"""Wrong values in `federation.yaml` and the units' files."""

from unit.config_files import CANARY, FEDERATION, SITE, Case, federation, party

CASES: dict[str, Case] = {
    # What the federation's file says
    "unknown key": federation("name:", f"nam: {CANARY}\nname:", 1, "nam", "Did you mean name?"),
    "unknown key far from any": federation(
        "name:",
        "zzz: 1\nname:",
        1,
        "zzz",
        "Known here: name, domain, fate_version, topology, parties, peers.",
    ),
    "missing key": federation("name: fraud\n", "", 1, "name", "is missing. For example: name: fraud"),
    "bad federation name": federation("name: fraud", "name: Fraud_x", 1, "name", "must be a DNS label"),
    "federation name too long": federation("name: fraud", f"name: {'f' * 31}", 1, "name", "at most 30"),
    "bad DNS name": federation("domain: fraud", f"domain: -{CANARY}_", 2, "domain", "must be a DNS name"),
    "domain in upper case": federation("domain: fraud", "domain: Fraud", 2, "domain", "in lower case"),
    "domain too long": federation("domain: fraud", f"domain: {'a' * 42}", 2, "domain", "at most 53"),
    "domain that is an address": federation(
        "domain: fraud.example.org", "domain: 192.0.2.1", 2, "domain", "must be a DNS name"
    ),
    "unknown version": federation("1.11.2", "1.11.9", 3, "fate_version", "Known: 1.11.2."),
    "version as number": federation("1.11.2", "1.11", 3, "fate_version", "must be text. Put it in quotes."),
    "unknown topology": federation("star", "ring", 4, "topology", "must be one of 'star' or 'direct'"),
    "duplicate party id": federation("[9999, 10000]", "[9999, 9999]", 5, "parties[1]", "is listed twice"),
    "party id zero": federation("[9999, 10000]", "[9999, 10000, 0]", 5, "parties[2]", "must be 1 or more"),
    "party id too large": federation(
        "[9999, 10000]", "[9999, 10000, 2147483648]", 5, "parties[2]", "must be 2147483647 or less"
    ),
    "party id as text": federation(
        "[9999, 10000]", f'[9999, 10000, "{CANARY}"]', 5, "parties[2]", "must be a whole number"
    ),
    "party id in octal": federation("[9999, 10000]", "[9999, 10000, 010]", 5, "parties[2]", "Write plain digits"),
    "party id with underscore": federation("[9999, 10000]", "[9999, 10_000]", 5, "parties[1]", "Write plain digits"),
    "sexagesimal number": federation("[9999, 10000]", "[9999, 12:30]", 5, "parties[1]", "plain digits"),
    "parties is one number": federation("[9999, 10000]", "9999", 5, "parties", "must be a list"),
    "no parties": Case(
        {"federation.yaml": FEDERATION.replace("[9999, 10000]", "[]")},
        [("federation.yaml", 5, "parties", "is an empty list")],
    ),
    "key without value": federation("name: fraud", "name:", 1, "name", "It has no value"),
    "key given twice": federation("domain:", "name: b\ndomain:", 2, "name", "given twice, first in line 1"),
    "truth value of YAML 1.1": federation("name: fraud", "name: yes", 1, "name", '"yes" in quotes'),
    # One unit's file
    "party file not in the federation": Case(
        {"parties/7.yaml": SITE}, [("parties/7.yaml", 1, "", "party 7 is not in the federation")]
    ),
    "party file name is no id": Case(
        {"parties/bank.yaml": SITE}, [("parties/bank.yaml", None, "", "must be named after a party id")]
    ),
    "party file name with zeros": Case(
        {"parties/09999.yaml": SITE}, [("parties/09999.yaml", None, "", "named after a party id")]
    ),
    "party file with wrong ending": Case({"parties/7.yml": SITE}, [("parties/7.yml", None, "", "must end in .yaml")]),
    "unit without file": Case(
        {"parties/9999.yaml": None},
        [("parties/9999.yaml", None, "", "does not exist, but stack federation deploys 9999")],
    ),
    "exchange without file": Case(
        {"exchange.yaml": None}, [("exchange.yaml", None, "", "stack federation deploys exchange")]
    ),
    "exchange file misnamed": Case(
        {"exchange.yaml": None, "exchange.yml": SITE, "Pulumi.federation.yaml": None},
        [("exchange.yml", None, "", "Rename it to exchange.yaml")],
    ),
    "exchange in a direct topology": Case(
        {"federation.yaml": FEDERATION.replace("star", "direct")},
        [("exchange.yaml", 1, "", "has no place in a direct topology")],
    ),
    "no site": Case({"parties/9999.yaml": "namespace: a\n"}, [("parties/9999.yaml", 1, "site", "is missing")]),
    "unknown kind of site": Case(
        {"parties/9999.yaml": "site:\n  kubernetes: {}\n  tanzu: {}\n"},
        [("parties/9999.yaml", 3, "site.tanzu", "is not a known key")],
    ),
    "kubeconfig inline": Case(
        {"parties/9999.yaml": f"site:\n  kubernetes:\n    kubeconfig: |\n      apiVersion: v1\n      a: {CANARY}\n"},
        [("parties/9999.yaml", 3, "site.kubernetes.kubeconfig", "must be a path, not the content")],
    ),
    "bad namespace": party("namespace: Fate_9999\n", 4, "namespace", "must be a DNS label"),
    "same namespace twice": Case(
        {"parties/9999.yaml": SITE + "namespace: a\n", "parties/10000.yaml": SITE + "namespace: a\n"},
        [("parties/10000.yaml", 4, "namespace", "is the namespace of party 9999")],
    ),
    "wrong type: text for number": party(
        f"spark:\n  workers: {CANARY}\n",
        5,
        "spark.workers",
        "must be a whole number. Write it without quotes",
    ),
    "wrong type: fraction": party("spark:\n  workers: 1.5\n", 5, "spark.workers", "must be a whole number"),
    "wrong type: list for mapping": party(f"spark: [{CANARY}]\n", 4, "spark", "must be a mapping"),
    "wrong type: text for mapping": party(f"spark: {CANARY}\n", 4, "spark", "must be a mapping"),
    "wrong type: number for text": party("namespace: 12\n", 4, "namespace", "Put it in quotes."),
    "wrong type: truth value for number": party("spark: {workers: true}\n", 4, "spark.workers", "whole number"),
    "too few": party("spark: {workers: 0}\n", 4, "spark.workers", "must be 1 or more"),
    "unknown nested key": party(
        "storage:\n  volumes:\n    mysq: {}\n", 6, "storage.volumes.mysq", "Did you mean mysql?"
    ),
    "bad quantity": party(f"spark: {{memory: 8 {CANARY}}}\n", 4, "spark.memory", "number of bytes with a unit"),
    "zero quantity": party("storage: {volumes: {mysql: {size: 0Gi}}}\n", 4, "storage.volumes.mysql.size", "zero"),
    "memory for cpu": party("resources: {mysql: {cpu: 1Gi}}\n", 4, "resources.mysql.cpu", "CPU cores"),
    "more copies than nodes": party(
        "hdfs: {datanodes: 2, replication: 3}\n",
        4,
        "hdfs.replication",
        "more copies than there are DataNodes (2)",
    ),
    "more copies than nodes by default": party("hdfs: {replication: 4}\n", 4, "hdfs.replication", "(3)"),
    "registry with scheme": party("registry: https://r.example.org\n", 4, "registry", "without https://"),
    "image without tag": party("images: {nginx: nginx}\n", 4, "images.nginx", "with a tag or a digest"),
    "image of no part": party("images: {ngin: nginx:1}\n", 4, "images.ngin", "Did you mean nginx?"),
    "pull secret twice": party("image_pull_secrets: [a, a]\n", 4, "image_pull_secrets[1]", "listed twice"),
    "same ingress host": party(
        "ingress: {fateboard_host: a.b, notebook_host: a.b}\n", 4, "ingress.notebook_host", "same host"
    ),
    "bad annotation value": party("ingress: {annotations: {a: 1}}\n", 4, "ingress.annotations.a", "in quotes"),
}

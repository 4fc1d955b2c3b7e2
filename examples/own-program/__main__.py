"""Party 9999, in a program of one's own; party 10000 is deployed by another organisation.

    pulumi config set context my-cluster
    pulumi up
    pulumi stack output peer > peer-9999.json      # for the other organisation

The first `pulumi up` makes the address that the peer needs. When the peer's own document is there, as `peer-10000.json`
beside this file, the next one deploys the federated learning cluster.
"""

import json
from pathlib import Path

import pulumi
import pulumi_kubernetes as kubernetes

from kubefate_pulumi import FederatedLearningCluster, FederationArgs, PartyEndpoint, PeerArgs

PARTY_ID = 9999
PEER = Path(__file__).with_name("peer-10000.json")

config = pulumi.Config()
federation: FederationArgs = {
    "name": "fraud",
    "domain": "fraud.example.org",
    "topology": "direct",
    "parties": [9999, 10000],
}

# A changed route must change the ConfigMap in place: the router reloads it. The provider's default replaces it.
cluster = kubernetes.Provider(
    "cluster",
    context=config.require("context"),
    enable_config_map_mutable=True,
    enable_secret_mutable=True,
)
on_cluster = pulumi.ResourceOptions(providers=[cluster])

endpoint = PartyEndpoint(
    "party",
    {"federation": federation, "party_id": PARTY_ID, "namespace": config.require("namespace")},
    on_cluster,
)
pulumi.export("peer", endpoint.peer)

if PEER.is_file():
    published = json.loads(PEER.read_text(encoding="utf-8"))
    peer: PeerArgs = {
        "unit": published["unit"],
        "ca_certificate": published["ca_certificate"],
        **published["endpoint"],
    }
    flc = FederatedLearningCluster(
        "party",
        {
            "federation": federation,
            "party_id": PARTY_ID,
            "namespace": endpoint.namespace,
            "ca_certificate": endpoint.ca_certificate,
            "ca_private_key": endpoint.ca_private_key,
            "peers": [peer],
            "spark": {"workers": 1, "cores": 2, "memory": "4Gi"},
        },
        on_cluster,
    )
    pulumi.export("notebook_password", flc.notebook_password)

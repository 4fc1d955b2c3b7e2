"""What a party's Pulsar broker reads.

The broker trusts its unit's internal CA and knows no peer: its router ends every peer's connection, and
carries every connection to a peer. Run with Pulsar 2.10.1, FATE 1.11.2's image, replicating both ways through
two routers and an exchange, and written for 3.0 too; a version ignores keys that it does not know.
"""

from typing import Final

from kubefate_pulumi.fate import ports
from kubefate_pulumi.fate._text import properties_text
from kubefate_pulumi.fate.model import FederationFacts

STANDALONE_CONF: Final = "standalone.conf"
SERVICE: Final = "pulsar"
START_COMMAND: Final = ("bin/pulsar", "standalone", "-nss", "-nfw")
"""Without stream storage and without the functions worker, which runs uploaded code; FATE uses neither."""

HEALTH_PATH: Final = "/admin/v2/brokers/health"
"""Where the broker says `ok` after it has sent a message to itself."""

CERTS: Final = "/opt/pulsar/certs"
"""Where the Secret with these keys is mounted; the chart's names."""
CERT_KEY: Final = "broker.cert.pem"
PRIVATE_KEY_KEY: Final = "broker.key-pk8.pem"
"""RSA, PKCS#8, not encrypted: Pulsar reads no other keys (`SecurityUtility`, 2.10 and 3.0)."""
CA_KEY: Final = "ca.cert.pem"
"""The unit's internal CA."""

_AUTH_TLS: Final = "org.apache.pulsar.client.impl.auth.AuthenticationTls"
_MESSAGE_BYTES: Final = 134217728


def standalone_conf(
    federation: FederationFacts,
    party_id: int,
    *,
    backlog_quota_gb: int = 10,
    delete_inactive_topics_seconds: int = 60,
) -> str:
    """Return `standalone.conf` of a party's broker.

    The broker must resolve `<party_id>.<domain>` to itself (its own client connects to that name), and its
    certificate must name it.

    Args:
        federation: What all parties share.
        party_id: The party.
        backlog_quota_gb: Messages a topic may keep for a consumer, in GB.
        delete_inactive_topics_seconds: How often topics without users are looked for.
    """
    name = federation.dns_name(str(party_id))
    return properties_text(
        {
            **_LOCAL,
            **_TLS,
            # A name of its own: replicators name their producers after the cluster, so with one name
            # for all, the third party's producer is taken for the second's (FATE issues 4695, 4739).
            "clusterName": str(party_id),
            # FATE gets the Service's name, peers the name that their routers and certificates know.
            "advertisedListeners": f"internal:pulsar://{SERVICE}:{ports.PULSAR},"
            f"internal:pulsar+ssl://{name}:{ports.PULSAR_TLS}",
            "internalListenerName": "internal",
            # Of the administration port, where the broker registers its own cluster when it starts.
            "advertisedAddress": name,
            "backlogQuotaDefaultLimitGB": str(backlog_quota_gb),
            "brokerDeleteInactiveTopicsFrequencySeconds": str(delete_inactive_topics_seconds),
        }
    )


_CERTIFICATE: Final = f"{CERTS}/{CERT_KEY}"
_PRIVATE_KEY: Final = f"{CERTS}/{PRIVATE_KEY_KEY}"
_CA: Final = f"{CERTS}/{CA_KEY}"
_AUTH_PARAMETERS: Final = f"tlsCertFile:{_CERTIFICATE},tlsKeyFile:{_PRIVATE_KEY}"

_TLS: Final = {
    "brokerServicePort": str(ports.PULSAR),
    "brokerServicePortTls": str(ports.PULSAR_TLS),
    "webServicePort": str(ports.PULSAR_ADMIN),
    # The broker's own client, once it speaks TLS, wants this one to exist.
    "webServicePortTls": str(ports.PULSAR_ADMIN_TLS),
    "tlsEnabled": "true",
    "tlsCertificateFilePath": _CERTIFICATE,
    "tlsKeyFilePath": _PRIVATE_KEY,
    "tlsTrustCertsFilePath": _CA,
    "tlsAllowInsecureConnection": "false",
    "tlsRequireTrustedClientCertOnConnect": "true",
    "tlsProtocols": "TLSv1.3,TLSv1.2",
    # Seconds; a rotated certificate serves new connections after this long.
    "tlsCertRefreshCheckDurationSec": "60",
    "authenticationEnabled": "false",
    "authorizationEnabled": "false",
    "brokerClientTlsEnabled": "true",
    "brokerClientTrustCertsFilePath": _CA,
    # The client certificate of the broker's own client and administration client ..
    "brokerClientAuthenticationPlugin": _AUTH_TLS,
    "brokerClientAuthenticationParameters": _AUTH_PARAMETERS,
    # .. and of its replicators, which ignore those two while authentication is off: as settings of the
    # client library, and as the broker's own (3.0 and later; 2.10 ignores them).
    "brokerClient_authPluginClassName": _AUTH_TLS,
    "brokerClient_authParams": _AUTH_PARAMETERS,
    "brokerClientCertificateFilePath": _CERTIFICATE,
    "brokerClientKeyFilePath": _PRIVATE_KEY,
    # That the router's certificate names the peer: the first for 2.10, the second for 3.0 and later.
    "brokerClient_tlsHostnameVerificationEnable": "true",
    "tlsHostnameVerificationEnabled": "true",
}

_LOCAL: Final = {
    "bindAddress": "0.0.0.0",  # noqa: S104 - the pod's address is not known here
    "zookeeperServers": "",
    # A broker that was killed holds its topics until its session ends; 30 s by default.
    "zooKeeperSessionTimeoutMillis": "8000",
    "configurationStoreServers": "",
    "managedLedgerDefaultEnsembleSize": "1",
    "managedLedgerDefaultWriteQuorum": "1",
    "managedLedgerDefaultAckQuorum": "1",
    "loadManagerClassName": "org.apache.pulsar.broker.loadbalance.NoopLoadManager",
    "loadBalancerEnabled": "false",
    "maxMessageSize": str(_MESSAGE_BYTES),
    "nettyMaxFrameSizeBytes": str(_MESSAGE_BYTES),
    "allowAutoTopicCreation": "true",
    "allowAutoTopicCreationType": "non-partitioned",
    "allowAutoSubscriptionCreation": "true",
    "brokerDeleteInactiveTopicsEnabled": "true",
    "backlogQuotaCheckEnabled": "true",
    # FATE drops messages that it has seen, by key; the broker need not keep every producer's last number.
    "brokerDeduplicationEnabled": "false",
    "webSocketServiceEnabled": "false",
    "functionsWorkerEnabled": "false",
    "ledgerStorageClass": "org.apache.bookkeeper.bookie.storage.ldb.DbLedgerStorage",
    "journalSyncData": "false",
    "diskUsageThreshold": "0.99",
    "diskUsageWarnThreshold": "0.99",
    "allowLoopback": "true",
    "flushInterval": "60000",
    "gcWaitTime": "300000",
    "bookkeeperUseV2WireProtocol": "true",
    "statusFilePath": "/usr/local/apache/htdocs",
    "systemTopicEnabled": "false",
    "topicLevelPoliciesEnabled": "false",
    "replicationConnectionsPerBroker": "16",
    "replicationProducerQueueSize": "1000",
    "keepAliveIntervalSeconds": "30",
    "transactionMetadataStoreProviderClassName": "org.apache.pulsar.transaction.coordinator.impl."
    "InMemTransactionMetadataStoreProvider",
}

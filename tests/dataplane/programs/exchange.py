"""The data router of KubeFATE's exchange: Traffic Server's files, as its chart `fate-exchange` v1.11.2 has them."""

from collections.abc import Mapping

PROXY = "/opt/proxy"
CONF = "/etc/trafficserver"
HOME_CONF = "/opt/trafficserver/etc/trafficserver"
COMMAND = ("/bin/bash", "-c", "/opt/trafficserver/bin/traffic_manager")
PORT = 443
PLAIN_PORT = 8080

_RECORDS: Mapping[str, str] = {
    "http.cache.http": "INT 0",
    "reverse_proxy.enabled": "INT 0",
    "url_remap.remap_required": "INT 0",
    "url_remap.pristine_host_hdr": "INT 0",
    "http.response_server_enabled": "INT 0",
    "http.server_ports": "STRING 8080 8080:ipv6 443:ssl",
    "http.connect_ports": "STRING 443 6650-6700 30000-33000",
    "ssl.CA.cert.filename": "STRING ca.cert.pem",
    "ssl.CA.cert.path": f"STRING {PROXY}",
    "ssl.server.cert.path": f"STRING {PROXY}",
    "ssl.servername.filename": "STRING sni/sni.yaml",
}


def records_config() -> str:
    """Return `records.config`."""
    return "".join(f"CONFIG proxy.config.{name} {value}\n" for name, value in _RECORDS.items())


def ssl_multicert_config() -> str:
    """Return `ssl_multicert.config`: what is not tunnelled is answered with this certificate."""
    return "dest_ip=* ssl_cert_name=proxy.cert.pem ssl_key_name=proxy.key.pem\n"


def sni_yaml(routes: Mapping[str, str]) -> str:
    """Return `sni.yaml`.

    Args:
        routes: Name that a broker asks for (`9999.fate.org`) to the `host:port` that it is led to.
    """
    entries = "".join(f"  - fqdn: {name}\n    tunnel_route: {target}\n" for name, target in routes.items())
    return f"sni:\n{entries}"


def files(routes: Mapping[str, str], certificate: str, key: str, ca: str) -> dict[str, str]:
    """Return all files by their path in the container."""
    return {
        f"{CONF}/records.config": records_config(),
        f"{CONF}/ssl_multicert.config": ssl_multicert_config(),
        f"{HOME_CONF}/sni/sni.yaml": sni_yaml(routes),
        f"{HOME_CONF}/proxy.cert.pem": certificate,
        f"{HOME_CONF}/proxy.key.pem": key,
        f"{PROXY}/proxy.cert.pem": certificate,
        f"{PROXY}/proxy.key.pem": key,
        f"{PROXY}/ca.cert.pem": ca,
    }

"""What FATE Board reads."""

from dataclasses import dataclass, field
from typing import Final

from kubefate_pulumi.fate import ports
from kubefate_pulumi.fate._text import properties_text

APPLICATION_PROPERTIES: Final = "application.properties"


@dataclass(frozen=True)
class BoardSettings:
    """The one account of FATE Board; the password is never shown."""

    username: str
    password: str = field(repr=False)


def application_properties(settings: BoardSettings) -> str:
    """Return `application.properties`. It holds the password, so it belongs in a Secret."""
    text = "application/json,application/xml,text/html,text/xml,text/plain"
    return properties_text(
        {
            "server.port": str(ports.FATE_BOARD),
            "fateflow.url": f"http://fateflow:{ports.FATE_FLOW_HTTP}",
            # Wins over `fateflow.url` when it is set: for several FATE Flow pods.
            "fateflow.url-list": "",
            "fateflow.http_app_key": "",
            "fateflow.http_secret_key": "",
            "spring.http.encoding.charset": "UTF-8",
            "spring.http.encoding.enabled": "true",
            "spring.servlet.multipart.max-file-size": "10MB",
            "spring.servlet.multipart.max-request-size": "100MB",
            "server.tomcat.uri-encoding": "UTF-8",
            "server.tomcat.max-threads": "1000",
            "server.tomcat.max-connections": "20000",
            "server.compression.enabled": "true",
            "server.compression.mime-types": text,
            "server.board.login.username": settings.username,
            "server.board.login.password": settings.password,
            "server.servlet.session.timeout": "4h",
            "server.servlet.session.cookie.max-age": "4h",
            "management.endpoints.web.exposure.exclude": "*",
            "feign.client.config.default.connectTimeout": "10000",
            "feign.client.config.default.readTimeout": "10000",
        }
    )

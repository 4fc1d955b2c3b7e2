"""FATE Board: the web page that shows jobs. It reads FATE Flow; people reach it through an ingress, if asked for."""

import pulumi

from kubefate_pulumi.components.args import IngressArgs
from kubefate_pulumi.components.parts.web import publish
from kubefate_pulumi.components.unit import Unit
from kubefate_pulumi.fate import board, ports
from kubefate_pulumi.kubernetes import objects
from kubefate_pulumi.kubernetes.metadata import content_hash_of
from kubefate_pulumi.kubernetes.probes import http, probes
from kubefate_pulumi.kubernetes.workload import Container, Mount, Pod, deployment

PART = "fateboard"
FILE = board.APPLICATION_PROPERTIES
USER = "admin"


class FateBoard(pulumi.ComponentResource):
    """FATE Board. Its configuration holds its password, so it is a Secret."""

    def __init__(
        self,
        name: str,
        unit: Unit,
        password: pulumi.Input[str],
        ingress: IngressArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("kubefate:index:FateBoard", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        text = pulumi.Output.secret(password).apply(_properties)
        objects.secret(unit.scope, PART, "fateboard-config", {FILE: text}, child)
        objects.service(unit.scope, PART, PART, {"tcp-fateboard": ports.FATE_BOARD}, child)
        container = Container(
            PART,
            unit.image(PART),
            unit.resources[PART],
            ports={"tcp-fateboard": ports.FATE_BOARD},
            mounts=[
                Mount("fateboard-confs", f"{unit.profile.paths['board_conf']}/{FILE}", sub_path=FILE),
            ],
            probes=probes(http(ports.FATE_BOARD)),
        )
        pod = Pod(
            containers=[container],
            volumes={"fateboard-confs": {"secret": {"secret_name": "fateboard-config"}}},
            content_hash=content_hash_of(pulumi.Output.all(text=text)),
        )
        deployment(unit.scope, PART, pod, child)
        publish(unit, PART, PART, ports.FATE_BOARD, host=ingress.get("fateboard_host"), ingress=ingress, opts=child)
        self.register_outputs({})


def _properties(password: str) -> str:
    return board.application_properties(board.BoardSettings(USER, password))

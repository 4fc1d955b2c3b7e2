"""The files of a new federation as text, with comments that explain the choices.

`stacks/` of this repository is made from the same texts, so an example and a new federation never differ.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from kubefate_pulumi.config.schema import schema_file
from kubefate_pulumi.config.select import ALL, UNITS_KEY
from kubefate_pulumi.config.stack import NAMESPACE
from kubefate_pulumi.fate.model import EXCHANGE, Topology

FATE_VERSION: Final = "1.11.2"
"""The version that a new federation starts with: the newest that is supported without reservation."""

_FEDERATION = """\
# What all parties of the federation share and may see. Keep it in a repository that all of them can read.

# Name of the federation: lower-case letters, digits and hyphens.
name: {name}

# Every unit has the name <unit>.<domain> in its certificate. No entry in any DNS is needed.
domain: {domain}

# Version of FATE, the same for all parties.
fate_version: {version}

# star: the parties reach each other through an exchange. direct: straight, without an exchange.
topology: {topology}

# The ids of all parties.
parties: [{parties}]
"""

_SITE = """\
# Where it runs: an existing Kubernetes cluster.
site:
  kubernetes:
    # Context of your kubeconfig. Without it: the current one.
    {context}
    # A kubeconfig file of its own, relative to this file. Without it: the usual one.
    # kubeconfig: ~/.kube/config

# How others reach it. By default a load balancer, at the address that it reports. Without one, for example:
# exposure:
#   type: NodePort
#   address: 192.0.2.10
#   control_port: 30443
#   data_port: 30651
"""

_EXCHANGE = """\
# What the operator of the exchange decides. Only `site` is needed; your editor lists all keys and defaults.

{site}
# Number of routers that share the load.
# replicas: 2

# Registry to take the images from, instead of the public ones.
# registry: registry.example.org/fate
"""

_PARTY = """\
# What the operator of party {party} decides. Only `site` is needed; your editor lists all keys and defaults.

{site}
# Where its data lies. By default: the cluster's default storage class.
# storage:
#   storage_class: standard
#   volumes:
#     datanode:
#       size: 100Gi

# The Spark workers, which do the training.
# spark:
#   workers: 2
#   cores: 4
#   memory: 8Gi

# Web pages to publish through the cluster's ingress controller. By default: none.
# ingress:
#   class_name: nginx
#   fateboard_host: board-{party}.example.org
#   notebook_host: notebook-{party}.example.org

# Registry to take the images from, instead of the public ones.
# registry: registry.example.org/fate
"""

_STACK_OF_ALL = """\
# One `pulumi up` for all units: for whoever operates the whole federation.
"""

_STACK_OF_ONE = """\
# For the operator of {who} alone. What it must know of the others comes from stacks/peers/.
# A password or a CA of one's own is a secret of this stack, for example:
#   pulumi config set --secret {secret}
"""

_STACK_CONFIG = """\
config:
  {key}: {units}
"""

_PROJECT = """\
name: {project}
description: A FATE federation, from the files in stacks/
runtime:
  name: python
  options:
    toolchain: pip
    # Without it, Pulumi uses the Python that is active when it starts.
    # virtualenv: .venv
stackConfigDir: stacks
"""

_PROGRAM = '''\
"""The Pulumi program: deploys the units of the selected stack from the files in `stacks/`."""

from kubefate_pulumi.program import run

run()
'''

_GITIGNORE = """\
.venv/
.kubefate/
__pycache__/
"""


@dataclass(frozen=True)
class NewFederation:
    """What a new federation is made from.

    Attributes:
        name: its name.
        domain: its DNS domain.
        topology: how the parties reach each other.
        parties: ids of the parties.
        contexts: context of the kubeconfig by unit; a unit without one gets a commented example.
    """

    name: str
    domain: str
    topology: Topology
    parties: Sequence[int]
    contexts: Mapping[str, str] = field(default_factory=dict)

    @property
    def units(self) -> tuple[str, ...]:
        """Names of all units."""
        exchange = (EXCHANGE,) if self.topology is Topology.STAR else ()
        return exchange + tuple(str(party) for party in self.parties)


def stack_files(new: NewFederation, schema_directory: str) -> dict[str, str]:
    """Return the files of `stacks/`, text by path relative to it.

    Args:
        new: the federation.
        schema_directory: where the JSON Schemas are, relative to `stacks/`.
    """
    federation = _FEDERATION.format(
        name=new.name,
        domain=new.domain,
        version=FATE_VERSION,
        topology=new.topology,
        parties=", ".join(str(party) for party in new.parties),
    )
    files = {"federation.yaml": _schema_line(schema_directory, "federation") + federation}
    if EXCHANGE in new.units:
        text = _EXCHANGE.format(site=_site(new, EXCHANGE))
        files["exchange.yaml"] = _schema_line(schema_directory, "exchange") + text
    for party in new.parties:
        text = _PARTY.format(party=party, site=_site(new, str(party)))
        files[f"parties/{party}.yaml"] = _schema_line(f"../{schema_directory}", "party") + text
    files |= {
        f"Pulumi.{stack}.yaml": _schema_line(schema_directory, "stack") + text for stack, text in _stacks(new).items()
    }
    files["peers/.gitkeep"] = ""
    return files


def project_files() -> dict[str, str]:
    """Return the files beside `stacks/` that make it a Pulumi project, text by path."""
    return {
        "Pulumi.yaml": _PROJECT.format(project=NAMESPACE),
        "__main__.py": _PROGRAM,
        ".gitignore": _GITIGNORE,
    }


def _schema_line(directory: str, name: str) -> str:
    return f"# yaml-language-server: $schema={directory}/{schema_file(name)}\n"


def stack_name(unit: str) -> str:
    """Return the name of the stack that deploys one unit."""
    return unit if unit == EXCHANGE else f"party-{unit}"


def _site(new: NewFederation, unit: str) -> str:
    given = new.contexts.get(unit)
    return _SITE.format(context=f"context: {given}" if given else f"# context: {stack_name(unit)}")


def _stacks(new: NewFederation) -> dict[str, str]:
    texts = {"federation": _STACK_OF_ALL + _STACK_CONFIG.format(key=UNITS_KEY, units=ALL)}
    for unit in new.units:
        who = "the exchange" if unit == EXCHANGE else f"party {unit}"
        secret = f"{unit}-ca-private-key" if unit == EXCHANGE else f"{unit}-mysql-password"
        config = _STACK_CONFIG.format(key=UNITS_KEY, units=f"[{unit}]")
        texts[stack_name(unit)] = _STACK_OF_ONE.format(who=who, secret=secret) + config
    return texts

"""What is generated from the models is committed as generated, and says what the models say."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from unit import config_cases_models, config_cases_peers
from unit.config_files import FEDERATION, OTHER_CA, SITE, Case, json_peer, peer
from unit.test_config_load import FULL_PARTY

from kubefate_pulumi.components import defaults
from kubefate_pulumi.config.exchange import ExchangeFile
from kubefate_pulumi.config.fields import Model
from kubefate_pulumi.config.party import DEFAULT_DATANODES, Hdfs, PartResources, PartyFile, Spark, Volumes
from kubefate_pulumi.config.reference import reference
from kubefate_pulumi.config.schema import MODELS, committed_texts, schema_texts, schemas
from kubefate_pulumi.config.site import Exposure
from kubefate_pulumi.config.templates import FATE_VERSION, NewFederation, stack_files
from kubefate_pulumi.fate.model import Topology
from kubefate_pulumi.fate.profile import supported_versions

ROOT = Path(__file__).parents[2]
STACKS = ROOT / "stacks"
NEW = NewFederation(
    "fraud",
    "fraud.example.org",
    Topology.STAR,
    (9999, 10000),
    {"exchange": "exchange", "9999": "party-9999", "10000": "party-10000"},
)


def stack_yaml() -> list[Path]:
    return sorted(path for path in STACKS.rglob("*.yaml") if path.parent.name != "peers")


def test_committed_schemas_are_those_of_the_models() -> None:
    """When this fails: make pages."""
    assert committed_texts() == schema_texts()


def test_committed_reference_is_that_of_the_models() -> None:
    """When this fails: make pages."""
    assert (ROOT / "docs/files.md").read_text() == reference()


@pytest.mark.parametrize("name", schemas())
def test_schemas_are_schemas(name: str) -> None:
    Draft202012Validator.check_schema(schemas()[name])


def test_stacks_are_made_from_the_templates_of_init() -> None:
    """Up to contexts that someone may have changed there is nothing to differ; when this fails, write them again."""
    made = stack_files(NEW, "../kubefate_pulumi/config/schema")
    for name, text in made.items():
        if name.endswith(".yaml"):
            # Pulumi adds an encryption salt to the stack files of whoever works here.
            found = re.sub(r"(?m)^encryptionsalt: .*\n", "", (STACKS / name).read_text())
            assert found == text, name


def test_every_file_points_at_its_schema_and_validates() -> None:
    by_schema: dict[Path, list[Path]] = {}
    for path in stack_yaml():
        match = re.match(r"# yaml-language-server: \$schema=(\S+)\n", path.read_text())
        assert match, path
        by_schema.setdefault((path.parent / match[1]).resolve(), []).append(path)
    folder = ROOT / "kubefate_pulumi/config/schema"
    kinds = ("exchange", "federation", "party", "stack")
    assert sorted(by_schema) == [folder / f"{kind}.schema.json" for kind in kinds]
    for schema, paths in by_schema.items():
        command = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(schema), *map(str, paths)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_check_jsonschema_sees_a_wrong_file(tmp_path: Path) -> None:
    """The control of the test above."""
    wrong = tmp_path / "federation.yaml"
    wrong.write_text(FEDERATION.replace("star", "ring"))
    schema = ROOT / "kubefate_pulumi/config/schema/federation.schema.json"
    command = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(schema), str(wrong)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "'ring' is not one of ['star', 'direct']" in done.stdout


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("federation", FEDERATION),
        ("party", FULL_PARTY),
        ("party", SITE + "spark:\nhdfs: {datanodes: }\n"),
        ("exchange", "site:\n  kubernetes:\n"),
        ("peer", peer("10000", OTHER_CA.certificate_pem)),
    ],
)
def test_the_schemas_take_what_the_models_take(name: str, text: str) -> None:
    assert list(Draft202012Validator(schemas()[name]).iter_errors(yaml.safe_load(text))) == []


def test_the_peer_schema_takes_what_a_stack_prints() -> None:
    assert list(Draft202012Validator(schemas()["peer"]).iter_errors(json_peer("9999"))) == []


NOT_IN_A_SCHEMA = re.compile(
    r"key given twice|duplicate|in octal|underscore|sexagesimal|truth value of YAML|directory|direct topology"
    r"|not in the federation|no id|zeros|wrong ending|without file|misnamed|same |more copies|zero quantity"
    r"|kubeconfig inline|two |clash|CIDR|address (that is not one|with port|with brackets|of nobody)|node port"
    r"|balancer|peer (of|under|with|twice)|key without value|domain that is an address|domain in upper"
)
"""Cases that show only to `kubefate check`: they are about several values, files or notations."""


def shape_cases() -> Iterator[tuple[str, str, str]]:
    cases: dict[str, Case] = config_cases_models.CASES | config_cases_peers.CASES
    kinds = {"federation.yaml": "federation", "exchange.yaml": "exchange", "parties/9999.yaml": "party"}
    for name, case in cases.items():
        files = [file for file in case.files if file in kinds]
        if NOT_IN_A_SCHEMA.search(name) or len(files) != 1 or case.files[files[0]] is None:
            continue
        yield name, kinds[files[0]], str(case.files[files[0]])


SHAPES = {name: (kind, text) for name, kind, text in shape_cases()}


@pytest.mark.parametrize("name", SHAPES)
def test_editors_see_wrong_shapes_too(name: str) -> None:
    """What an editor can know from one file alone, the schema refuses like the model."""
    kind, text = SHAPES[name]
    assert list(Draft202012Validator(schemas()[kind]).iter_errors(yaml.safe_load(text)))


def test_there_are_enough_shapes() -> None:
    assert len(SHAPES) > 25


def fields(model: type[Model]) -> Iterator[tuple[str, Any]]:
    for name, info in model.model_fields.items():
        yield f"{model.__name__}.{name}", info


@pytest.mark.parametrize("model", [*MODELS.values(), Exposure, Volumes, PartResources, Spark, Hdfs])
def test_every_field_is_described(model: type[Model]) -> None:
    """An editor shows the description; a field that may be left out says what happens then, or is a section."""
    for name, info in fields(model):
        assert info.description, name
        assert info.description.endswith("."), name
        assert model.__doc__, name


def default_in(model: type[Model], field: str) -> str:
    description = model.model_fields[field].description or ""
    return description.partition("Default: ")[2].rstrip(".").replace("`", "")


def test_described_defaults_are_those_of_the_components() -> None:
    """The models hold no defaults, so their descriptions could drift from what the components do."""
    expected = {
        (Exposure, "control_port"): str(defaults.CONTROL_PORT),
        (Exposure, "data_port"): str(defaults.DATA_PORT),
        (ExchangeFile, "replicas"): str(defaults.EXCHANGE_REPLICAS),
        (Spark, "workers"): str(defaults.SPARK_WORKERS),
        (Spark, "cores"): str(defaults.SPARK_CORES),
        (Spark, "memory"): defaults.SPARK_MEMORY,
        (Hdfs, "datanodes"): str(defaults.DATANODES),
    }
    expected |= {(Volumes, name): size for name, size in defaults.VOLUME_SIZES.items()}
    expected |= {(PartResources, name): f"{want.cpu} CPU, {want.memory}" for name, want in defaults.RESOURCES.items()}
    assert {key: default_in(*key) for key in expected} == expected
    nginx = defaults.RESOURCES["nginx"]
    assert default_in(ExchangeFile, "resources") == f"{nginx.cpu} CPU, {nginx.memory} memory"
    assert default_in(Hdfs, "replication").startswith(str(defaults.REPLICATION))
    assert DEFAULT_DATANODES == defaults.DATANODES
    assert set(Volumes.model_fields) == set(defaults.VOLUME_SIZES)
    assert set(PartResources.model_fields) == set(defaults.RESOURCES)
    assert FATE_VERSION == defaults.FATE_VERSION
    assert FATE_VERSION in supported_versions()


def test_keys_are_those_of_the_component_arguments() -> None:
    """A dump of a file goes to the components as it is."""
    from kubefate_pulumi.components import args

    def keys(typed: type) -> set[str]:
        return set(typed.__annotations__)

    own = {"site", "namespace", "exposure"}
    assert set(PartyFile.model_fields) - own <= keys(args.FederatedLearningClusterArgs)
    assert set(ExchangeFile.model_fields) - own <= keys(args.ExchangeArgs)
    assert set(Exposure.model_fields) == keys(args.ExposureArgs)
    assert set(Spark.model_fields) == keys(args.SparkArgs)
    assert set(Hdfs.model_fields) == keys(args.HdfsArgs)

"""The JSON Schemas of the files, for editors and for `check-jsonschema`, made from the models.

`python -m kubefate_pulumi.config.schema` writes them into `schema/`,
and `docs/files.md`. They check the shape of each file alone;
`kubefate check` also checks the files against each other.
"""

import json
from importlib import resources
from pathlib import Path
from typing import Any, Final

from kubefate_pulumi.config.exchange import ExchangeFile
from kubefate_pulumi.config.federation import FederationFile, PeerDocument
from kubefate_pulumi.config.fields import Model
from kubefate_pulumi.config.party import PartyFile
from kubefate_pulumi.config.reference import reference
from kubefate_pulumi.config.select import ALL, UNITS_KEY
from kubefate_pulumi.config.stack import AUTHORITY_SECRETS, ENDPOINTS_ONLY, NAMESPACE, PARTY_SECRETS
from kubefate_pulumi.fate.model import EXCHANGE

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
MODELS: Final[dict[str, type[Model]]] = {
    "federation": FederationFile,
    "exchange": ExchangeFile,
    "party": PartyFile,
    "peer": PeerDocument,
}
"""Model by the name of its schema."""


def schemas() -> dict[str, dict[str, Any]]:
    """Return all schemas by name."""
    made = {name: _model_schema(model) for name, model in MODELS.items()}
    return made | {"stack": _stack_schema()}


def schema_file(name: str) -> str:
    """Return the file name of a schema."""
    return f"{name}.schema.json"


def schema_texts() -> dict[str, str]:
    """Return the text of every schema file by file name."""
    return {
        schema_file(name): json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in schemas().items()
    }


def committed_texts() -> dict[str, str]:
    """Return the schema files that the package carries, without making them."""
    folder = resources.files(__package__) / "schema"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".schema.json"))
    return {name: (folder / name).read_text(encoding="utf-8") for name in names}


def _model_schema(model: type[Model]) -> dict[str, Any]:
    schema = _tidy(model.model_json_schema())
    title = (model.__doc__ or "").split(":", 1)[0].strip("`")
    return {"$schema": DIALECT, "title": title, **schema}


def _tidy(schema: Any, *, names: bool = False) -> Any:  # noqa: ANN401 - any JSON value
    """Drop what editors show but nobody needs: titles that repeat the keys, and defaults of null.

    Args:
        schema: a schema, or a part of one.
        names: the keys of `schema` are names that we chose, not keywords.
    """
    if isinstance(schema, list):
        return [_tidy(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _tidy(value, names=key in {"properties", "$defs"} and not names)
        for key, value in schema.items()
        if names or not (key == "title" or (key == "default" and value is None))
    }


def _stack_schema() -> dict[str, Any]:
    """Return the schema of a stack file; Pulumi's own keys are left to Pulumi."""
    secret = {
        "type": "object",
        "properties": {"secure": {"type": "string"}},
        "required": ["secure"],
        "additionalProperties": False,
    }
    unit = {"anyOf": [{"const": EXCHANGE}, {"type": "integer", "minimum": 1}, {"type": "string"}]}
    names = "|".join(PARTY_SECRETS + AUTHORITY_SECRETS)
    return {
        "$schema": DIALECT,
        "title": "Pulumi.<stack>.yaml",
        "description": "A stack: which units it deploys, and its secrets. The file is Pulumi's.",
        "type": "object",
        "required": ["config"],
        "properties": {
            "config": {
                "type": "object",
                "description": "Configuration of the stack.",
                "required": [UNITS_KEY],
                "properties": {
                    UNITS_KEY: {
                        "description": f"Units that this stack deploys: `{ALL}`, or a list of "
                        f"`{EXCHANGE}` and party ids. All others are peers.",
                        "anyOf": [{"const": ALL}, {"type": "array", "items": unit, "minItems": 1}],
                        "examples": [ALL, [EXCHANGE, 9999]],
                    },
                    f"{NAMESPACE}:{ENDPOINTS_ONLY}": {
                        "description": "Only publish the addresses and CA certificates of the units, so that "
                        "their peers can be deployed; no peer document is needed. Default: false.",
                        "enum": [True, False, "true", "false"],
                    },
                },
                "patternProperties": {
                    f"^{NAMESPACE}:({EXCHANGE}|[1-9][0-9]*)-({names})$": {
                        "description": "A secret of one unit. Set it with `pulumi config set --secret`. "
                        "Default: generated.",
                        **secret,
                    },
                    f"^(?!{NAMESPACE}:)": True,
                },
                "additionalProperties": False,
            }
        },
    }


def main() -> None:
    """Write all schemas into the package, and the reference into `docs/` of the checkout."""
    folder = Path(__file__).parent / "schema"
    folder.mkdir(exist_ok=True)
    for name, text in schema_texts().items():
        (folder / name).write_text(text, encoding="utf-8")
    documents = Path(__file__).parents[2] / "docs"
    if documents.is_dir():
        (documents / "files.md").write_text(reference(), encoding="utf-8")


if __name__ == "__main__":
    main()

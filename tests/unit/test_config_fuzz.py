"""Whatever the files hold, the answer is a list of problems, not a traceback."""

import os
import string
import tempfile
from pathlib import Path

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit.config_files import BASE, CANARY, OTHER_CA, peer, write_files
from unit.test_config_load import FULL_PARTY

from kubefate_pulumi.config import ConfigError
from kubefate_pulumi.config.check import check
from kubefate_pulumi.config.schema import MODELS

NAMES = [*BASE, "peers/9999.yaml"]
GOOD = {**BASE, "parties/9999.yaml": FULL_PARTY, "peers/10000.yaml": peer("10000", OTHER_CA.certificate_pem)}
QUICK = settings(
    deadline=None, max_examples=int(os.environ.get("FUZZ_EXAMPLES", "60")), suppress_health_check=[HealthCheck.too_slow]
)

KEYS = st.sampled_from(sorted({name for model in MODELS.values() for name in model.model_fields})) | st.text(max_size=8)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.binary(max_size=4)
    | st.dates()
    | st.sampled_from([f"{CANARY} é", "10.0.0.1", "::1", "8Gi", "a.b", "LoadBalancer", "all", "exchange", 9999])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.integers(), inner, max_size=5),
    max_leaves=12,
)


def report(files: dict[str, str | bytes | None]) -> None:
    """Check a directory; problems must be well formed. Everything else that happens is a failure."""
    with tempfile.TemporaryDirectory() as directory:
        result = check(write_files(Path(directory), files))
        error = ConfigError(result.problems)
        str(error).encode()
        assert CANARY not in str(error)
        for problem in result.problems:
            assert problem.file
            assert problem.message
            assert "\n" not in str(problem)


@QUICK
@given(name=st.sampled_from(NAMES), data=st.binary(max_size=200))
def test_random_bytes(name: str, data: bytes) -> None:
    report({name: data})


@QUICK
@given(name=st.sampled_from(NAMES), text=st.text(string.printable + "é\u2028\ufeff", max_size=200))
def test_random_text(name: str, text: str) -> None:
    report({name: text})


@QUICK
@given(name=st.sampled_from(NAMES), data=st.data())
def test_good_files_with_one_piece_changed(name: str, data: st.DataObject) -> None:
    """Damage that leaves most of a file good reaches deeper than noise."""
    text = GOOD.get(name) or peer()
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 20)))
    piece = data.draw(st.text("{}[]:,#&*!|>'\"%@`-? \n\t0aé_.~", max_size=6))
    report({**GOOD, name: text[:start] + piece + text[end:]})


@QUICK
@given(name=st.sampled_from(NAMES), value=st.dictionaries(KEYS, VALUES, max_size=6))
def test_random_yaml(name: str, value: dict[str, object]) -> None:
    if name.startswith("Pulumi."):
        value = {"config": {f"kubefate:{key}": item for key, item in value.items()}}
    report({name: yaml.dump(value, allow_unicode=True)})


@QUICK
@given(name=st.sampled_from([name for name in NAMES if not name.startswith("Pulumi.")]), data=st.data())
def test_one_value_of_a_good_file_replaced(name: str, data: st.DataObject) -> None:
    value = yaml.safe_load(GOOD.get(name) or peer())
    node = value
    while True:
        key = data.draw(st.sampled_from(list(node) if isinstance(node, dict) else list(range(len(node)))))
        if isinstance(node[key], dict | list) and node[key] and data.draw(st.booleans()):
            node = node[key]
            continue
        node[key] = data.draw(VALUES)
        break
    report({**GOOD, name: yaml.dump(value, allow_unicode=True)})


@QUICK
@given(names=st.lists(st.binary(min_size=1, max_size=20), max_size=4))
def test_random_file_names(names: list[bytes]) -> None:
    """A name is bytes, and need not be UTF-8 nor printable."""
    files: dict[str, str | bytes | None] = {}
    for name in names:
        shown = os.fsdecode(name.replace(b"/", b"-").replace(b"\0", b"-"))
        files |= {f"parties/{shown}.yaml": "", f"peers/{shown}.yaml": "a: 1", f"{shown}.yaml": "x"}
    report(files)


def test_the_control() -> None:
    """The good files have no problems, so what the fuzzers start from is good."""
    with tempfile.TemporaryDirectory() as directory:
        assert check(write_files(Path(directory), {**GOOD})).problems == ()

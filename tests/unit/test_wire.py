"""The declarations of listeners and flows: complete in themselves, and as docs/wire.md says."""

import pytest

from kubefate_pulumi.fate import wire, wire_page

UNITS = {"party": wire.PARTY, "exchange": wire.EXCHANGE}


@pytest.mark.parametrize("parts", UNITS.values(), ids=UNITS.keys())
def test_what_is_called_is_declared_once(parts: tuple[wire.Part, ...]) -> None:
    known = {part.name: {listener.name for listener in part.listeners} for part in parts}
    assert len(known) == len(parts)
    for part in parts:
        assert len(known[part.name]) == len(part.listeners)
        assert {name for _, name in part.outside} <= known[part.name]
        for call in part.calls:
            if call.to != wire.PEERS:
                assert set(call.listeners) <= known[call.to], (part.name, call)


@pytest.mark.parametrize("parts", UNITS.values(), ids=UNITS.keys())
def test_no_two_listeners_of_a_part_overlap(parts: tuple[wire.Part, ...]) -> None:
    for part in parts:
        numbers = [n for each in part.listeners for n in range(each.port, (each.last_port or each.port) + 1)]
        assert len(numbers) == len(set(numbers)), part.name


def test_callers_are_the_calls_seen_from_the_other_end() -> None:
    mysql = next(part for part in wire.PARTY if part.name == "mysql")
    assert [(caller.name, [each.port for each in found]) for caller, found in wire.callers(wire.PARTY, mysql)] == [
        ("python", [3306])
    ]


def test_the_page_is_up_to_date() -> None:
    """When this fails: make pages."""
    assert wire_page.PAGE.read_text(encoding="utf-8") == wire_page.page()

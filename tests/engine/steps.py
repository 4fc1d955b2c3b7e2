"""What the engine did, from the events that it logs."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Event = dict[str, Any]
UNCHANGED = frozenset({"same", "read", "refresh"})
"""Operations that change nothing."""


@dataclass(frozen=True)
class Step:
    """One resource operation: planned in a preview, done in an update.

    Attributes:
        op: `create`, `update`, `same`, `replace`, `create-replacement`, `delete-replaced`, `delete`, `refresh`, `read`.
        urn: the resource.
        type: its type token.
        name: its logical name.
        diffs: top-level keys that differ.
        detailed: property path to `add`, `delete`, `update`, `add-replace`, `delete-replace`, `update-replace`.
        old: the state before, with `inputs` and `outputs`, or None.
        new: the state after, or None.
    """

    op: str
    urn: str
    type: str
    diffs: tuple[str, ...] = ()
    detailed: dict[str, str] = field(default_factory=dict)
    old: Event | None = None
    new: Event | None = None

    @property
    def name(self) -> str:
        """The logical name."""
        return self.urn.rsplit("::", 1)[-1]


@dataclass(frozen=True)
class Events:
    """All events of one operation."""

    all: list[Event]

    @classmethod
    def read(cls, file: Path) -> "Events":
        """Read an event log; a line that a killed engine left unfinished is no event."""
        lines = file.read_text(encoding="utf-8").split("\n")[:-1] if file.exists() else []
        return cls([json.loads(line) for line in lines if line])

    @property
    def steps(self) -> list[Step]:
        """The operations in their order."""
        return [_step(each["resourcePreEvent"]["metadata"]) for each in self.all if each.get("resourcePreEvent")]

    @property
    def changed(self) -> list[Step]:
        """The operations that change something."""
        return [step for step in self.steps if step.op not in UNCHANGED]

    @property
    def changes(self) -> dict[str, int]:
        """Number of resources by operation, as the summary says."""
        found: dict[str, int] = {}
        for each in self.all:
            if each.get("summaryEvent"):
                found = each["summaryEvent"]["resourceChanges"]
        return found

    @property
    def diagnostics(self) -> list[tuple[str, str]]:
        """Severity and text of what was said to the user, without colours."""
        return [
            (each["diagnosticEvent"]["severity"], _plain(each["diagnosticEvent"]["message"]))
            for each in self.all
            if each.get("diagnosticEvent") and not each["diagnosticEvent"].get("ephemeral")
        ]

    @property
    def errors(self) -> str:
        """All texts of severity `error`, joined."""
        return "\n".join(text for severity, text in self.diagnostics if severity == "error")

    @property
    def failed(self) -> list[str]:
        """URNs of the resources whose operation failed."""
        return [each["resOpFailedEvent"]["metadata"]["urn"] for each in self.all if each.get("resOpFailedEvent")]

    def of(self, name: str) -> Step:
        """Return the one operation on the resource of that logical name."""
        found = [step for step in self.steps if step.name == name]
        assert len(found) == 1, f"{name}: {[step.op for step in found]}"
        return found[0]


def ops(steps: Iterable[Step]) -> set[tuple[str, str]]:
    """Return pairs of operation and logical name."""
    return {(step.op, step.name) for step in steps}


def _step(metadata: Event) -> Step:
    detailed = {path: each["diffKind"] for path, each in (metadata.get("detailedDiff") or {}).items()}
    return Step(
        metadata["op"],
        metadata["urn"],
        metadata["type"],
        tuple(metadata.get("diffs") or ()),
        detailed,
        metadata.get("old"),
        metadata.get("new"),
    )


def _plain(text: str) -> str:
    """Remove the engine's colour marks, `<{%reset%}>` and the like."""
    parts = text.split("<{%")
    return (parts[0] + "".join(part.split("%}>", 1)[-1] for part in parts[1:])).strip()

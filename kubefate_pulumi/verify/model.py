"""What a check says."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

STEPS: Mapping[str, str] = {
    "V0": "objects are there and ready",
    "V1": "FATE Flow answers",
    "V2": "the programs that FATE works with answer",
    "V3": "every other party answers, on both paths",
    "V4": "a job with one party",
    "V5": "a job with each other party",
    "V6": "a job with all parties",
    "V7": "a model of known quality",
}
"""The steps of the ladder, and what each shows."""
DEFAULT_LAST = "V3"
"""The steps after it run jobs."""


class Verdict(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not run"
    """It could not be tried: something that it needs is missing, as `remedy` says."""


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        step: Its id, such as `V3.control`.
        unit: The unit that it ran from.
        peer: The unit that it was about, if another one.
        tried: What was tried, in a sentence without a full stop.
        verdict: How it ended.
        detail: What was seen. Never a secret, and nothing that only the unit's owner may know: people exchange reports.
        remedy: What to do about it, if it did not pass.
        milliseconds: How long it took.
    """

    step: str
    unit: str
    tried: str
    verdict: Verdict
    detail: str = ""
    remedy: str = ""
    peer: str | None = None
    milliseconds: int = 0


@dataclass(frozen=True)
class Report:
    """All findings of one run."""

    federation: str
    fate_version: str
    findings: Sequence[Finding]

    @property
    def ok(self) -> bool:
        """Whether everything passed; what was not run has not."""
        return bool(self.findings) and all(finding.verdict is Verdict.PASSED for finding in self.findings)

    def document(self, now: datetime | None = None) -> Mapping[str, Any]:
        """Return the report as `kubefate verify --json` prints it; `now` is when, by default this moment."""
        return {
            "federation": self.federation,
            "fate_version": self.fate_version,
            "at": (now or datetime.now(UTC)).isoformat(timespec="seconds"),
            "ok": self.ok,
            "findings": [asdict(finding) for finding in self.findings],
        }


class CheckError(Exception):
    """A check did not pass. The first argument is what was seen, `remedy` what to do."""

    def __init__(self, detail: str, remedy: str, verdict: Verdict = Verdict.FAILED) -> None:
        super().__init__(detail)
        self.remedy = remedy
        self.verdict = verdict


def not_run(detail: str, remedy: str) -> CheckError:
    """Return what a check raises that cannot be tried."""
    return CheckError(detail, remedy, Verdict.NOT_RUN)

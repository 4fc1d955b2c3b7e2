"""The ladder: each step runs only where the one before it passed."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from kubefate_pulumi.verify import jobs, links, objects, programs
from kubefate_pulumi.verify.context import Check, UnitContext
from kubefate_pulumi.verify.model import CheckError, Finding, Verdict

STEPS: Mapping[str, tuple[str, Callable[[UnitContext], Iterator[Check]]]] = {
    "V0": ("objects are there and ready", objects.checks),
    "V1": ("FATE Flow answers", programs.flow_checks),
    "V2": ("the programs that FATE works with answer", programs.engine_checks),
    "V3": ("every other party answers, on both paths", links.checks),
    "V4": ("a job with one party", jobs.alone),
    "V5": ("a job with each other party", jobs.pairs),
    "V6": ("a job with all parties", jobs.all_parties),
    "V7": ("a model of known quality", jobs.quality),
}
"""What each step shows, and its checks."""
DEFAULT_LAST = "V3"
"""The steps after it run jobs."""


def climb(contexts: Iterable[UnitContext], last: str = DEFAULT_LAST) -> Iterator[Finding]:
    """Run the steps up to `last` for each unit; yield each finding as soon as it is there."""
    for context in contexts:
        passed = True
        for step, (title, checks) in STEPS.items():
            if passed:
                for check in checks(context):
                    finding = _run(context, check)
                    passed &= finding.verdict is Verdict.PASSED
                    yield finding
                    if check.decisive and not passed:
                        break
            elif any(True for _ in checks(context)):
                yield Finding(step, context.unit, title, Verdict.NOT_RUN, "an earlier step did not pass", "See above.")
            if step == last:
                break


def _run(context: UnitContext, check: Check) -> Finding:
    begun = time.monotonic()
    try:
        verdict, detail, remedy = Verdict.PASSED, check.run(), ""
    except CheckError as failed:
        verdict, detail, remedy = failed.verdict, str(failed), failed.remedy
    spent = round(1000 * (time.monotonic() - begun))
    return Finding(check.step, context.unit, check.tried, verdict, detail, remedy, check.peer, spent)

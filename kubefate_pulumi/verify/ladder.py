"""The ladder: each step runs only where the one before it passed."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from kubefate_pulumi.verify import jobs, links, objects, programs
from kubefate_pulumi.verify.context import Check, UnitContext
from kubefate_pulumi.verify.model import DEFAULT_LAST, STEPS, CheckError, Finding, Verdict

CHECKS: Mapping[str, Callable[[UnitContext], Iterator[Check]]] = {
    "V0": objects.checks,
    "V1": programs.flow_checks,
    "V2": programs.engine_checks,
    "V3": links.checks,
    "V4": jobs.alone,
    "V5": jobs.pairs,
    "V6": jobs.all_parties,
    "V7": jobs.quality,
}
"""The checks of each step, in their order."""


def climb(contexts: Iterable[UnitContext], last: str = DEFAULT_LAST) -> Iterator[Finding]:
    """Run the steps up to `last` for each unit; yield each finding as soon as it is there."""
    for context in contexts:
        passed = True
        for step, checks in CHECKS.items():
            if passed:
                for check in checks(context):
                    finding = _run(context, check)
                    passed &= finding.verdict is Verdict.PASSED
                    yield finding
                    if check.decisive and not passed:
                        break
            elif any(True for _ in checks(context)):
                yield Finding(
                    step, context.unit, STEPS[step], Verdict.NOT_RUN, "an earlier step did not pass", "See above."
                )
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

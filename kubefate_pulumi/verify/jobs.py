"""V4 to V7: jobs, which take minutes and a running FATE."""

from collections.abc import Callable, Iterator

from kubefate_pulumi.verify.context import Check, UnitContext
from kubefate_pulumi.verify.model import CheckError, not_run

JOB_SECONDS = 300
SUCCESS = "is success"
"""What FATE's client prints; its exit code is 0 also for a failed job (FATE 1.11: `flow_cli/commands/test.py`)."""


def alone(context: UnitContext) -> Iterator[Check]:
    """Yield the check of step V4."""
    if context.is_party:
        yield Check("V4.toy", "run FATE's toy job with this party alone", _toy(context, context.unit))


def pairs(context: UnitContext) -> Iterator[Check]:
    """Yield the checks of step V5: every pair from this party's side."""
    if context.is_party:
        for peer in context.others:
            yield Check("V5.toy", "run FATE's toy job with it as host", _toy(context, peer), peer)


def all_parties(context: UnitContext) -> Iterator[Check]:
    """Yield the check of step V6."""
    if context.is_party and len(context.others) > 1:
        yield Check(
            "V6.job",
            "train with all parties at once",
            _by_hand(
                "Needs data at every party: upload it with `flow data upload`, then run a homo or hetero job with one "
                "guest and all others as hosts. Pairs prove nothing about three."
            ),
        )


def quality(context: UnitContext) -> Iterator[Check]:
    """Yield the check of step V7."""
    if context.is_party:
        yield Check(
            "V7.quality",
            "train a model and look at its score",
            _by_hand(
                "Needs FATE's example data at guest and host: `flow test min -gid G -hid H -aid A` in the notebook; "
                "the AUC must be 0.98 or more. The command only warns when it is not."
            ),
        )


def _by_hand(needs: str) -> Callable[[], str]:
    def run() -> str:
        raise not_run("not done by this command", needs)

    return run


def _toy(context: UnitContext, host: str) -> Callable[[], str]:
    command = [
        "flow",
        "test",
        "toy",
        "-gid",
        context.unit,
        "-hid",
        host,
        "--timeout",
        str(JOB_SECONDS),
        "--task-cores",
        "1",
    ]

    def run() -> str:
        _, printed = context.cluster.run("client", "client", command, JOB_SECONDS + 60)
        if SUCCESS not in printed:
            raise CheckError(
                "the job did not succeed",
                f"Look at it in FATE Board, or run it again in the notebook: {' '.join(command)}",
            )
        return "it succeeded"

    return run

"""Small programs, given as functions, that the real engine runs through Pulumi's Automation API."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from engine.steps import Events
from engine.support import engine_environment
from pulumi import automation
from pulumi.automation.events import BaseEvent

from kubefate_pulumi.simulator.manager import Simulator

Program = Callable[[], None]


@dataclass(frozen=True)
class Outcome:
    """One operation.

    Attributes:
        events: what the engine did.
        outputs: the stack's outputs after an update, secrets in clear.
        error: the engine's last words when it failed, else None.
    """

    events: Events
    outputs: dict[str, Any]
    error: str | None

    def check(self) -> "Outcome":
        """Return itself.

        Raises:
            AssertionError: the operation failed.
        """
        assert self.error is None, f"{self.events.errors}\n{self.error}"
        return self


class InlineStack:
    """One stack with a backend of its own. The program may be another function each time."""

    def __init__(self, simulator: Simulator, directory: Path, program: Program, config: dict[str, str]) -> None:
        environment = engine_environment(simulator, directory)
        work = directory / "work"
        work.mkdir()
        settings = automation.ProjectSettings(
            name="inline", runtime="python", backend=automation.ProjectBackend(environment["PULUMI_BACKEND_URL"])
        )
        options = automation.LocalWorkspaceOptions(
            work_dir=str(work),
            pulumi_home=environment["PULUMI_HOME"],
            env_vars=environment,
            project_settings=settings,
            pulumi_command=automation.PulumiCommand(root=str(simulator.state)),
        )
        self._stack = automation.create_stack(stack_name="test", project_name="inline", program=program, opts=options)
        self._made = False
        for key, value in config.items():
            self._stack.set_config(key, automation.ConfigValue(value))

    def up(self, program: Program | None = None, **options: Any) -> Outcome:
        """Update; `options` are those of `automation.Stack.up`. A failure is in the outcome, not raised."""
        self._made = True
        return self._operate(self._stack.up, program, options)

    def preview(self, program: Program | None = None, **options: Any) -> Outcome:
        """Preview."""
        return self._operate(self._stack.preview, program, options)

    def refresh(self, **options: Any) -> Outcome:
        """Refresh."""
        return self._operate(self._stack.refresh, None, options)

    def destroy(self, **options: Any) -> Outcome:
        """Destroy."""
        outcome = self._operate(self._stack.destroy, None, options)
        self._made = outcome.error is not None
        return outcome

    def export(self) -> dict[str, Any]:
        """Return the stack's state with its secrets in clear; how they are stored shows only in the backend's file."""
        found = self._stack.export_stack().deployment
        return dict(found or {})

    def close(self) -> None:
        """Remove what was deployed, as far as that can be done; the sites themselves go at the end of the run."""
        if self._made:
            self.destroy()

    def _operate(self, operation: Callable[..., Any], program: Program | None, options: dict[str, Any]) -> Outcome:
        if program is not None:
            self._stack.workspace.program = program
        events: list[dict[str, Any]] = []
        try:
            result = operation(on_event=lambda event: events.append(_wire(event)), color="never", **options)
        except automation.CommandError as error:
            return Outcome(Events(events), {}, str(error))
        outputs = {name: each.value for name, each in (getattr(result, "outputs", None) or {}).items()}
        return Outcome(Events(events), outputs, None)


def _wire(event: automation.EngineEvent) -> dict[str, Any]:
    """Return an event with the field names of the engine's event log."""
    found: dict[str, Any] = _plain_json(event)
    return found


def _plain_json(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (automation.EngineEvent, BaseEvent)):
        return {_camel(name): _plain_json(each) for name, each in vars(value).items() if each is not None}
    if isinstance(value, Mapping):
        return {(key.value if isinstance(key, Enum) else key): _plain_json(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain_json(each) for each in value]
    return value


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(each.capitalize() for each in others)

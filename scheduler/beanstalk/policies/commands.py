"""A command that several instances carry out beside each other: who has ended, what is told of it, when it took too long."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from scheduler.beanstalk.model import Command, Instance, Outcome, Progress, Said, Severity, View
from scheduler.beanstalk.policies.instances import ids_of
from scheduler.beanstalk.policies.way import Go, left

_FAILED = "Command failed on instance. Return code: 1 Output: Engine execution has encountered an error.."
"""AWS's words whatever has failed: the causes are events of their own, before it."""
SUCCEEDED = Said("Instance deployment completed successfully.")


@dataclass(frozen=True, slots=True)
class Wave:
    """Instances by how far they are."""

    untold: tuple[Instance, ...] = ()
    """They have not been told the command yet."""
    running: tuple[Instance, ...] = ()
    succeeded: tuple[Instance, ...] = ()
    failed: tuple[Instance, ...] = ()
    timed_out: tuple[Instance, ...] = ()

    @property
    def ended(self) -> bool:
        return not self.untold and not self.running

    @property
    def unsuccessful(self) -> tuple[Instance, ...]:
        return self.failed + self.timed_out

    @property
    def outcome(self) -> Outcome:
        """Of the operation, when it is unsuccessful."""
        return Outcome.FAILED if self.failed else Outcome.TIMED_OUT


def wave(view: View, progress: Progress, instances: Iterable[Instance], deployment: int) -> Wave:
    """How far instances are with a deployment whose command began with this stage."""
    found: dict[str, tuple[Instance, ...]] = {}
    late = left(view, progress) <= 0
    for instance in instances:
        kind = _standing(instance, deployment)
        if late and kind in {"untold", "running"}:
            kind = "timed_out"
        found[kind] = (*found.get(kind, ()), instance)
    return Wave(**found)


def _standing(instance: Instance, deployment: int) -> str:
    if instance.deployment != deployment:
        return "untold"
    match instance.command:
        case Command.NONE:
            return "untold"
        case Command.RUNNING:
            return "running"
        case Command.SUCCEEDED:
            return "succeeded"
        case Command.FAILED:
            return "failed"
        case Command.TIMED_OUT:
            return "timed_out"


def tell(progress: Progress, found: Wave, *, successes: bool = True) -> Go | None:
    """Tell of instances that ended and were not told of yet; None: there are none."""
    ended = (*(found.succeeded if successes else ()), *found.failed)
    new = [instance for instance in ended if instance.id not in progress.told]
    if not new:
        return None
    said = tuple(event for instance in new for event in _ending(instance))
    return Go(replace(progress, told=(*progress.told, *ids_of(new))), said)


def _ending(instance: Instance) -> tuple[Said, ...]:
    if instance.command is Command.SUCCEEDED:
        return (SUCCEEDED,)
    return (
        Said("Instance deployment failed. For details, see 'eb-engine.log'.", Severity.ERROR),
        Said(f"[Instance: {instance.id}] {_FAILED}", Severity.ERROR),
    )


def abandoned(found: Wave) -> tuple[Said, ...]:
    """What is told when a command was not successful on every instance."""
    late, said = ids_of(found.timed_out), []
    if late:
        slow = "The following instances have not responded in the allowed command timeout time"
        still = "they might still finish eventually on their own"
        said.append(Said(f"{slow} ({still}): [{', '.join(late)}].", Severity.WARN))
    counts = {"Failed": len(found.failed), "TimedOut": len(late)}
    summary = ", ".join(
        [f"Successful: {len(found.succeeded)}", *(f"{name}: {count}" for name, count in counts.items() if count)]
    )
    said.append(Said(f"Command execution completed on all instances. Summary: [{summary}]."))
    ids = ",".join(ids_of(found.unsuccessful))
    said.append(
        Said(f"Unsuccessful command execution on instance id(s) '{ids}'. Aborting the operation.", Severity.ERROR)
    )
    return tuple(said)

"""What an operation on instances does next: `step`, by the policy that its settings name."""

from scheduler.beanstalk.model import Action, OperationKind, Policy, Progress, Step, View
from scheduler.beanstalk.policies.all_at_once import ALL_AT_ONCE
from scheduler.beanstalk.policies.configure import configure
from scheduler.beanstalk.policies.immutable import IMMUTABLE, immutable_update
from scheduler.beanstalk.policies.instances import members, start
from scheduler.beanstalk.policies.launch import LAUNCH
from scheduler.beanstalk.policies.replace import REPLACE
from scheduler.beanstalk.policies.restart import restart
from scheduler.beanstalk.policies.rolling import ROLLING
from scheduler.beanstalk.policies.rolling_with_additional_batch import ROLLING_WITH_ADDITIONAL_BATCH
from scheduler.beanstalk.policies.traffic_splitting import TRAFFIC_SPLITTING
from scheduler.beanstalk.policies.way import Way, walk

_DEPLOYMENTS = {
    Policy.ALL_AT_ONCE: ALL_AT_ONCE,
    Policy.ROLLING: ROLLING,
    Policy.ROLLING_WITH_ADDITIONAL_BATCH: ROLLING_WITH_ADDITIONAL_BATCH,
    Policy.IMMUTABLE: IMMUTABLE,
    Policy.TRAFFIC_SPLITTING: TRAFFIC_SPLITTING,
}
_BATCHES = frozenset({Policy.ROLLING, Policy.ROLLING_WITH_ADDITIONAL_BATCH})


def step(view: View, progress: Progress) -> Step:
    """The next step of an operation; settings and policy must stay the same until it ends."""
    return walk(_way(view, progress), view, progress)


def at_rest(view: View) -> tuple[Action, ...]:
    """Outside operations: what Auto Scaling launches gets the deployment that succeeded last."""
    return start(view, members(view), view.current)


def _way(view: View, progress: Progress) -> Way:
    settings = view.settings
    in_batches = settings.policy in _BATCHES
    match progress.kind:
        case OperationKind.LAUNCH:
            return LAUNCH
        case OperationKind.DEPLOY:
            return _DEPLOYMENTS[settings.policy]
        case OperationKind.CONFIGURE:
            return configure(view, in_batches=in_batches)
        case OperationKind.RESTART:
            return restart(in_batches=in_batches)
        case OperationKind.REPLACE:
            return immutable_update(view) if settings.rolling_update == "Immutable" else REPLACE

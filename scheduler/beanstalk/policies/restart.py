"""RestartAppServer: the application starts again on every instance, in the deployment policy's batches when it has some."""

from scheduler.beanstalk.model import Said
from scheduler.beanstalk.policies.in_place import Manner, way
from scheduler.beanstalk.policies.way import Way

_RESTARTED = Said("Restarted application server on all ec2 instances.")


def restart(*, in_batches: bool) -> Way:
    """A restart cannot be aborted, and there is no way back from it."""
    return way(Manner(end=(_RESTARTED,), in_batches=in_batches, abortable=False))

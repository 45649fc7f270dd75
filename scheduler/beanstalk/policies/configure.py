"""Settings that running instances take on: environment properties, proxy, logs. What fails or is aborted is taken back."""

from scheduler.beanstalk.model import View
from scheduler.beanstalk.policies import texts
from scheduler.beanstalk.policies.in_place import Manner, way
from scheduler.beanstalk.policies.way import Way


def configure(view: View, *, in_batches: bool) -> Way:
    """In the deployment policy's batches when it has some; else on all instances at once."""
    manner = Manner(
        begin=(texts.updating(view.name),),
        end=(texts.NEW_CONFIGURATION, texts.COMPLETED),
        failure=(texts.NOT_CONFIGURED,),
        reverted=(texts.REVERTED,),
        in_batches=in_batches,
        returns=True,
    )
    return way(manner)

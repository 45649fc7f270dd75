"""Immutable: one test instance with the new version, then a whole new fleet; the old one goes when the new one serves."""

from scheduler.beanstalk.model import Said, View
from scheduler.beanstalk.policies import texts
from scheduler.beanstalk.policies.new_fleet import Manner, way
from scheduler.beanstalk.policies.way import Way

_ENABLED = Said("Immutable deployment policy enabled. Launching one instance with the new settings to verify health.")

IMMUTABLE = way(
    Manner(
        begin=(_ENABLED,),
        end=(texts.NEW_VERSION, texts.COMPLETED),
        failure=(texts.NOT_DEPLOYED,),
        test_first=True,
    )
)


def immutable_update(view: View) -> Way:
    """The same for new launch settings (RollingUpdateType Immutable)."""
    return way(
        Manner(
            begin=(texts.updating(view.name), _ENABLED),
            end=(texts.NEW_CONFIGURATION, texts.COMPLETED),
            failure=(texts.NOT_CONFIGURED, texts.REVERTED),
            test_first=True,
        )
    )

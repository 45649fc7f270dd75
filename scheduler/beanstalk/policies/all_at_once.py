"""AllAtOnce: all instances carry the version out at the same time, in service. Nothing is waited for but the command."""

from scheduler.beanstalk.policies import texts
from scheduler.beanstalk.policies.in_place import Manner, way

ALL_AT_ONCE = way(
    Manner(
        begin=(texts.DEPLOYING,),
        end=(texts.NEW_VERSION, texts.COMPLETED),
        failure=(texts.NOT_DEPLOYED, texts.MIXED_VERSIONS),
    )
)

"""Rolling: batch by batch out of the balancer, the version carried out, and back until the batch is healthy."""

from scheduler.beanstalk.policies import texts
from scheduler.beanstalk.policies.in_place import Manner, way

MANNER = Manner(
    end=(texts.NEW_VERSION, texts.COMPLETED),
    failure=(texts.NOT_DEPLOYED, texts.MIXED_VERSIONS),
    in_batches=True,
    announces=True,
)
ROLLING = way(MANNER)

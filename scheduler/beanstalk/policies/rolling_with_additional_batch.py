"""RollingWithAdditionalBatch: a batch of new instances first, then Rolling, so that capacity never falls; the batch goes again.

AWS tells events of the additional batch that nobody has written down; none are made up.
"""

from dataclasses import replace

from scheduler.beanstalk.policies.in_place import way
from scheduler.beanstalk.policies.rolling import MANNER

ROLLING_WITH_ADDITIONAL_BATCH = way(replace(MANNER, additional=True))

"""Queues of SQS, in process: those that environments of the worker tier have."""

import json
from typing import Any

from emulator.neighbours.environment_ports import Place, QueueSpec, Tags
from emulator.neighbours.world import MotoWorld


class EnvironmentQueues:
    """The queues of `EnvironmentResources` over moto's SQS."""

    def __init__(self, world: MotoWorld) -> None:
        self._queue_world = world

    def ensure_queues(self, place: Place, spec: QueueSpec, tags: Tags) -> None:
        """See `EnvironmentResources`."""
        with self._queue_world.lock:
            sqs = self._sqs(place)
            for name in (spec.dead_letter_name, spec.name):
                if name not in sqs.queues:
                    sqs.create_queue(name, tags=dict(tags))
            redrive = {
                "deadLetterTargetArn": str(sqs.queues[spec.dead_letter_name].queue_arn),
                "maxReceiveCount": spec.max_receives,
            }
            attributes = {
                "VisibilityTimeout": spec.visibility_timeout,
                "MessageRetentionPeriod": spec.retention,
                "RedrivePolicy": json.dumps(redrive),
                "Policy": sqs.queues[spec.name].policy,  # moto forgets one that is not named
            }
            sqs.set_queue_attributes(spec.name, attributes)
        self._queue_world.save_soon("sqs")

    def delete_queue(self, place: Place, name: str) -> None:
        """See `EnvironmentResources`."""
        with self._queue_world.lock:
            sqs = self._sqs(place)
            if name not in sqs.queues:
                return
            sqs.delete_queue(name)
        self._queue_world.save_soon("sqs")

    def _sqs(self, place: Place) -> Any:
        return self._queue_world.backend("sqs", place.account, place.region)

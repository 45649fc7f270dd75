"""Where moto plays a service otherwise than AWS does, it is adapted before it is used."""

from emulator.neighbours.auto_scaling import LAUNCHERS, balance
from emulator.neighbours.cloudwatch import adapt_cloudwatch
from emulator.neighbours.sqs import adapt_sqs
from emulator.neighbours.tracking_alarms import adapt_application_auto_scaling

_WATCHING = {"cloudwatch", "monitoring", "cloudformation"}
_QUEUES = {"sqs", "cloudformation"}
_SCALING = {"applicationautoscaling", "application-autoscaling", "cloudformation"}


def adapt(service: str) -> None:
    """Adapt moto to what `service` (its package or its signing name) needs; safe to repeat."""
    if service in LAUNCHERS:
        balance()
    if service in _WATCHING:
        adapt_cloudwatch()
    if service in _QUEUES:
        adapt_sqs()
    if service in _SCALING:
        adapt_application_auto_scaling()

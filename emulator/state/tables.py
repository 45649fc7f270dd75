"""Imports every table, for the migrations and for emptying the store."""

from emulator.state import balancer, beanstalk, capacity, codedeploy, daemons, ecr, ecr_registry, ecs, ingress, journal

__all__ = [
    "balancer",
    "beanstalk",
    "capacity",
    "codedeploy",
    "daemons",
    "ecr",
    "ecr_registry",
    "ecs",
    "ingress",
    "journal",
]

"""Which protocol each of our services speaks."""

from functools import cache

from api.wire.json11 import Json11
from api.wire.query import Query
from api.wire.rest_json import RestJson

Protocol = Json11 | Query | RestJson
"""`parse`, `answer` and `refuse` are the same in all three."""

SERVICES = ("ecs", "ecr", "ecr-public", "eks", "elasticbeanstalk", "codedeploy")
"""Signing names of the services that Ashore itself answers; everything else is a neighbour's."""


@cache
def protocol_of(service: str) -> Protocol:
    """The protocol of one of `SERVICES`, or of `elbv2`, of which we answer a few operations; loads its model at first."""
    match service:
        case "eks":
            return RestJson(service)
        case "elasticbeanstalk" | "elbv2":
            return Query(service)
        case _:
            return Json11(service)

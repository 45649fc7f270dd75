"""Which protocol each of our services speaks."""

from functools import cache

from api.wire.json11 import Json11
from api.wire.query import Query
from api.wire.rest_json import RestJson

Protocol = Json11 | Query | RestJson
"""`parse`, `answer` and `refuse` are the same in all three."""

SERVICES = ("ecs", "ecr", "ecr-public", "eks", "elasticbeanstalk")
"""Signing names of the services that Ashore itself answers; everything else is a neighbour's."""


@cache
def protocol_of(service: str) -> Protocol:
    """The protocol of one of `SERVICES`; its model is loaded at the first call."""
    match service:
        case "eks":
            return RestJson(service)
        case "elasticbeanstalk":
            return Query(service)
        case _:
            return Json11(service)

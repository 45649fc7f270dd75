"""Which protocol each of our services speaks."""

from functools import cache

from api.wire.json11 import Json11
from api.wire.query import Query
from api.wire.rest_json import RestJson

Protocol = Json11 | Query | RestJson

SERVICES = ("ecs", "ecr", "eks", "elasticbeanstalk")
"""Signing names of the services that Ashore itself answers; everything else is a neighbour's."""


@cache
def protocol_of(service: str) -> Protocol:
    """The protocol of one of `SERVICES`."""
    match service:
        case "eks":
            return RestJson(service)
        case "elasticbeanstalk":
            return Query(service)
        case _:
            return Json11(service, constraints=service == "ecr")

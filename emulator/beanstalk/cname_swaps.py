"""SwapEnvironmentCNAMEs: two environments exchange their names; requests go the other way from then on."""

from typing import TYPE_CHECKING, Any

from emulator.beanstalk.environment_creation import LOOP
from emulator.beanstalk.environment_finding import find_named
from emulator.beanstalk.environment_states import Status
from emulator.beanstalk.environment_views import shown_cname
from emulator.beanstalk.errors import InvalidParameterCombination, InvalidParameterValue, not_ready
from emulator.beanstalk.events import tell_environment
from emulator.context import Context

if TYPE_CHECKING:
    from types_boto3_elasticbeanstalk.type_defs import SwapEnvironmentCNAMEsMessageTypeDef


def swap_environment_cnames(context: Context, request: "SwapEnvironmentCNAMEsMessageTypeDef") -> dict[str, Any]:
    """Exchange the names of two environments that are Ready."""
    by_id = (request.get("SourceEnvironmentId"), request.get("DestinationEnvironmentId"))
    named = (request.get("SourceEnvironmentName"), request.get("DestinationEnvironmentName"))
    if (by_id[0] is None) is not (by_id[1] is None) or (named[0] is None) is not (named[1] is None):
        raise InvalidParameterCombination(
            "Specify both environments by id, or both by name."  # (unconfirmed) text
        )
    source, destination = (find_named(context, name, one) for name, one in zip(named, by_id, strict=True))
    for row in (source, destination):
        if row.status != Status.READY:
            raise not_ready(row.name)
        if row.cname is None:
            raise InvalidParameterValue(f"Environment {row.name} has no CNAME.")  # (unconfirmed) text
    if source.id == destination.id:
        raise InvalidParameterValue("The source and the destination are the same environment.")  # (unconfirmed)
    names = f"'{source.name}' and '{destination.name}'"
    source.cname, destination.cname = destination.cname, source.cname
    messages = ["swapEnvironmentCNAMEs is starting.", f"Swapping CNAMEs for environments {names}."]
    messages += [f"'{shown_cname(context, row)}' now points to '{row.endpoint_url}'." for row in (destination, source)]
    for message in (*messages, f"Completed swapping CNAMEs for environments {names}."):
        tell_environment(context, source, message, request_id=context.request_id)
    for row in (source, destination):
        row.updated_at = context.now
    context.wake(LOOP, source.id, destination.id)
    return {}

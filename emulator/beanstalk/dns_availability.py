"""CheckDNSAvailability."""

from typing import TYPE_CHECKING, TypedDict

from emulator.beanstalk import cnames
from emulator.beanstalk.errors import InvalidParameterValue
from emulator.context import Context

if TYPE_CHECKING:
    from types_boto3_elasticbeanstalk.type_defs import CheckDNSAvailabilityMessageTypeDef


class AvailabilityResult(TypedDict):
    """Whether a name is free, and the whole of it."""

    Available: bool
    FullyQualifiedCNAME: str


def check_dns_availability(context: Context, request: "CheckDNSAvailabilityMessageTypeDef") -> AvailabilityResult:
    """Whether an environment could have the name. A taken one is no error."""
    prefix = request["CNAMEPrefix"]
    if not cnames.is_prefix(prefix):
        raise InvalidParameterValue(
            f"CNAMEPrefix '{prefix}' is invalid: 4 to 63 letters, digits and hyphens, none of these first or last."
        )  # (unconfirmed) text
    cname = cnames.cname_of(prefix, context.region)
    return {"Available": not cnames.is_taken(context, cname), "FullyQualifiedCNAME": cname}

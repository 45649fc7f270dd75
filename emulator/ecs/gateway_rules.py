"""What a gateway may be like, with the model's defaults. Texts are (unconfirmed)."""

from collections.abc import Mapping
from typing import Any

from emulator.context import Context
from emulator.ecs.errors import InvalidParameterException, UnsupportedFeatureException
from emulator.ecs.express_networks import subnets_for
from emulator.neighbours.ingress_ports import IngressSubnet

_VARIANT = "hostSharedAlb"
_SCHEMES = ("internet-facing", "internal")
_ADDRESSES = ("ipv4", "dualstack", "dualstack-without-public-ipv4")
_DESYNC = ("monitor", "defensive", "strictest")
_PROPAGATE = ("NONE", "GATEWAY")
_NOT_CARRIED_OUT = ("webACLArn", "accessLogs")
"""The data plane has no WAF and writes no access logs: see docs/balancer.md."""


def new_configuration(context: Context, given: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of a new gateway, with defaults."""
    asked = _variant(given)
    network = dict(asked.get("networkConfiguration", {}))
    if asked.get("port", 443) != 443 or asked.get("protocol", "HTTPS") != "HTTPS":
        raise InvalidParameterException("A gateway supports only the protocol HTTPS at port 443.")
    scheme = _one_of("scheme", asked.get("scheme", "internet-facing"), _SCHEMES)
    address = _one_of("ipAddressType", network.get("ipAddressType", "dualstack"), _ADDRESSES)
    subnets = subnets_for(context, list(network.get("subnets", [])))
    made = {
        "networkConfiguration": {"subnets": [item.id for item in subnets], "ipAddressType": address},
        "scheme": scheme,
        "port": 443,
        "protocol": "HTTPS",
        "maxAlbCount": 10,
        "httpDesync": "defensive",
    }
    return _changed(made, asked)


def changed_configuration(before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """`before` with the members that may change."""
    return _changed(before, _variant(given))


def _variant(given: Mapping[str, Any]) -> Mapping[str, Any]:
    if set(given) != {_VARIANT}:
        raise InvalidParameterException("Exactly one configuration variant must be specified.")
    asked: Mapping[str, Any] = given[_VARIANT]
    unfit = [member for member in _NOT_CARRIED_OUT if asked.get(member)]
    if unfit:
        raise UnsupportedFeatureException(f"Not emulated: {', '.join(unfit)} of a gateway.")
    return asked


def _changed(before: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    made = dict(before)
    if "maxAlbCount" in asked:
        if asked["maxAlbCount"] < 1:
            raise InvalidParameterException("maxAlbCount must be at least 1.")
        made["maxAlbCount"] = asked["maxAlbCount"]
    if "httpDesync" in asked:
        made["httpDesync"] = _one_of("httpDesync", asked["httpDesync"], _DESYNC)
    if "testTrafficRules" in asked:
        made["testTrafficRules"] = _test_rules(asked["testTrafficRules"])
    inbound = asked.get("networkConfiguration", {}).get("inboundSecurityGroup")
    if inbound is not None:
        made["networkConfiguration"] = {**made["networkConfiguration"], "inboundSecurityGroup": inbound}
    return made


def _test_rules(given: Mapping[str, Any]) -> dict[str, Any]:
    header = given.get("header")
    if header is not None and (not header["name"] or not header["values"]):
        raise InvalidParameterException("The header of testTrafficRules must have a name and values.")
    return dict(given)


def check_propagation(text: str) -> str:
    """GATEWAY or NONE."""
    return _one_of("propagateTags", text, _PROPAGATE)


def _one_of(member: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise InvalidParameterException(f"{member} should be one of [{','.join(known)}]")
    return value


def front_subnets(context: Context, configuration: Mapping[str, Any]) -> list[IngressSubnet]:
    """Where the gateway's load balancers stand; whether they are public is their scheme's matter."""
    public = configuration["scheme"] == "internet-facing"
    found = subnets_for(context, list(configuration["networkConfiguration"]["subnets"]))
    return [IngressSubnet(item.id, item.vpc_id, item.zone, public) for item in found]


def access_type(configuration: Mapping[str, Any]) -> str:
    """PUBLIC or PRIVATE."""
    return "PUBLIC" if configuration["scheme"] == "internet-facing" else "PRIVATE"

"""Cloud Map namespaces of services with Service Connect: what is asked for is checked, kept and listed.

No proxy runs beside the tasks: names of client aliases do not resolve in containers, and no TLS, timeout or access log is
carried out. A service is told so by `ashore explain SERVICE`.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from emulator.context import Context
from emulator.ecs.errors import InvalidParameterException, NamespaceNotFoundException
from emulator.ecs.pages import cut, page_size, start_after
from emulator.ecs.service_rules import controller_of
from emulator.state.ecs import ClusterRow, ServiceRow, TaskDefinitionRow


def connect_configuration(
    context: Context, cluster: ClusterRow, definition: TaskDefinitionRow, request: Mapping[str, Any]
) -> dict[str, Any]:
    """`serviceConnectConfiguration` of a service's body, with its namespace's ARN; empty where nothing is asked for.

    Raises:
        InvalidParameterException: it cannot be had; texts (unconfirmed).
        NamespaceNotFoundException: there is no such namespace.

    """
    given = request.get("serviceConnectConfiguration")
    if given is None:
        return {}
    if not given.get("enabled"):
        return {"serviceConnectConfiguration": {"enabled": False}}
    if controller_of(request) != "ECS":
        raise InvalidParameterException("Service Connect is for services with the ECS deployment controller.")
    asked = given.get("namespace") or (cluster.service_connect_defaults or {}).get("namespace")
    if not asked:
        raise InvalidParameterException("Service Connect needs a namespace, of the service or of its cluster.")
    names = {
        mapping.get("name")
        for container in definition.body["containerDefinitions"]
        for mapping in container.get("portMappings", [])
    }
    for service in given.get("services", []):
        if service["portName"] not in names:
            raise InvalidParameterException(
                f"The port name {service['portName']} of Service Connect is not the name of a port mapping."
            )
    return {"serviceConnectConfiguration": {**given, "namespace": namespace_arn(context, asked)}}


def namespace_arn(context: Context, asked: str) -> str:
    """The ARN of a namespace that is told by its name or its ARN.

    Raises:
        NamespaceNotFoundException: there is none in this account and region.

    """
    for arn, name in context.emulator.neighbours.namespaces(context.account, context.region).items():
        if asked in {arn, name}:
            return arn
    raise NamespaceNotFoundException(f"The namespace {asked} does not exist.")  # (unconfirmed) text


def list_services_by_namespace(context: Context, request: Mapping[str, Any]) -> Mapping[str, Any]:
    """A page of the ACTIVE services whose Service Connect uses the namespace; 10 unless asked for more."""
    arn = namespace_arn(context, request["namespace"])
    size = page_size(request.get("maxResults"), default=10)
    rows = context.session.scalars(
        select(ServiceRow)
        .where(
            ServiceRow.account == context.account,
            ServiceRow.region == context.region,
            ServiceRow.status == "ACTIVE",
            ServiceRow.arn > start_after(request.get("nextToken")),
        )
        .order_by(ServiceRow.arn)
    )
    found = [row.arn for row in rows if row.body.get("serviceConnectConfiguration", {}).get("namespace") == arn]
    shown, more = cut(found[: size + 1], size)
    return {"serviceArns": shown, **more}

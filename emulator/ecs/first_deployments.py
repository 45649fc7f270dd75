"""Services that ECS itself puts behind a load balancer: they wait for it before their first deployment begins."""

from emulator.context import Context
from emulator.ecs.deployments import living
from emulator.ecs.ingress_routes import is_managed
from emulator.ecs.services import drain
from emulator.state.ecs import ServiceRow


def waits_for_first(context: Context, service: ServiceRow) -> bool:
    """Whether nothing is to be done yet; a service that is deleted while it waits is gone at once."""
    if not is_managed(service) or living(context, service):
        return False
    if service.status == "DRAINING":
        drain(context, service)
    return True

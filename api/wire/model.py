"""botocore's service models: loaded at the first use of a service, because a cold start must not pay for them."""

from functools import cache

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel

_LOADER = Loader()


@cache
def service_model(service: str) -> ServiceModel:
    """The model of `service` (botocore's name of it, such as `ecs`)."""
    return ServiceModel(_LOADER.load_service_model(service, "service-2"), service)


@cache
def operation_names(service: str) -> tuple[str, ...]:
    """Every operation of `service`, emulated or not."""
    return tuple(service_model(service).operation_names)


@cache
def operation_model(service: str, operation: str) -> OperationModel:
    """One operation of `service`."""
    return service_model(service).operation_model(operation)

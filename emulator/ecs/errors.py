"""ECS's errors: one class a shape of the model, same name."""

from emulator.errors import AwsError


class AttributeLimitExceededException(AwsError):
    """More than 10 custom attributes on one resource."""


class ClientException(AwsError):
    """A mistake of the caller's that has no shape of its own."""


class ClusterContainsContainerInstancesException(AwsError):
    """DeleteCluster while hosts are registered."""

    def __init__(self) -> None:
        super().__init__("The Cluster cannot be deleted while Container Instances are active or draining.")


class ClusterContainsServicesException(AwsError):
    """DeleteCluster while services are active."""

    def __init__(self) -> None:
        super().__init__("The Cluster cannot be deleted while Services are active.")


class ClusterContainsTasksException(AwsError):
    """DeleteCluster while tasks are active."""

    def __init__(self) -> None:
        super().__init__("The Cluster cannot be deleted while Tasks are active.")


class ClusterNotFoundException(AwsError):
    """No such cluster in this account and region."""

    def __init__(self) -> None:
        super().__init__("Cluster not found.")


class ConflictException(AwsError):
    """RunTask's client token came with another request; `resourceIds` names what the first one made."""


class DaemonNotActiveException(AwsError):
    """The daemon is being deleted."""

    def __init__(self) -> None:
        super().__init__("Daemon was not ACTIVE.")  # (unconfirmed) text


class DaemonNotFoundException(AwsError):
    """No such daemon in this account and region."""

    def __init__(self) -> None:
        super().__init__("Daemon not found.")  # (unconfirmed) text


class DoesNotExistException(AwsError):
    """Session Manager's word for a session that is over or never was."""


class InvalidParameterException(AwsError):
    """A bad value or combination of values."""


class LimitExceededException(AwsError):
    """A quota."""


class MissingVersionException(AwsError):
    """UpdateContainerAgent on a host whose agent version is unknown."""


class NamespaceNotFoundException(AwsError):
    """No such Cloud Map namespace."""


class GatewayNotFoundException(AwsError):
    """No such gateway in this account and region."""

    def __init__(self) -> None:
        super().__init__("Gateway not found.")  # (unconfirmed) text


class NoUpdateAvailableException(AwsError):
    """UpdateContainerAgent on a host whose agent is up to date."""


class PlatformTaskDefinitionIncompatibilityException(AwsError):
    """The Fargate platform version lacks what the task definition asks for."""


class PlatformUnknownException(AwsError):
    """No such Fargate platform version."""


class ResourceInUseException(AwsError):
    """The resource is needed by another."""


class ResourceNotFoundException(AwsError):
    """No such resource."""


class ServiceDeploymentNotFoundException(AwsError):
    """No such service deployment."""

    def __init__(self) -> None:
        super().__init__("Service deployment not found.")  # (unconfirmed) text


class ServiceNotActiveException(AwsError):
    """The service is draining or gone."""

    def __init__(self) -> None:
        super().__init__("Service was not ACTIVE.")


class ServiceNotFoundException(AwsError):
    """No such service in the cluster."""

    def __init__(self) -> None:
        super().__init__("Service not found.")


class TargetNotFoundException(AwsError):
    """The resource that attributes were put on does not exist."""


class TaskSetNotFoundException(AwsError):
    """No such task set in the service."""

    def __init__(self) -> None:
        super().__init__("The specified task set does not exist.")  # (unconfirmed) text


class UnsupportedFeatureException(AwsError):
    """The feature does not go with this resource."""


class UpdateInProgressException(AwsError):
    """An update of the same resource is under way."""

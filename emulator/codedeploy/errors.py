"""CodeDeploy's errors: one class a shape of the model, same name. Texts are CodeDeploy's but for those marked."""

from emulator.errors import AwsError


class ApplicationAlreadyExistsException(AwsError):
    """An application of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Application already exists: {name}")  # (unconfirmed) text


class ApplicationDoesNotExistException(AwsError):
    """No such application."""

    def __init__(self, name: str) -> None:
        super().__init__(f"No application found for name: {name}")


class ArnNotSupportedException(AwsError):
    """The ARN is not one of a resource that has tags."""


class BatchLimitExceededException(AwsError):
    """Too many names at once."""


class DeploymentAlreadyCompletedException(AwsError):
    """The deployment has ended."""

    def __init__(self, deployment_id: str) -> None:
        super().__init__(f"The deployment {deployment_id} is already completed.")  # (unconfirmed) text


class DeploymentConfigAlreadyExistsException(AwsError):
    """A deployment configuration of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Deployment configuration already exists: {name}")  # (unconfirmed) text


class DeploymentConfigDoesNotExistException(AwsError):
    """No such deployment configuration."""

    def __init__(self, name: str) -> None:
        super().__init__(f"No Deployment Configuration found for name: {name}")


class DeploymentConfigInUseException(AwsError):
    """A deployment group uses the configuration."""


class DeploymentDoesNotExistException(AwsError):
    """No such deployment."""

    def __init__(self, deployment_id: str) -> None:
        super().__init__(f"The deployment {deployment_id} could not be found")  # (unconfirmed) text


class DeploymentGroupAlreadyExistsException(AwsError):
    """A deployment group of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Deployment group already exists: {name}")  # (unconfirmed) text


class DeploymentGroupDoesNotExistException(AwsError):
    """No such deployment group."""

    def __init__(self, name: str) -> None:
        super().__init__(f"No Deployment Group found for name: {name}")


class DeploymentGroupNameRequiredException(AwsError):
    """CreateDeployment without a group."""

    def __init__(self) -> None:
        super().__init__("Deployment group name is missing")  # (unconfirmed) text


class DeploymentIdRequiredException(AwsError):
    """An operation on a deployment that names none."""

    def __init__(self) -> None:
        super().__init__("Deployment id is missing")  # (unconfirmed) text


class DeploymentIsNotInReadyStateException(AwsError):
    """ContinueDeployment while nothing waits for it."""


class DeploymentLimitExceededException(AwsError):
    """A deployment of the group is under way."""

    def __init__(self, group: str, deployment_id: str) -> None:
        super().__init__(f"The Deployment Group '{group}' already has an active Deployment '{deployment_id}'")


class DeploymentTargetDoesNotExistException(AwsError):
    """The deployment has no such target."""

    def __init__(self, target_id: str) -> None:
        super().__init__(f"The deployment target {target_id} could not be found")  # (unconfirmed) text


class ECSServiceMappingLimitExceededException(AwsError):
    """Another deployment group has the ECS service."""


class InvalidAlarmConfigException(AwsError):
    """An alarm configuration of another form."""


class InvalidAutoRollbackConfigException(AwsError):
    """An automatic rollback without events."""


class InvalidBlueGreenDeploymentConfigurationException(AwsError):
    """What an ECS deployment's blue/green configuration must have is missing."""


class InvalidComputePlatformException(AwsError):
    """The compute platform does not go with the application's."""


class InvalidDeploymentStyleException(AwsError):
    """ECS deployments are blue/green with traffic control."""


class InvalidECSServiceException(AwsError):
    """The ECS service is missing or cannot be deployed to."""


class InvalidLifecycleEventHookExecutionIdException(AwsError):
    """No hook waits under that id."""


class InvalidLifecycleEventHookExecutionStatusException(AwsError):
    """Only Succeeded and Failed are reported."""


class InvalidLoadBalancerInfoException(AwsError):
    """The load balancer information is missing or incomplete."""


class InvalidMinimumHealthyHostValueException(AwsError):
    """Minimum healthy hosts that do not go with the platform."""


class InvalidNextTokenException(AwsError):
    """A token that no page gave out."""

    def __init__(self) -> None:
        super().__init__("The next token is not valid.")  # (unconfirmed) text


class InvalidRevisionException(AwsError):
    """The revision is missing, or its AppSpec is not one."""


class InvalidTargetGroupPairException(AwsError):
    """A target group pair without two groups or a production route."""


class InvalidTrafficRoutingConfigurationException(AwsError):
    """Shares or intervals that cannot be."""


class LifecycleEventAlreadyCompletedException(AwsError):
    """The hook has an outcome already."""


class OperationNotSupportedException(AwsError):
    """Something that this emulator, or this platform, does not do."""


class RevisionDoesNotExistException(AwsError):
    """There is no such object."""


class RevisionRequiredException(AwsError):
    """CreateDeployment without a revision."""


class UnsupportedActionForDeploymentTypeException(AwsError):
    """ContinueDeployment and the like for a deployment that does not wait."""

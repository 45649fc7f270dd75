"""Elastic Beanstalk's errors: one class a shape of the model, same name, and the codes that the service uses without a shape.

Sources of the texts: reference beanstalk.md §1.2.
"""

from emulator.errors import AwsError


class CodeBuildNotInServiceRegionException(AwsError):
    """CodeBuild is not in this region."""


class ElasticBeanstalkServiceException(AwsError):
    """The service itself failed."""


class InsufficientPrivilegesException(AwsError):
    """The caller, or the environment's role, may not do what the operation needs in another service."""


class InvalidRequestException(AwsError):
    """A health operation that does not fit the environment."""


class ManagedActionInvalidStateException(AwsError):
    """ApplyEnvironmentManagedAction on an action that is not scheduled."""

    def __init__(self, action_id: str) -> None:
        super().__init__(f"Cannot apply managed action {action_id}: it is not in the Scheduled state.")  # (unconfirmed)


class OperationInProgressException(AwsError):
    """Something else is being done with the same thing."""

    code = "OperationInProgressFailure"


class PlatformVersionStillReferencedException(AwsError):
    """DeletePlatformVersion while an environment uses it."""

    def __init__(self, arn: str) -> None:
        super().__init__(f"Platform version {arn} is still referenced by an environment.")  # (unconfirmed)


class ResourceNotFoundException(AwsError):
    """No resource of this ARN."""

    def __init__(self, arn: str) -> None:
        super().__init__(f"Resource not found for ARN '{arn}'.")


class ResourceTypeNotSupportedException(AwsError):
    """The ARN names something that has no tags."""

    def __init__(self, arn: str) -> None:
        super().__init__(f"The resource type of ARN '{arn}' does not support tags.")  # (unconfirmed)


class S3LocationNotInServiceRegionException(AwsError):
    """The bucket is in another region."""

    def __init__(self, bucket: str, region: str) -> None:
        super().__init__(f"The S3 bucket '{bucket}' is not in the region '{region}'.")  # (unconfirmed)


class S3SubscriptionRequiredException(AwsError):
    """The account has no S3; cannot happen here."""


class SourceBundleDeletionException(AwsError):
    """The source bundle could not be deleted."""

    code = "SourceBundleDeletionFailure"


class TooManyApplicationVersionsException(AwsError):
    """The quota of versions is used up."""


class TooManyApplicationsException(AwsError):
    """The quota of applications is used up."""


class TooManyBucketsException(AwsError):
    """The account has as many buckets as it may."""


class TooManyConfigurationTemplatesException(AwsError):
    """The quota of saved configurations is used up."""


class TooManyEnvironmentsException(AwsError):
    """The quota of environments is used up."""


class TooManyPlatformsException(AwsError):
    """The quota of custom platform versions is used up."""


class TooManyTagsException(AwsError):
    """More tags than a resource may have."""


class InvalidParameterValue(AwsError):
    """Nearly every mistake of a caller's."""


class InvalidParameterCombination(AwsError):
    """Parameters that exclude each other."""


class MissingRequiredParameter(AwsError):
    """Neither of two parameters of which one is needed."""


class ConfigurationValidationException(AwsError):
    """Option settings that do not hold; `message` is the validation's own."""

    def __init__(self, message: str) -> None:
        super().__init__(f"Configuration validation exception: {message}")


def no_application(name: str) -> InvalidParameterValue:
    """The EB CLI makes the application when it reads exactly this."""
    return InvalidParameterValue(f"No Application named '{name}' found.")


def application_exists(name: str) -> InvalidParameterValue:
    """CreateApplication again."""
    return InvalidParameterValue(f"Application {name} already exists.")


def no_application_version(label: str) -> InvalidParameterValue:
    """No such version of the application."""
    return InvalidParameterValue(f"No Application Version named '{label}' found.")


def application_version_exists(label: str) -> InvalidParameterValue:
    """CreateApplicationVersion again."""
    return InvalidParameterValue(f"Application Version {label} already exists.")


def no_environment(name: str | None, environment_id: str | None) -> InvalidParameterValue:
    """No such environment, or a terminated one."""
    if name is None:
        return InvalidParameterValue(f"No Environment found for EnvironmentId = '{environment_id}'.")
    return InvalidParameterValue(f"No Environment found for EnvironmentName = '{name}'.")


def environment_exists(name: str) -> InvalidParameterValue:
    """CreateEnvironment again."""
    return InvalidParameterValue(f"Environment {name} already exists.")


def dns_name_taken(name: str) -> InvalidParameterValue:
    """Another environment has this CNAME."""
    return InvalidParameterValue(f"DNS name ({name}) is not available.")


def not_ready(name: str) -> InvalidParameterValue:
    """The environment is busy, or gone."""
    return InvalidParameterValue(f"Environment named {name} is in an invalid state for this operation. Must be Ready.")


def no_configuration_template(application: str, name: str) -> InvalidParameterValue:
    """No such saved configuration; the text is (unconfirmed)."""
    return InvalidParameterValue(f"No Configuration Template named '{application}/{name}' found.")


def configuration_template_exists(name: str) -> InvalidParameterValue:
    """CreateConfigurationTemplate again."""
    return InvalidParameterValue(f"Configuration Template {name} already exists.")


def no_solution_stack(name: str) -> InvalidParameterValue:
    """No platform is called so."""
    return InvalidParameterValue(f"No Solution Stack named '{name}' found.")


def no_platform(arn: str) -> InvalidParameterValue:
    """No platform version has this ARN; the text is (unconfirmed)."""
    return InvalidParameterValue(f"No Platform named '{arn}' found.")


def no_platform_source() -> InvalidParameterValue:
    """Neither stack, platform, template nor environment to take a platform from."""
    return InvalidParameterValue("Unable to determine base for template pack (no solution stack)")

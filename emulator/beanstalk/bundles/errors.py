"""What can be wrong with a source bundle. The text of each error is that of the event, as the deployment tells it."""


class BundleError(Exception):
    """The bundle cannot be deployed; `str` is the event's text (severity ERROR)."""

    cause: str | None = None
    """What is wrong in our words, where AWS's text leaves it open: an event before it."""


class BundleRefusedError(BundleError):
    """The archive is not unpacked: it is broken, too large, or would leave its folder. The text is (unconfirmed)."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Instance deployment failed to extract the source bundle: {reason}. The deployment failed.")
        self.reason = reason
        """Without the frame, for logs."""


class BrokenArchiveError(BundleRefusedError):
    """It is no archive, or cut off, or contradicts itself."""


class EncryptedArchiveError(BundleRefusedError):
    """A file in it needs a password."""


class TooLargeError(BundleRefusedError):
    """It, or what it holds, goes beyond a limit."""


class UnsafeEntryError(BundleRefusedError):
    """An entry would be written, or would point, outside the folder, or is no file, folder or link."""


class CollidingEntriesError(BundleRefusedError):
    """Two entries claim one path or the same bytes."""


class InvalidConfigurationFileError(BundleError):
    """A configuration file is neither YAML nor JSON, or not of the form that its keys need."""

    def __init__(self, path: str, label: str, yaml: str, json: str) -> None:
        super().__init__(
            f"The configuration file {path} in application version {label} contains invalid YAML or JSON. "
            f"YAML exception: Invalid Yaml: {yaml}, JSON exception: Invalid JSON: {json}. Update the configuration file."
        )


class InvalidFileError(BundleError):
    """A file of the bundle that says how it is deployed cannot be read. The text is (unconfirmed)."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(
            f"Instance deployment: '{path}' in your source bundle is not valid: {reason}. The deployment failed."
        )


class MissingDockerFilesError(BundleError):
    """The Docker platform finds nothing to run."""

    def __init__(self) -> None:
        super().__init__(
            "Instance deployment: Both 'Dockerfile' and 'Dockerrun.aws.json' are missing in your source bundle. "
            "Include at least one of them. The deployment failed."
        )


class UnsupportedDockerrunVersionError(BundleError):
    """Dockerrun.aws.json of another platform."""

    def __init__(self) -> None:
        super().__init__(
            "Instance deployment: 'Dockerrun.aws.json' in your source bundle specifies an unsupported version. Elastic "
            "Beanstalk only supports version 1 for non compose app and version 3 for compose app. The deployment failed."
        )


class EcsBundleError(BundleError):
    """The ECS platform refuses Dockerrun.aws.json."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"ECS Application sourcebundle validation error: {reason}")


class NoPortError(BundleError):
    """Neither the image nor Dockerrun.aws.json says where the application listens."""

    def __init__(self) -> None:
        super().__init__("No EXPOSE directive found in Dockerfile, abort deployment")


class MissingPortsError(NoPortError):
    """Dockerrun.aws.json names an image and no port: AWS's guide gives this case the same event as a Dockerfile's."""

    cause = "'Dockerrun.aws.json' in your source bundle names an 'Image' and no 'Ports': 'Ports' must name a 'ContainerPort'."


class NoProcessError(BundleError):
    """A language platform finds nothing to start."""


class ImageBuildError(BundleError):
    """The engine could not build an image."""

    def __init__(self) -> None:
        super().__init__("Instance deployment failed to build the Docker image. The deployment failed.")


class ImagePullError(BundleError):
    """An image cannot be had."""

    def __init__(self) -> None:
        super().__init__("Instance deployment failed to download the Docker image. The deployment failed.")


class UnsupportedPlatformError(BundleError):
    """No bundles of this platform can be carried out here."""

    def __init__(self, branch: str) -> None:
        super().__init__(f"Applications of the platform '{branch}' cannot be run here. The deployment failed.")


class InvalidOptionError(BundleError):
    """An option that the platform reads has no meaning. The text is (unconfirmed)."""

    def __init__(self, name: str, value: str) -> None:
        super().__init__(f"Instance deployment: '{value[:80]}' is no valid value of '{name}'. The deployment failed.")


class DependencyError(BundleError):
    """Dependencies of the application cannot be installed."""

    def __init__(self) -> None:
        super().__init__("Instance deployment failed to install application dependencies. The deployment failed.")


class StageError(BundleError):
    """A step that the bundle adds to the deployment failed. The text is (unconfirmed)."""

    def __init__(self, step: str) -> None:
        super().__init__(f"Instance deployment failed to run {step} of your source bundle. The deployment failed.")


class BaseImageError(BundleError):
    """The image that stands for a platform cannot be had."""

    def __init__(self, branch: str, image: str, reason: str) -> None:
        super().__init__(
            f"The image '{image}', which stands for the platform '{branch}' here, cannot be had: {reason}. Name another in "
            "ASHORE_PLATFORM_IMAGES. The deployment failed."
        )

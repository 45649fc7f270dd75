"""ECR's errors: one class a shape of the model, same name (`tests/emulator/ecr/test_errors.py` compares them)."""

from collections.abc import Iterable

from emulator.errors import AwsError


class BlockedByOrganizationPolicyException(AwsError):
    """The account's organization forbids the setting."""


class EmptyUploadException(AwsError):
    """CompleteLayerUpload before any part."""

    def __init__(self, name: str, account: str, upload_id: str) -> None:
        super().__init__(
            f"The upload with id '{upload_id}' in the repository with name '{name}' "
            f"in registry with id '{account}' is empty"  # (unconfirmed wording)
        )


class ExclusionAlreadyExistsException(AwsError):
    """The principal is in the pull-time exclusions already."""

    def __init__(self, principal: str, account: str) -> None:
        super().__init__(_exclusion(principal, account, "already exists"))


class ExclusionNotFoundException(AwsError):
    """The principal is not in the pull-time exclusions."""

    def __init__(self, principal: str, account: str) -> None:
        super().__init__(_exclusion(principal, account, "does not exist"))


class ImageAlreadyExistsException(AwsError):
    """The same manifest under the same tag."""

    def __init__(self, name: str, account: str, digest: str, tag: str | None) -> None:
        super().__init__(
            f"Image with digest '{digest}' and tag '{tag or 'null'}' already exists in the repository with name "
            f"'{name}' in registry with id '{account}'"
        )


class ImageArchivedException(AwsError):
    """An archived image cannot be scanned."""


class ImageDigestDoesNotMatchException(AwsError):
    """The digest given is not that of the manifest."""

    def __init__(self, digest: str, calculated: str) -> None:
        super().__init__(
            f"The specified image digest '{digest}' does not match the digest '{calculated}' "
            "that Amazon ECR calculated for the image."  # (unconfirmed wording)
        )


class ImageNotFoundException(AwsError):
    """No such image in the repository."""

    def __init__(self, name: str, account: str, digest: str | None, tag: str | None) -> None:
        super().__init__(
            f"The image with imageId {{imageDigest:'{digest or 'null'}', imageTag:'{tag or 'null'}'}} "
            f"does not exist within the repository with name '{name}' in the registry with id '{account}'"
        )


class ImageStorageClassUpdateNotSupportedException(AwsError):
    """The image cannot change its storage class."""


class ImageTagAlreadyExistsException(AwsError):
    """An immutable tag names another image."""

    def __init__(self, name: str, tag: str) -> None:
        super().__init__(
            f"The image tag '{tag}' already exists in the '{name}' repository "
            "and cannot be overwritten because the tag is immutable."
        )


class InvalidLayerException(AwsError):
    """The digest given is not the upload's."""

    def __init__(self, digest: str, calculated: str) -> None:
        super().__init__(
            f"Layer digest '{digest}' does not match the digest '{calculated}' of the upload"  # (unconfirmed wording)
        )


class InvalidLayerPartException(AwsError):
    """A part does not follow the one before; the members say what has arrived."""


class InvalidParameterException(AwsError):
    """A bad value or combination of values."""


class InvalidTagParameterException(AwsError):
    """A bad tag key or value."""


class KmsException(AwsError):
    """KMS refused; `kmsError` says why."""


class LayerAlreadyExistsException(AwsError):
    """The repository has the layer."""

    def __init__(self, name: str, account: str, digest: str) -> None:
        super().__init__(
            f"The layer with digest '{digest}' already exists in the repository "
            f"with name '{name}' in registry with id '{account}'"  # (unconfirmed wording)
        )


class LayerInaccessibleException(AwsError):
    """No image uses the layer."""

    def __init__(self, name: str, account: str, digest: str) -> None:
        super().__init__(
            f"The layer with digest {digest} in the repository with name '{name}' in the registry with id '{account}' "
            "is not available because it is not associated with an image"  # (unconfirmed wording)
        )


class LayerPartTooSmallException(AwsError):
    """A part that is not the last has less than 5 MiB."""

    def __init__(self) -> None:
        super().__init__("Layer parts must be at least 5 MiB in size.")


class LayersNotFoundException(AwsError):
    """The repository does not have the layers."""


class LifecyclePolicyNotFoundException(AwsError):
    """The repository has no lifecycle policy."""

    def __init__(self, name: str, account: str) -> None:
        super().__init__(f"Lifecycle policy does not exist for {_repository(name, account)}")


class LifecyclePolicyPreviewInProgressException(AwsError):
    """The last preview has not ended."""

    def __init__(self, name: str, account: str) -> None:
        super().__init__(f"A preview is in progress for {_repository(name, account)}")  # (unconfirmed)


class LifecyclePolicyPreviewNotFoundException(AwsError):
    """There was no preview."""

    def __init__(self, name: str, account: str) -> None:
        super().__init__(f"Lifecycle policy preview does not exist for {_repository(name, account)}")  # (unconfirmed)


class LimitExceededException(AwsError):
    """A quota."""


class PullThroughCacheRuleAlreadyExistsException(AwsError):
    """The prefix has a pull-through cache rule."""

    def __init__(self, prefix: str, account: str) -> None:
        super().__init__(_prefix("pull through cache rule", prefix, account, "already exists"))


class PullThroughCacheRuleNotFoundException(AwsError):
    """The prefix has no pull-through cache rule."""

    def __init__(self, prefix: str, account: str) -> None:
        super().__init__(_prefix("pull through cache rule", prefix, account, "does not exist"))


class ReferencedImagesNotFoundException(AwsError):
    """An index names manifests that the repository does not have."""

    def __init__(self, name: str, account: str, digests: Iterable[str]) -> None:
        super().__init__(
            f"Images with digests '[{', '.join(digests)}]' required for pushing image into repository "
            f"with name '{name}' in the registry with id '{account}' do not exist"  # (partly unconfirmed wording)
        )


class RegistryPolicyNotFoundException(AwsError):
    """The registry has no policy."""

    def __init__(self, account: str) -> None:
        super().__init__(f"Registry policy does not exist in the registry with id '{account}'")


class ReplicationBackfillInProgressException(AwsError):
    """A backfill to the same destination is under way."""


class ReplicationBackfillInvalidStatusException(AwsError):
    """The backfill's status does not allow it."""


class ReplicationBackfillNotFoundException(AwsError):
    """No such backfill."""


class RepositoryAlreadyExistsException(AwsError):
    """The name is taken."""

    def __init__(self, name: str, account: str) -> None:
        super().__init__(f"The repository with name '{name}' already exists in the registry with id '{account}'")


class RepositoryNotEmptyException(AwsError):
    """DeleteRepository without force while there are images."""

    def __init__(self, name: str, account: str) -> None:
        super().__init__(
            f"The repository with name '{name}' in registry with id '{account}' "
            "cannot be deleted because it still contains images"
        )


class RepositoryNotFoundException(AwsError):
    """No such repository."""

    def __init__(self, name: str, account: str) -> None:
        super().__init__(f"The repository with name '{name}' does not exist in the registry with id '{account}'")


class RepositoryPolicyNotFoundException(AwsError):
    """The repository has no policy."""

    def __init__(self, name: str, account: str) -> None:
        super().__init__(f"Repository policy does not exist for {_repository(name, account)}")


class ScanNotFoundException(AwsError):
    """The image was never scanned."""

    def __init__(self, name: str, account: str, digest: str, tag: str | None) -> None:
        super().__init__(
            f"Image scan does not exist for the image with '{{imageDigest:'{digest}', imageTag:'{tag or 'null'}'}}' "
            f"in the repository with name '{name}' in the registry with id '{account}'"
        )


class SecretNotFoundException(AwsError):
    """The rule's secret does not exist."""


class ServerException(AwsError):
    """A fault of the service's own."""


class SigningConfigurationNotFoundException(AwsError):
    """The registry has no signing configuration."""

    def __init__(self, account: str) -> None:
        super().__init__(f"Signing configuration does not exist in the registry with id '{account}'")  # (unconfirmed)


class TemplateAlreadyExistsException(AwsError):
    """The prefix has a repository creation template."""

    def __init__(self, prefix: str, account: str) -> None:
        super().__init__(_prefix("repository creation template", prefix, account, "already exists"))


class TemplateNotFoundException(AwsError):
    """The prefix has no repository creation template."""

    def __init__(self, prefix: str, account: str) -> None:
        super().__init__(_prefix("repository creation template", prefix, account, "does not exist"))


class TooManyTagsException(AwsError):
    """More than 50 tags on one repository."""


class UnableToAccessSecretException(AwsError):
    """The rule's secret cannot be read."""


class UnableToDecryptSecretValueException(AwsError):
    """The rule's secret cannot be decrypted."""


class UnableToGetUpstreamImageException(AwsError):
    """The upstream registry did not give the image."""


class UnableToGetUpstreamLayerException(AwsError):
    """The upstream registry did not give the layer."""


class UnableToListUpstreamImageReferrersException(AwsError):
    """The upstream registry did not list the referrers."""


class UnsupportedImageTypeException(AwsError):
    """The image cannot be scanned."""


class UnsupportedUpstreamRegistryException(AwsError):
    """The upstream registry is not supported."""


class UploadNotFoundException(AwsError):
    """No such upload in the repository."""

    def __init__(self, name: str, account: str, upload_id: str) -> None:
        super().__init__(
            f"The upload with id '{upload_id}' does not exist "
            f"in the repository with name '{name}' in registry with id '{account}'"  # (unconfirmed wording)
        )


class ValidationException(AwsError):
    """A request that does not validate."""


def invalid(parameter: str, reason: str) -> InvalidParameterException:
    """ECR's sentence about a bad parameter."""
    return InvalidParameterException(f"Invalid parameter at '{parameter}' failed to satisfy constraint: '{reason}'")


def _repository(name: str, account: str) -> str:
    return f"the repository with name '{name}' in the registry with id '{account}'"


def _prefix(what: str, prefix: str, account: str, fault: str) -> str:
    return f"The {what} with prefix '{prefix}' {fault} in the registry with id '{account}'"  # (unconfirmed wording)


def _exclusion(principal: str, account: str, fault: str) -> str:
    subject = f"The pull time update exclusion for principal '{principal}'"
    return f"{subject} {fault} in the registry with id '{account}'"  # (unconfirmed wording)

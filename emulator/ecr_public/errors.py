"""ECR Public's errors that ECR does not have; the others are of `emulator.ecr.errors`, whose names are the same."""

from emulator.errors import AwsError


class RegistryNotFoundException(AwsError):
    """No such registry."""


class RepositoryCatalogDataNotFoundException(AwsError):
    """The repository has no catalog data."""

    def __init__(self, name: str, account: str) -> None:
        super().__init__(
            f"Repository catalog data does not exist for the repository with name '{name}' "
            f"in the registry with id '{account}'"  # (unconfirmed wording)
        )


class UnsupportedCommandException(AwsError):
    """The service is not in this region."""

    def __init__(self) -> None:
        super().__init__("This command is only supported in us-east-1 and us-west-2.")  # (unconfirmed wording)

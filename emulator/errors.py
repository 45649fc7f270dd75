"""Errors that a client sees by their code; the class name is the code, the wire layer finds the HTTP status in the model."""

from collections.abc import Mapping
from typing import ClassVar


class AwsError(Exception):
    """An error that a client sees by its code.

    Subclasses are named as the service's model names the error shape. `members` are what the shape carries beside its
    message (for example `resourceIds` of `ConflictException`).
    """

    code: ClassVar[str]

    def __init_subclass__(cls) -> None:
        cls.code = cls.__dict__.get("code", cls.__name__)

    def __init__(self, message: str, members: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.members: Mapping[str, object] = members or {}

"""How an error finds its HTTP status and its code on the wire: in the model, where the model has its shape."""

from collections.abc import Mapping
from dataclasses import dataclass

from api.wire.messages import WireError
from api.wire.shapes import ServiceModel, Shape
from emulator.errors import AwsError

_FORBIDDEN = frozenset(
    {
        *(
            "AccessDenied",
            "ExpiredToken",
            "InvalidClientTokenId",
            "MissingAuthenticationToken",
            "SignatureDoesNotMatch",
        ),
        *("AccessDeniedException", "ExpiredTokenException", "InvalidSignatureException"),
        *("MissingAuthenticationTokenException", "UnrecognizedClientException"),
    }
)
"""Errors that no model lists, because every service may answer them: 403 in the query and REST protocols."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An error in wire terms."""

    code: str
    status: int
    message_name: str
    """`message` or `Message`, as the shape spells it."""
    members: Mapping[str, object]
    shape: Shape | None

    @property
    def sender(self) -> bool:
        """Whether the caller is to blame."""
        return self.status < 500


def fault_of(model: ServiceModel, error: AwsError, forbidden: int = 403) -> Fault:
    """What `model` says of `error`; `forbidden` is the protocol's status where access is denied."""
    known = model.errors.get(error.code)
    if known is not None:
        spelled = next((name for name in known.shape.members if name.lower() == "message"), "message")
        return Fault(known.code, known.status, spelled, error.members, known.shape)
    if isinstance(error, WireError):
        return Fault(error.code, error.status, "message", error.members, None)
    return Fault(error.code, forbidden if error.code in _FORBIDDEN else 400, "message", error.members, None)

"""How an error finds its HTTP status and its code on the wire: in the model, where the model has its shape."""

from dataclasses import dataclass

from api.wire.messages import WireError
from api.wire.model import service_model
from emulator.errors import AwsError


@dataclass(frozen=True, slots=True)
class Fault:
    """An error in wire terms."""

    code: str
    status: int
    message_name: str
    """`message` or `Message`, as the shape spells it."""

    @property
    def sender(self) -> bool:
        """Whether the caller is to blame."""
        return self.status < 500


def fault_of(service: str, error: AwsError) -> Fault:
    """What the model of `service` says of `error`; status 400 where it says nothing."""
    if isinstance(error, WireError):
        return Fault(error.code, error.status, "message")
    model = service_model(service)
    shape = model.shape_for(error.code) if error.code in model.shape_names else None
    if shape is None:
        return Fault(error.code, 400, "message")
    stated = shape.metadata.get("error", {})
    status = stated.get("httpStatusCode") or (500 if shape.metadata.get("fault") else 400)
    spelled = next((name for name in getattr(shape, "members", {}) if name.lower() == "message"), "message")
    return Fault(stated.get("code", error.code), status, spelled)

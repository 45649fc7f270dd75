"""A JSON document of the user → the form that a shape of AWS's model has, as ECS itself would take it from JSON."""

from functools import cache
from typing import Any, cast

from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

from emulator.beanstalk.bundles.errors import EcsBundleError
from emulator.beanstalk.bundles.members import scalar_text


@cache
def container_definition_shape() -> StructureShape:
    """ECS's ContainerDefinition."""
    from botocore.loaders import Loader  # noqa: PLC0415 - costs a twentieth of a start, and few starts need it

    model = ServiceModel(Loader().load_service_model("ecs", "service-2"), "ecs")
    return cast("StructureShape", model.shape_for("ContainerDefinition"))


def fitted(value: Any, shape: Shape, at: str) -> Any:
    """The value with numbers written as text turned into numbers, and null and unknown members left out.

    Raises:
        EcsBundleError: a member is of a type that does not fit.

    """
    match shape:
        case StructureShape():
            known = shape.members
            given = {name: inner for name, inner in _mapping(value, at).items() if name in known and inner is not None}
            return {name: fitted(inner, known[name], f"{at}.{name}") for name, inner in given.items()}
        case ListShape():
            if not isinstance(value, list):
                raise EcsBundleError(f"{at} must be a list.")
            return [fitted(inner, shape.member, f"{at}[{number}]") for number, inner in enumerate(value)]
        case MapShape():
            return {name: fitted(inner, shape.value, f"{at}.{name}") for name, inner in _mapping(value, at).items()}
    return _scalar(value, shape.type_name, at)


def unknown_members(value: Any, shape: StructureShape) -> list[str]:
    """Names of the first level that the shape does not have."""
    return [name for name in value if name not in shape.members]


def _mapping(value: Any, at: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise EcsBundleError(f"{at} must be an object.")
    return value


def _scalar(value: Any, kind: str, at: str) -> Any:
    text = scalar_text(value)
    if text is None or value is None:
        raise EcsBundleError(f"{at} must be a {kind}.")
    if kind in {"integer", "long"}:
        if not text.removeprefix("-").isdecimal() or not text.isascii() or len(text) > 18:
            raise EcsBundleError(f"{at} must be a {kind}.")
        return int(text)
    if kind == "boolean":
        if text.lower() not in {"true", "false"}:
            raise EcsBundleError(f"{at} must be a {kind}.")
        return text.lower() == "true"
    return text

"""From JSON documents to parameters: each shape is compiled once into a function that checks and converts.

A value of the wrong type ends the reading with a SerializationException in AWS's words; demands of the model that are not
met are collected, and `refusals.py` says how a service answers them. Members that the model does not know are ignored,
and null counts as absent, as AWS does.
"""

from collections.abc import Callable
from typing import Any

from api.wire.constraints import MISSING, Constraint, Rule, Violation, constraints_of, each
from api.wire.messages import WireError
from api.wire.refusals import Refusal
from api.wire.scalars import PLAIN, READ, unexpected
from api.wire.shapes import Shape

Reader = Callable[[Any, str, list[Violation]], Any]
"""(value, path of the member, where violations go) → the value converted."""


class Readers:
    """Compiles and keeps the readers of one service."""

    def __init__(self, refusal: Refusal) -> None:
        self._refusal = refusal
        self._made: dict[Shape, Reader] = {}

    def read(self, operation: str, shape: Shape, document: Any) -> dict[str, Any]:
        """The parameters in `document`.

        Raises:
            WireError: what the service answers to a document that does not fit.

        """
        violations: list[Violation] = []
        params: dict[str, Any] = self._of(shape)(document, "", violations)
        if violations:
            raise self._refusal.error(operation, violations)
        return params

    def _of(self, shape: Shape) -> Reader:
        found = self._made.get(shape)
        if found is None:
            found = self._made[shape] = self._make(shape)
        return found

    def _make(self, shape: Shape) -> Reader:
        if shape.document:
            return lambda value, _path, _violations: value
        if shape.type == "structure":
            return self._structure(shape)
        if shape.type == "list" and shape.item is not None:
            return self._list(shape, shape.item)
        if shape.type == "map" and shape.item is not None and shape.key is not None:
            return self._map(shape, shape.key, shape.item)
        convert = READ[shape.type]
        return lambda value, _path, _violations: convert(value)

    def _constraints(self, shape: Shape) -> tuple[Constraint, ...]:
        return constraints_of(shape, self._refusal.checks_for(shape))

    def _structure(self, shape: Shape) -> Reader:
        members = {
            name: (PLAIN.get(member.shape.type), self._of(member.shape), self._constraints(member.shape), member.shape)
            for name, member in shape.members.items()
        }

        def read(value: Any, path: str, violations: list[Violation]) -> dict[str, Any]:
            if not isinstance(value, dict):
                raise unexpected(value, "null")
            result: dict[str, Any] = {}
            for name, item in value.items():
                if item is None or name not in members:
                    continue
                plain, reader, constraints, wanted = members[name]
                below = f"{path}.{name}" if path else name
                result[name] = found = item if item.__class__ is plain else reader(item, below, violations)
                if constraints:
                    broken = [known for known in constraints if not known.holds(found)]
                    violations += [Violation(below, known.rule, known.words, found, wanted) for known in broken]
            for name in shape.required:
                if name not in result:
                    below = f"{path}.{name}" if path else name
                    violations.append(Violation(below, Rule.REQUIRED, MISSING, None, shape.members[name].shape))
            if shape.union and len(result) != 1:  # (unconfirmed) text
                raise WireError("SerializationException", f"{shape.name} must have exactly one member set")
            return result

        return read

    def _list(self, shape: Shape, item_shape: Shape) -> Reader:
        reader, constraints = self._of(item_shape), self._constraints(item_shape)

        def read(value: Any, path: str, violations: list[Violation]) -> list[Any]:
            if not isinstance(value, list):
                raise unexpected(value, "list or null")
            result = [reader(item, f"{path}.{index}.member", violations) for index, item in enumerate(value, 1)]
            broken = _broken(constraints, result)
            if broken is not None:
                words = each("Member", constraints)
                violations.append(Violation(path, broken.rule, words, result, shape))
            return result

        return read

    def _map(self, shape: Shape, key_shape: Shape, item_shape: Shape) -> Reader:
        reader, constraints = self._of(item_shape), self._constraints(item_shape)
        key_constraints = self._constraints(key_shape)

        def read(value: Any, path: str, violations: list[Violation]) -> dict[str, Any]:
            if not isinstance(value, dict):
                raise unexpected(value, "map or null")
            result = {key: reader(item, f"{path}.{key}.member", violations) for key, item in value.items()}
            for what, demands, values in (
                ("Map keys", key_constraints, list(result)),
                ("Map value", constraints, list(result.values())),
            ):
                broken = _broken(demands, values)
                if broken is not None:
                    violations.append(Violation(path, broken.rule, each(what, demands), result, shape))
            return result

        return read


def _broken(constraints: tuple[Constraint, ...], values: list[Any]) -> Constraint | None:
    return next((known for known in constraints if not all(map(known.holds, values))), None)

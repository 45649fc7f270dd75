"""The patterns of the models: each compiles, and none hangs the server on a long value that does not match."""

import re

import pytest

from api.wire.constraints import _LINEAR, Rule, constraints_of
from api.wire.model import service_model
from api.wire.protocols import SERVICES
from api.wire.refusals import refusal_of
from api.wire.shapes import Shape

LONG = ["a" * 255 + "!", "a-" * 127 + "!", "a/" * 127 + "!", "-" * 255, "_" * 255 + "!", "a." * 127, "*" * 255 + "!"]


def shapes_below(shape: Shape) -> list[Shape]:
    below = [member.shape for member in shape.members.values()]
    below += [part for part in (shape.key, shape.item) if part is not None]
    return [shape, *(found for part in below for found in shapes_below(part))]


def checked_patterns(service: str) -> dict[str, Shape]:
    inputs = [operation.input for operation in service_model(service).operations.values() if operation.input]
    found = {shape.name: shape for top in inputs for shape in shapes_below(top) if shape.pattern}
    return found if Rule.PATTERN in refusal_of(service).checked else {}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.timeout(20)
def test_no_pattern_takes_long(service: str) -> None:
    for shape in checked_patterns(service).values():
        for constraint in constraints_of(shape, frozenset({Rule.PATTERN})):
            for text in LONG:
                constraint.holds(text)


@pytest.mark.parametrize("original", _LINEAR)
def test_a_rewritten_pattern_is_in_use_and_says_the_same(original: str) -> None:
    assert original in {shape.pattern for shape in checked_patterns("ecr").values()}
    texts = ["", "a", "a.b", "a..b", ".a", "a.", "*", "*/a", "a*-b_c/d.*", "A", "a.-b", "a/b/"]
    for text in texts:
        assert bool(re.fullmatch(original, text)) == bool(re.fullmatch(_LINEAR[original], text)), text

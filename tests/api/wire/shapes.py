"""Values that fit a model's shape, for round trips."""

import re
from datetime import UTC, datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from hypothesis import strategies as st

_TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FFF, exclude_categories=["Cs", "Cc"]), min_size=1)
_SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "integer": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**53), 2**53),
    "float": st.floats(-1e6, 1e6, width=32),
    "double": st.floats(-1e6, 1e6),
    "boolean": st.booleans(),
    "blob": st.binary(min_size=1, max_size=40),
    "timestamp": st.integers(10**8, 4 * 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
}


def values(shape: Shape, depth: int = 0, *, output: bool = False) -> st.SearchStrategy[Any]:
    """Values of `shape`; optional members of deep structures are left out, so that shapes that hold themselves end."""
    if isinstance(shape, StructureShape):
        return _structures(shape, depth, output=output)
    if isinstance(shape, ListShape):
        least = max(shape.metadata.get("min", 0), 1)
        most = min(shape.metadata.get("max", least + 1), least + 1)
        return st.lists(values(shape.member, depth + 1, output=output), min_size=least, max_size=most)
    if isinstance(shape, MapShape):
        keys = values(shape.key, depth + 1, output=output)
        return st.dictionaries(keys, values(shape.value, depth + 1, output=output), min_size=1, max_size=2)
    if shape.type_name == "string":
        return _strings(shape)
    if shape.type_name in {"integer", "long"}:
        return st.integers(shape.metadata.get("min", -(2**31)), shape.metadata.get("max", 2**31 - 1))
    return _SCALARS[shape.type_name]


def _structures(shape: StructureShape, depth: int, *, output: bool) -> st.SearchStrategy[dict[str, Any]]:
    required = set(shape.members if depth == 0 and output else shape.required_members)
    if depth and not required:  # the query protocol cannot say "an empty structure"
        required = set(list(shape.members)[:1])
    needed = {name: values(shape.members[name], depth + 1, output=output) for name in required}
    if depth > 3:
        return st.fixed_dictionaries(needed)
    others = {n: values(m, depth + 1, output=output) for n, m in shape.members.items() if n not in required}
    return st.fixed_dictionaries(needed, optional=others)


def _strings(shape: Shape) -> st.SearchStrategy[str]:
    chosen = getattr(shape, "enum", None)
    if chosen:
        return st.sampled_from(chosen)
    least, most = shape.metadata.get("min", 1), shape.metadata.get("max", 40)
    pattern = shape.metadata.get("pattern")
    if pattern and shape.metadata.get("min", 0) < 60:
        try:
            compiled = re.compile(pattern)
        except re.error:
            pass
        else:
            fitting = st.from_regex(compiled, fullmatch=True)
            return fitting.filter(
                lambda text: least <= len(text) <= shape.metadata.get("max", 4000) and text.isprintable()
            )
    return _TEXT.map(lambda text: (text * (least // len(text) + 1))[: max(least, min(most, len(text)))])

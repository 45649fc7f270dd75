"""Metric math: what is read, what it comes to, and that nothing is judged by half."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.metric_math.evaluate import UnknownInMetricMathError, Values, evaluate, metrics_of
from scheduler.metric_math.parse import (
    Array,
    Call,
    Expression,
    Metric,
    MetricMathError,
    Negative,
    Number,
    Operation,
    parse,
)

NAMES = ("a", "b", "c")
ERRORS = "100 * (IF(m0_4xx < 5, 0, m0_4xx) + m0_5xx) / FILL(m0_total, 1)"
"""As ECS writes it for Express services."""


def extended(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    operators = st.sampled_from(["+", "-", "*", "/", "<", ">", "<=", ">=", "==", "!=", "&&", "||"])
    arrays = st.builds(Array, st.lists(inner, min_size=1, max_size=3).map(tuple))
    return st.one_of(
        st.builds(Negative, inner),
        st.builds(Operation, operators, inner, inner),
        st.builds(lambda one, two, three: Call("IF", (one, two, three)), inner, inner, inner),
        st.builds(lambda array: Call("MAX", (array,)), arrays),
    )


LEAVES = st.one_of(st.builds(Metric, st.sampled_from(NAMES)), st.builds(Number, st.integers(0, 1000).map(float)))
EXPRESSIONS = st.recursive(LEAVES, extended, max_leaves=12)
VALUES = st.fixed_dictionaries({name: st.none() | st.floats(-100, 100) for name in NAMES})


def written(expression: Expression) -> str:
    match expression:
        case Number(value):
            return str(value)
        case Metric(id):
            return id
        case Negative(operand):
            return f"-({written(operand)})"
        case Operation(operator, left, right):
            return f"({written(left)}) {operator} ({written(right)})"
        case Array(items):
            return f"[{', '.join(map(written, items))}]"
        case Call(name, arguments):
            return f"{name}({', '.join(map(written, arguments))})"


@given(EXPRESSIONS)
def test_what_is_written_is_read_back(expression: Expression) -> None:
    assert parse(written(expression)) == expression


@given(EXPRESSIONS, VALUES)
def test_an_expression_of_known_metrics_has_a_value_or_none(expression: Expression, values: Values) -> None:
    found = evaluate(expression, values)
    assert found is None or isinstance(found, float)
    assert metrics_of(expression) <= set(NAMES)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("1 + 2 * 3", 7.0),
        ("2 * 3 + 1", 7.0),
        ("8 - 3 - 2", 3.0),
        ("2 ^ 3", 8.0),
        ("(1 + 2) * 3", 9.0),
        ("1 / 0", None),
        ("IF(a > 2, 10, 20)", 10.0),
        ("IF(b > 2, 10)", None),
        ("FILL(c, 7)", 7.0),
        ("MAX([a, b, c])", 3.0),
        ("SUM([a, b, c])", 4.0),
        ("a + c", 3.0),
        ("c + c", None),
        ("a > 1 AND b < 2", 1.0),
        ("abs(0 - a)", 3.0),
    ],
)
def test_values(source: str, expected: float | None) -> None:
    assert evaluate(parse(source), {"a": 3.0, "b": 1.0, "c": None}) == expected


def test_the_alarm_of_an_express_service_forgives_few_client_errors_and_no_server_error() -> None:
    tree = parse(ERRORS)
    assert metrics_of(tree) == {"m0_4xx", "m0_5xx", "m0_total"}
    assert evaluate(tree, {"m0_4xx": 4.0, "m0_5xx": None, "m0_total": 10.0}) == 0
    assert evaluate(tree, {"m0_4xx": 6.0, "m0_5xx": None, "m0_total": 10.0}) == 60
    assert evaluate(tree, {"m0_4xx": None, "m0_5xx": 1.0, "m0_total": 10.0}) == 10


def test_what_cannot_be_read_says_where() -> None:
    with pytest.raises(MetricMathError) as raised:
        parse("a + 'text'")
    assert str(raised.value) == "this cannot be read\na + 'text'\n   ^"
    for source in ("", "a +", "MAX([a", "a b", ")", "a,b"):
        with pytest.raises(MetricMathError):
            parse(source)
    for source in ("SEARCH(a)", "[a]", "unknown", "RATE(a)"):
        with pytest.raises(UnknownInMetricMathError):
            evaluate(parse(source), {"a": 1.0})

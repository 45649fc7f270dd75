"""Metric math at one period: values of metrics in, one value out; None where there is none.

In arithmetic and comparisons a metric without a data point counts as 0 where another has one (unconfirmed: alarms that ECS
makes for Express services add two counts of errors of which Elastic Load Balancing reports only those that are not zero).
"""

from collections.abc import Callable, Mapping, Sequence

from scheduler.metric_math.parse import Array, Call, Expression, Metric, Negative, Number, Operation

Values = Mapping[str, float | None]
"""Id of a query → its value."""


class UnknownInMetricMathError(Exception):
    """A function or a metric that there is not."""


def _power(left: float, right: float) -> float | None:
    try:
        found = left**right
    except (OverflowError, ZeroDivisionError):
        return None
    return None if isinstance(found, complex) else found


_OPERATORS: Mapping[str, Callable[[float, float], float | None]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right if right else None,
    "^": _power,
    "<": lambda left, right: float(left < right),
    ">": lambda left, right: float(left > right),
    "<=": lambda left, right: float(left <= right),
    ">=": lambda left, right: float(left >= right),
    "==": lambda left, right: float(left == right),
    "!=": lambda left, right: float(left != right),
    "&&": lambda left, right: float(bool(left) and bool(right)),
    "||": lambda left, right: float(bool(left) or bool(right)),
}
_OVER_ARRAYS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "MAX": max,
    "MIN": min,
    "SUM": sum,
    "AVG": lambda values: sum(values) / len(values),
}


def metrics_of(expression: Expression) -> frozenset[str]:
    """The ids of the queries that an expression speaks of."""
    match expression:
        case Number():
            return frozenset()
        case Metric(id):
            return frozenset({id})
        case Negative(operand):
            return metrics_of(operand)
        case Operation(_, left, right):
            return metrics_of(left) | metrics_of(right)
        case Array(items) | Call(_, items):
            return frozenset().union(*map(metrics_of, items))


def evaluate(expression: Expression, values: Values) -> float | None:
    """The value of an expression.

    Raises:
        UnknownInMetricMathError: it speaks of something that there is not.

    """
    match expression:
        case Number(value):
            return value
        case Metric(id):
            if id not in values:
                raise UnknownInMetricMathError(id)
            return values[id]
        case Negative(operand):
            found = evaluate(operand, values)
            return None if found is None else -found
        case Operation(operator, left, right):
            one, other = evaluate(left, values), evaluate(right, values)
            return None if one is None and other is None else _OPERATORS[operator](one or 0.0, other or 0.0)
        case Array():
            raise UnknownInMetricMathError("an array outside a function")
        case Call(name, arguments):
            return _call(name, arguments, values)


def _call(name: str, arguments: Sequence[Expression], values: Values) -> float | None:
    match name, arguments:
        case "IF", (condition, then):
            return evaluate(then, values) if evaluate(condition, values) else None
        case "IF", (condition, then, otherwise):
            return evaluate(then if evaluate(condition, values) else otherwise, values)
        case "FILL", (filled, Number() | Negative() as constant):
            found = evaluate(filled, values)
            return evaluate(constant, values) if found is None else found
        case "ABS", (one,):
            found = evaluate(one, values)
            return None if found is None else abs(found)
        case (("MAX" | "MIN" | "SUM" | "AVG"), (Array(items),)):
            known = [value for item in items if (value := evaluate(item, values)) is not None]
            return _OVER_ARRAYS[name](known) if known else None
        case _:
            raise UnknownInMetricMathError(f"{name} with {len(arguments)} arguments")

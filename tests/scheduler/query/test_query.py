"""The cluster query language: every operator, every subject, and where errors point."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.fleet import Fleet
from scheduler.query.evaluate import matches
from scheduler.query.parse import QuerySyntaxError, parse
from tests.scheduler.fleets import demand, node

FLEET = Fleet()
FLEET.put_node(
    node(1, attributes={"ecs.instance-type": "g2.large", "stack": "prod", "flag": None}, agent_version="1.10.2")
)
FLEET.hold("t1", "host/1", demand("service:web"), running=True)
FLEET.hold("t2", "host/1", demand("family:batch"))
HOST = next(FLEET.nodes())


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("attribute:stack == prod", True),
        ("attribute:stack equals 'prod'", True),
        ("attribute:stack != prod", False),
        ("attribute:stack not_equals test", True),
        ("attribute:missing == prod", False),
        ("attribute:stack in [test, prod]", True),
        ("attribute:stack !in [test, prod]", False),
        ("attribute:stack not_in [test]", True),
        ("attribute:stack exists", True),
        ("attribute:flag exists", True),
        ("attribute:stack !exists", False),
        ("attribute:missing not_exists", True),
        ("attribute:ecs.instance-type =~ g2.*", True),
        ("attribute:ecs.instance-type matches g2", False),
        ("attribute:ecs.instance-type !~ t2.*", True),
        ("attribute:ecs.instance-type not_matches g2.*", False),
        ("agentConnected == true", True),
        ("agentVersion >= 1.9.0", True),
        ("agentVersion less_than 1.9.0", False),
        ("agentVersion greater_than 1.10.1", True),
        ("ec2InstanceId == i-1", True),
        ("ec2InstanceId in ['i-2']", False),
        ("registeredAt > 2025-12-31", True),
        ("registeredAt <= 2026-01-01T00:00:00Z", True),
        ("registeredAt < 2026-01-01T00:00:00+00:00", False),
        ("runningTasksCount == 1", True),
        ("runningTasksCount greater_than_equal 2", False),
        ("task:group == service:web", True),
        ("task:group =~ family:.*", True),
        ("not(task:group == service:db)", True),
        ("!(task:group == service:web)", False),
        ("attribute:stack == test or attribute:stack == prod", True),
        ("attribute:stack == prod and not attribute:flag exists", False),
        ("attribute:stack == prod && agentConnected == true", True),
        ("attribute:stack == x && agentConnected == true || ec2InstanceId == i-1", True),
        ("attribute:stack == x and (agentConnected == true or ec2InstanceId == i-1)", False),
    ],
)
def test_evaluation(source: str, expected: bool) -> None:
    assert matches(parse(source), HOST) is expected


@pytest.mark.parametrize(
    ("source", "position"),
    [
        ("attribute:stack = prod", 16),
        ("stack == prod", 0),
        ("attribute:stack ==", 18),
        ("attribute:stack in prod", 19),
        ("attribute:stack in [a", 21),
        ("(attribute:stack == a", 21),
        ("attribute:stack == a)", 20),
        ("runningTasksCount == many", 21),
        ("registeredAt > yesterday", 15),
        ("agentVersion in [1]", 13),
        ("attribute:stack =~ '('", 19),
        ("", 0),
    ],
)
def test_errors_point_at_the_offending_character(source: str, position: int) -> None:
    with pytest.raises(QuerySyntaxError) as caught:
        parse(source)
    assert caught.value.position == position
    assert str(caught.value).endswith(f"{source}\n{' ' * position}^")


@given(st.text(alphabet="atribue:stck =!~<>&|()[],'\"nodxi1.*", max_size=40))
def test_any_text_is_an_expression_or_a_syntax_error(source: str) -> None:
    try:
        expression = parse(source)
    except QuerySyntaxError:
        return
    assert matches(expression, HOST) in {True, False}

"""Which image a policy takes: AWS's worked examples, and rules that hold for every policy and repository."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.ecr.lifecycle.document import Rule
from emulator.ecr.lifecycle.evaluation import Action, Candidate, Outcome, actions, evaluate, selects

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def image(name: str, tags: str = "", age: float = 1) -> Candidate:
    return Candidate(name, NOW - timedelta(days=age), frozenset(tags.split()))


def count(priority: int, number: int, *prefixes: str, **changes: object) -> Rule:
    rule = Rule(priority, "tagged" if prefixes else "any", "imageCountMoreThan", number, prefixes=prefixes)
    return _changed(rule, changes)


def older(priority: int, number: int, *prefixes: str, **changes: object) -> Rule:
    rule = Rule(priority, "tagged" if prefixes else "any", "sinceImagePushed", number, prefixes=prefixes)
    return _changed(rule, changes)


def _changed(rule: Rule, changes: dict[str, object]) -> Rule:
    return replace(rule, **changes)  # type: ignore[arg-type]  # members by name


def taken(rules: list[Rule], images: list[Candidate]) -> dict[str, int | None]:
    return {item.candidate.digest: item.priority for item in actions(evaluate(rules, images, NOW))}


MULTI = [image("A", "beta-1 prod-1", 10), image("B", "beta-2 prod-2", 9), image("C", "beta-3", 8)]
TAGS_BY_AGE = [
    *(image("A", "alpha-1", 12), image("B", "beta-1", 11), image("C", "alpha-2 beta-2", 10)),
    *(image("D", "alpha-3", 4), image("E", "beta-3", 3), image("F", "alpha-4 beta-4", 2)),
]
TAGS_BY_COUNT = [
    *(image("A", "alpha-1 beta-1 gamma-1", 10), image("B", "alpha-2 beta-2", 9)),
    image("C", "alpha-3 beta-3 gamma-2", 8),
]
ALL = [image("A", "alpha-1", 4), image("B", "beta-1", 3), image("C", "", 2), image("D", "alpha-2", 1)]
COMBINED = [
    *(image("A", "alpha-1 beta-1", 4), image("B", "", 3), image("C", "alpha-2", 2)),
    *(image("D", "0123abcd", 1.5), image("E", "", 1)),
]


@pytest.mark.parametrize(
    ("rules", "images", "expected"),
    [
        ([count(1, 1, "prod"), count(2, 1, "beta")], MULTI, {"A": 1}),
        ([count(1, 1, "beta"), count(2, 1, "prod")], MULTI, {"A": 1, "B": 1}),
        ([older(1, 5, "alpha", "beta")], TAGS_BY_AGE, {"C": 1}),
        ([count(1, 1, "alpha", "beta")], TAGS_BY_COUNT, {"A": 1, "B": 1}),
        ([count(1, 1)], ALL, {"A": 1, "B": 1, "C": 1}),
        (
            [count(1, 1, "alpha"), older(2, 1, tag_status="untagged"), count(3, 1)],
            COMBINED,
            {"A": 1, "B": 2, "D": 3},
        ),
    ],
)
def test_the_worked_examples_of_the_guide(rules: list[Rule], images: list[Candidate], expected: dict[str, int]) -> None:
    assert taken(rules, images) == expected


@pytest.mark.parametrize(
    ("patterns", "tags", "selected"),
    [
        (("*-prod", "v1*"), "a-prod v1.2", True),
        (("*-prod", "v1*"), "a-prod", False),
        (("*-prod", "v1*"), "v1-prod", True),
        (("prod",), "prod", True),
        (("prod",), "prod1", False),
        (("prod",), "Prod", False),
        (("v*.*",), "v1.0", True),
        (("a+b",), "aab", False),
    ],
)
def test_patterns(patterns: tuple[str, ...], tags: str, *, selected: bool) -> None:
    assert selects(Rule(1, "tagged", "imageCountMoreThan", 1, patterns), image("A", tags)) is selected


@pytest.mark.parametrize(
    ("rule", "candidate", "action"),
    [
        (older(1, 5), image("A", age=5), Action.KEEP),
        (older(1, 5), image("A", age=5.01), Action.EXPIRE),
        (older(1, 5, action="transition"), image("A", age=6), Action.TRANSITION),
        (older(1, 5, count_type="sinceImagePulled", action="transition"), image("A", age=6), Action.TRANSITION),
        (
            older(1, 5, count_type="sinceImagePulled", action="transition"),
            Candidate("A", NOW - timedelta(90), pulled_at=NOW - timedelta(4)),
            Action.KEEP,
        ),
        (
            older(1, 5, count_type="sinceImagePulled", action="transition"),
            Candidate("A", NOW - timedelta(90), pulled_at=NOW - timedelta(40), activated_at=NOW - timedelta(2)),
            Action.KEEP,
        ),
        (
            older(1, 90, count_type="sinceImageTransitioned", storage_class="archive"),
            Candidate("A", NOW - timedelta(200), storage_class="archive", archived_at=NOW - timedelta(91)),
            Action.EXPIRE,
        ),
        (
            older(1, 90, count_type="sinceImageTransitioned", storage_class="archive"),
            Candidate("A", NOW - timedelta(200), storage_class="archive", archived_at=NOW - timedelta(89)),
            Action.KEEP,
        ),
        (older(1, 5), Candidate("A", NOW - timedelta(200), storage_class="archive"), Action.KEEP),
        (older(1, 5), Candidate("A", NOW - timedelta(200), bound_to="sha256:1"), Action.KEEP),
    ],
)
def test_ages(rule: Rule, candidate: Candidate, action: Action) -> None:
    assert [outcome.action for outcome in evaluate([rule], [candidate], NOW)] == [action]


def test_it_says_why() -> None:
    outcomes = evaluate([count(1, 1, "alpha"), older(2, 3, "beta")], [*ALL, image("X", "beta-0", 2)], NOW)
    assert {outcome.candidate.digest: outcome.reason for outcome in outcomes} == {
        "A": "rule 1 has it expired: it is number 2 of 2 images by age, 1 are kept",
        "B": "rule 2 keeps it: pushed 3 days ago, the limit is 3 days",
        "C": "no rule selects it",
        "D": "rule 1 keeps it: it is number 1 of 2 images by age, 1 are kept",
        "X": "rule 2 keeps it: pushed 2 days ago, the limit is 3 days",
    }


_TAGS = st.frozensets(st.sampled_from(["alpha-1", "alpha-2", "beta-1", "beta-2", "gamma"]), max_size=3)
_IMAGES = st.lists(
    st.builds(
        lambda age, tags, bound: Candidate("", NOW - timedelta(days=age), tags, bound_to=bound),
        st.integers(0, 30),
        _TAGS,
        st.sampled_from([None, None, None, "sha256:0"]),
    ),
    max_size=12,
).map(lambda items: [_changed_digest(item, str(number)) for number, item in enumerate(items)])
_RULES = st.lists(
    st.builds(
        lambda status, kind, number, prefix: Rule(
            0, status, kind, number, prefixes=(prefix,) if status == "tagged" else ()
        ),
        st.sampled_from(["any", "tagged", "untagged"]),
        st.sampled_from(["imageCountMoreThan", "sinceImagePushed"]),
        st.integers(1, 20),
        st.sampled_from(["alpha", "beta", "g"]),
    ),
    max_size=5,
).map(lambda items: [_changed(item, {"priority": 1 + number}) for number, item in enumerate(items)])


def _changed_digest(item: Candidate, digest: str) -> Candidate:
    return Candidate(digest, item.pushed_at, item.tags, bound_to=item.bound_to)


@given(_RULES, _IMAGES)
def test_a_lower_rule_never_takes_what_a_higher_one_selects(rules: list[Rule], images: list[Candidate]) -> None:
    for outcome in evaluate(rules, images, NOW):
        owners = [rule.priority for rule in rules if selects(rule, outcome.candidate)]
        assert outcome.priority == min(owners, default=None)


@given(_RULES, _IMAGES)
def test_what_is_bound_or_selected_by_none_stays(rules: list[Rule], images: list[Candidate]) -> None:
    for outcome in evaluate(rules, images, NOW):
        if outcome.candidate.bound_to is not None or outcome.priority is None:
            assert outcome.action is Action.KEEP


@given(_RULES, _IMAGES)
def test_a_count_rule_keeps_the_newest(rules: list[Rule], images: list[Candidate]) -> None:
    outcomes = {outcome.candidate.digest: outcome for outcome in evaluate(rules, images, NOW)}
    for rule in rules:
        if rule.count_type == "imageCountMoreThan":
            newest = sorted(
                (item for item in images if selects(rule, item)), key=lambda i: (i.pushed_at, i.digest), reverse=True
            )[: rule.count]
            assert not any(_taken_by(outcomes[item.digest], rule) for item in newest)


@given(_RULES, _IMAGES)
def test_doing_it_twice_finds_nothing_more_for_ages(rules: list[Rule], images: list[Candidate]) -> None:
    ages = [rule for rule in rules if rule.count_type == "sinceImagePushed"]
    gone = taken(ages, images)
    assert taken(ages, [item for item in images if item.digest not in gone]) == {}


def _taken_by(outcome: Outcome, rule: Rule) -> bool:
    return outcome.action is not Action.KEEP and outcome.priority == rule.priority

"""What is not emulated has a reason, and only that."""

from api.coverage import coverage


def test_every_operation_of_ecs_is_emulated_or_has_a_reason() -> None:
    found = coverage()["ecs"]
    assert set(found["missing"]) == set(found["reasons"])
    assert len(found["emulated"]) + len(found["missing"]) == len(set(found["emulated"]) | set(found["reasons"]))

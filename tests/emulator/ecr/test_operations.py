"""The table of operations names the model's operations."""

import botocore.session

from emulator.ecr.operations import OPERATIONS


def test_every_operation_is_one_of_the_models() -> None:
    assert set(OPERATIONS) <= set(botocore.session.get_session().get_service_model("ecr").operation_names)


def test_the_function_is_the_operation_in_snake_case() -> None:
    for name, function in OPERATIONS.items():
        assert function.__name__.replace("_", "") == name.lower()

"""The errors are the model's."""

import inspect

import botocore.session

from emulator.ecr import errors
from emulator.errors import AwsError


def test_each_error_shape_of_the_model_has_a_class() -> None:
    model = botocore.session.get_session().get_service_model("ecr")
    shapes = {name for name in model.shape_names if model.shape_for(name).metadata.get("exception")}
    classes = {name for name, value in inspect.getmembers(errors, inspect.isclass) if issubclass(value, AwsError)}
    assert classes - {"AwsError"} == shapes

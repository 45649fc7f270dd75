"""The errors are the model's, and four codes that the service uses without a shape."""

import inspect

import botocore.session

from emulator.beanstalk import errors
from emulator.errors import AwsError

WITHOUT_SHAPE = {
    "ConfigurationValidationException",
    "InvalidParameterCombination",
    "InvalidParameterValue",
    "MissingRequiredParameter",
}


def test_each_error_shape_of_the_model_has_a_class_with_its_code() -> None:
    model = botocore.session.get_session().get_service_model("elasticbeanstalk")
    shapes = {name: model.shape_for(name) for name in model.shape_names}
    codes = {
        name: shape.metadata.get("error", {}).get("code", name)
        for name, shape in shapes.items()
        if shape.metadata.get("exception")
    }
    classes = {
        name: value.code
        for name, value in inspect.getmembers(errors, inspect.isclass)
        if issubclass(value, AwsError) and value is not AwsError
    }
    assert classes == codes | {name: name for name in WITHOUT_SHAPE}

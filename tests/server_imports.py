"""What a server may import, imported once for all servers of the tests; see `server_process`."""

import os
from datetime import datetime
from importlib import import_module
from typing import Any

from sqlalchemy.orm import configure_mappers

from emulator.neighbours.moto_core import import_core
from emulator.neighbours.world import IMPORT_SETTINGS
from emulator.state.schema import statements

_SERVICES = (
    "applicationautoscaling",
    "autoscaling",
    "cloudformation",
    "cloudwatch",
    "ec2",
    "elb",
    "elbv2",
    "events",
    "iam",
    "kms",
    "logs",
    "s3",
    "secretsmanager",
    "servicediscovery",
    "sns",
    "sqs",
    "ssm",
    "sts",
)
_MODELS = ("autoscaling", "cloudwatch", "ec2", "elbv2", "iam", "logs", "s3", "sqs", "sts")
"""By their names in botocore."""


def _import_all() -> None:
    os.environ.update(IMPORT_SETTINGS)
    import_module("api.__main__")
    import_module("api.side")
    import_module("api.neighbours")
    import_module("pydantic.v1")  # by which FastAPI tells whether a model is one of pydantic's first version
    configure_mappers()
    statements("sqlite")
    import_core("000000000000", _no_time)
    import_module("moto.backend_index")
    for service in _SERVICES:
        import_module(f"moto.{service}.models")
        import_module(f"moto.{service}.urls")
    _read_models()


def _read_models() -> None:
    """What moto and the wire layer read from botocore's files at a first use: where regions are, services' models."""
    sessions: Any = import_module("moto.core.base_backend").AccountSpecificBackend
    sessions.get_session().get_available_regions("ec2")
    get_service_model = import_module("moto.core.utils").get_service_model
    for service in _MODELS:
        get_service_model(service)


def _no_time() -> datetime:
    raise AssertionError("a server's world has the server's clock")


_import_all()
import_module("emulator.neighbours.pickling")._managed_policies()

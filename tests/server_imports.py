"""What a server may import, imported once for all servers of the tests; see `server_process`."""

import os
from datetime import datetime
from importlib import import_module

from emulator.neighbours.moto_core import import_core
from emulator.neighbours.world import IMPORT_SETTINGS

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


def _import_all() -> None:
    os.environ.update(IMPORT_SETTINGS)
    import_module("api.__main__")
    import_module("api.side")
    import_module("api.neighbours")
    import_core("000000000000", _no_time)
    import_module("moto.backend_index")
    for service in _SERVICES:
        import_module(f"moto.{service}.models")
        import_module(f"moto.{service}.urls")


def _no_time() -> datetime:
    raise AssertionError("a server's world has the server's clock")


_import_all()

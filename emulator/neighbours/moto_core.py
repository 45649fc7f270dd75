"""moto's core: imported with our clock and default account, and emptied. Whoever calls holds the world's lock."""

import os
from collections.abc import Callable
from datetime import datetime
from typing import Any


def import_core(default_account: str, now: Callable[[], datetime]) -> None:
    """Import moto's core so that all services, imported later, have our default account and our clock."""
    os.environ["MOTO_ACCOUNT_ID"] = default_account
    import moto.core.utils as moto_time  # noqa: PLC0415 - as above

    del os.environ["MOTO_ACCOUNT_ID"]
    _TIME.now = now
    moto_time.utcnow = _utcnow


class _Time:
    """The clock of the world that is open; services keep a hold of `_utcnow`, which must not change with it."""

    now: Callable[[], datetime]


_TIME = _Time()


def _utcnow() -> datetime:
    return _TIME.now().replace(tzinfo=None)


def all_dicts() -> list[Any]:
    """The dictionaries of moto's that hold something."""
    from moto.core.base_backend import BackendDict  # noqa: PLC0415 - as above

    kind: Any = BackendDict
    dicts: list[Any] = kind._instances  # noqa: SLF001 - moto has no public list of them
    return dicts


def forget() -> None:
    """Empty moto's dictionaries; what is asked for again is made anew."""
    from moto.core.model_instances import reset_model_data  # noqa: PLC0415 - as above

    for found in tuple(all_dicts()):
        if found.service_name == "s3":
            for _, _, backend in found.iter_backends():
                backend.reset()  # closes its temporary files
            found.bucket_accounts.clear()
        found.clear()
    all_dicts().clear()
    reset_model_data()

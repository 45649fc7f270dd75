"""Readiness: what answers, and what carries tasks out."""

import importlib.metadata
import os
from typing import Any

from emulator.emulator import Emulator
from emulator.settings import RuntimeKind

VERSION = importlib.metadata.version("ashore")


def health(emulator: Emulator, runtime_reason: str | None) -> dict[str, Any]:
    """The document of `GET /_ashore/health`. `runtime_reason` says why tasks are only simulated, where nobody asked for it."""
    kind = emulator.runtime.kind
    return {
        "status": "ready",
        "version": VERSION,
        "pid": os.getpid(),
        "port": emulator.port,
        "runtime": {
            "kind": kind,
            "simulated": kind == RuntimeKind.SIMULATED.value,
            "reason": runtime_reason,
        },
    }

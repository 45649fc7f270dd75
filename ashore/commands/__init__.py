"""The commands: one module a group of them; importing a module adds its commands to `app`."""

from ashore.commands import explain, hosts, lifecycle, look
from ashore.commands.app import app

__all__ = ["app", "explain", "hosts", "lifecycle", "look"]

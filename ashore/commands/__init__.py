"""The commands: one module a group of them; importing a module adds its commands to `app`."""

from ashore.commands import balancers, clock, doctor, ecr, explain, hosts, lifecycle, look, simulate, wait
from ashore.commands.app import app

__all__ = ["app", "balancers", "clock", "doctor", "ecr", "explain", "hosts", "lifecycle", "look", "simulate", "wait"]

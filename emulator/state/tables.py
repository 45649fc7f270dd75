"""Imports every table, for the migrations and for emptying the store."""

from emulator.state import ecr, ecs, journal

__all__ = ["ecr", "ecs", "journal"]

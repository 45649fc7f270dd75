"""What the server is told: each field is an `ASHORE_…` environment variable, which the `ashore` command sets from its flags."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from emulator.clock import parse_clock
from scheduler.instance_types import find as find_type


class RuntimeKind(StrEnum):
    """What carries tasks out."""

    AUTO = "auto"
    DOCKER = "docker"
    SIMULATED = "simulated"


class Iam(StrEnum):
    """Whether callers' permissions are asked."""

    OFF = "off"
    """Nobody asks: every key may do everything in its account."""
    SOFT = "soft"
    """What would have been denied is done, and journaled."""
    STRICT = "strict"
    """It is denied, and so are unknown keys and wrong signatures."""


class Preset(StrEnum):
    """What a new state begins with."""

    DEFAULT = "default"
    DEMO = "demo"


def default_state_dir() -> Path:
    """`$XDG_STATE_HOME/ashore`, by default `~/.local/state/ashore`."""
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "ashore"


class Settings(BaseSettings):
    """Settings of one server."""

    model_config = SettingsConfigDict(env_prefix="ASHORE_", extra="ignore", frozen=True)

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 4566
    runtime: RuntimeKind = RuntimeKind.AUTO
    preset: Preset = Preset.DEFAULT
    hosts: Annotated[int, Field(ge=0, le=5000)] | None = None
    """With how many hosts a new state begins; the preset says it where None."""
    azs: Annotated[int, Field(ge=1)] = 3
    """Over how many zones these are spread …"""
    instance_type: str = "t3.large"
    """… and of which type they are."""
    state_dir: Path = Field(default_factory=default_state_dir)
    ephemeral: bool = False
    """Keep everything in memory and in a temporary folder that goes with the process."""
    database_url: str | None = Field(default=None, validation_alias="DATABASE_URL")
    """A SQLAlchemy URL (`postgresql+psycopg://…`); SQLite in the state folder where None."""
    clock: str = "real"
    account_id: Annotated[str, Field(pattern=r"^\d{12}$")] = "000000000000"
    """The account of every access key that is not itself a 12-digit account."""
    region: str = "us-east-1"
    """The region of requests that name none."""
    iam: Iam = Iam.OFF
    vulnerability_feed: Path | None = None
    """OSV data (a file or a folder) by which ECR scans images where neither trivy nor grype is installed."""
    platform_images: dict[str, str] = Field(default_factory=dict)
    """Elastic Beanstalk: platform branch, `Python 3.13` or `Python` → the image that applications are built on (JSON)."""
    seed: int | None = None
    journal_entries: Annotated[int, Field(ge=1000)] = 200_000
    """The journal keeps the newest so many entries (about 100 MB) …"""
    journal_days: Annotated[float, Field(gt=0)] = 30
    """… and none that is older on the emulator's clock."""
    log: str = "info"

    @field_validator("clock")
    @classmethod
    def _clock_is_known(cls, text: str) -> str:
        parse_clock(text)
        return text

    @field_validator("instance_type")
    @classmethod
    def _type_is_known(cls, text: str) -> str:
        if find_type(text) is None:
            raise ValueError(f"{text} is no instance type that Ashore knows")
        return text

"""Everything that differs from one installation to the next, read once from the environment."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, PositiveInt, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class SettingsError(Exception):
    """Variables are missing or wrong; the message names each."""


Secret = Annotated[str, Field(min_length=16, repr=False)]


class Settings(BaseSettings):
    """The settings of the API and the worker. Each is the variable of the same name, with PRORATA_ before it.

    The two addresses are `DATABASE_URL` and `REDIS_URL`, as hosts call them. What has no default must be given.
    """

    model_config = SettingsConfigDict(
        env_prefix="PRORATA_", frozen=True, extra="ignore", populate_by_name=True, hide_input_in_errors=True
    )

    database_url: str = Field(validation_alias="DATABASE_URL", repr=False)
    redis_url: str = Field(validation_alias="REDIS_URL", repr=False)

    host: str = "127.0.0.1"
    port: int = 8470
    graphiql: bool = False

    sandbox_port: int = 8471
    sandbox_url: str = "http://127.0.0.1:8471"
    sandbox_key: Secret
    webhook_secret: Secret
    key_pepper: Secret

    max_body_bytes: PositiveInt = 1024 * 1024
    usage_body_bytes: PositiveInt = 4 * 1024 * 1024
    usage_batch: PositiveInt = 1000
    """Events in one report."""

    webhook_endpoints: PositiveInt = 10
    """Endpoints an account may have."""
    webhook_overlap_hours: PositiveInt = 24
    """How long the old secret of an endpoint signs beside the new one."""
    webhook_private_hosts: bool = False
    """Whether webhooks may be sent to this very machine, there also without TLS: for development."""

    api_pool_size: PositiveInt = 10
    worker_pool_size: PositiveInt = 10


def load_settings() -> Settings:
    """Read the environment.

    Raises:
        SettingsError: naming every variable that is missing or wrong.
    """
    try:
        return Settings()  # type: ignore[call-arg]  # the environment gives the rest
    except ValidationError as error:
        wrong = [f"  {_variable(str(each['loc'][0]))}: {each['msg']}" for each in error.errors()]
        raise SettingsError("\n".join(["These variables are missing or wrong:", *wrong])) from None


def _variable(location: str) -> str:
    return location if location.isupper() else f"{Settings.model_config['env_prefix']}{location}".upper()

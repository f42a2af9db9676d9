"""Every setting, from the environment (``TIEBREAK_…``) or a ``.env`` file."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SHORTEST_KEY = 32


class Settings(BaseSettings):
    """What an operator may set; a wrong or missing value stops the start with its name."""

    model_config = SettingsConfigDict(env_prefix="TIEBREAK_", env_file=".env", extra="ignore")

    env: Literal["development", "production"] = Field(
        "development", description="In production a secret key is required and the style guide is off."
    )
    data_dir: Path = Field(
        Path("data"), description="Where the default database, uploads and snapshots live."
    )
    database_url: str = Field(
        "", description="SQLAlchemy URL; empty means an SQLite file under the data directory."
    )
    snapshot_url: str = Field(
        "",
        description="Where snapshots lie, as s3://BUCKET/PREFIX; empty means the data directory.",
    )
    secret_key: SecretStr = Field(
        SecretStr(""), description="Signs sessions; at least 32 characters. Made and kept in development."
    )
    base_url: str = Field(
        "", description="The public address, for links in invitations; empty means as requested."
    )
    secure_cookies: bool = Field(False, description="Send cookies over HTTPS only; set it behind TLS.")
    trusted_proxies: int = Field(
        0, ge=0, le=9, description="Reverse proxies whose X-Forwarded headers are believed."
    )
    session_days: int = Field(30, ge=1, le=365, description="How long a sign-in lasts.")
    sign_in_attempts: int = Field(
        10,
        ge=1,
        description="Failed sign-ins to one account from one address allowed in fifteen minutes; "
        "ten times as many to one account, or from one address.",
    )
    max_upload_mb: int = Field(
        2048, ge=1, description="Largest file accepted by the import page and API, in MB."
    )
    max_row_mb: int = Field(
        16, ge=1, le=512, description="Largest single record accepted by an import, in MB."
    )
    api_requests_per_minute: int = Field(
        1200, ge=0, description="Requests a minute one API token may make; 0 for any number."
    )
    webhook_private_addresses: bool = Field(
        False, description="Let webhooks go to loopback, private and link-local addresses."
    )
    metrics_token: SecretStr = Field(
        SecretStr(""),
        description="Bearer token that scrapers of /metrics send; without one it is off in production.",
    )
    database_pool: int = Field(4, ge=1, description="PostgreSQL connections for each worker.")

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.database_url:
            self.database_url = f"sqlite:///{self.data_dir.resolve() / 'tiebreak.db'}"
        for short in ("postgresql://", "postgres://"):
            if self.database_url.startswith(short):
                self.database_url = "postgresql+psycopg://" + self.database_url.removeprefix(short)
        if not self.database_url.startswith(("sqlite:", "postgresql+psycopg:")):
            raise ValueError("TIEBREAK_DATABASE_URL must start with sqlite: or postgresql:")
        key = self.secret_key.get_secret_value()
        if not key and self.env == "production":
            raise ValueError("TIEBREAK_SECRET_KEY is required in production")
        if key and len(key) < SHORTEST_KEY:
            raise ValueError(f"TIEBREAK_SECRET_KEY must have at least {SHORTEST_KEY} characters")
        return self

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite:")

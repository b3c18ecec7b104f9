"""Every knob of the Butler, read once from `BUTLER_*` variables or `.env`; the only reader of the environment."""

from __future__ import annotations

import os
import secrets
from functools import lru_cache
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_TOOL_VARIABLES = (
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "DOCKER_HOST",
    "DOCKER_CONFIG",
    "DOCKER_CONTEXT",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CERT_PATH",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "GIT_SSL_CAINFO",
    "ALL_PROXY",
    "all_proxy",
    "XDG_RUNTIME_DIR",
)
ROOT = Path(__file__).resolve().parent


class Settings(BaseSettings):
    """The Butler's settings. Each has a default that suits one person on one machine."""

    model_config = SettingsConfigDict(
        env_prefix="BUTLER_", env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True
    )

    host: str = Field("127.0.0.1", description="Address that the server listens on.")
    port: int = Field(8000, ge=1, le=65535, description="Port that the server listens on.")
    data_dir: Path = Field(
        Path("data"), description="Folder for the database, keys and logs; one Butler for each folder."
    )
    database_url: str | None = Field(
        None, description="SQLAlchemy address of the database; unset means `deployments.db` in the data directory."
    )
    public_host: str = Field("localhost", description="Host name written into the addresses of deployed apps.")
    publish_address: str = Field("127.0.0.1", description="Address on which apps are published; `0.0.0.0` on a server.")
    first_host_port: int = Field(8080, ge=1, le=65535, description="First host port that is tried for an app.")
    last_host_port: int = Field(65535, ge=1, le=65535, description="Last host port that is tried for an app.")
    secret_key: SecretStr | None = Field(
        None, description="Key that signs tokens, at least 32 characters; unset means one made in the data directory."
    )
    token_minutes: int = Field(30, ge=1, description="Minutes until an access token expires.")
    refresh_days: int = Field(14, ge=1, description="Days until an unused renewal token expires.")
    bcrypt_rounds: int = Field(12, ge=4, le=16, description="Cost of a password hash (each step doubles it).")
    open_registration: bool = Field(True, description="Whether anybody who reaches the server may register.")
    login_attempts_per_minute: int = Field(10, ge=1, description="Log-ins per minute for one account and address.")
    registrations_per_hour: int = Field(20, ge=1, description="Registrations per hour from one address.")
    deploys_per_minute: int = Field(30, ge=1, description="Deployments that one user may ask for in a minute.")
    allow_local_repositories: bool = Field(
        False, description="Whether `file:` addresses and local paths may be cloned (for tests)."
    )
    allowed_private_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Git hosts with private addresses that may be cloned from, separated by commas."
    )
    max_concurrent_builds: int = Field(2, ge=1, description="Deployments that run at the same time.")
    clone_timeout_seconds: int = Field(300, ge=1, description="Longest time that a clone may take.")
    build_timeout_seconds: int = Field(900, ge=1, description="Longest time that a build may take.")
    start_timeout_seconds: int = Field(60, ge=1, description="Longest time until an app must answer.")
    max_start_timeout_seconds: int = Field(
        600, ge=1, description="Longest time to answer that a repository's butler.yml may ask for."
    )
    release_timeout_seconds: int = Field(600, ge=1, description="Longest time that a release command may take.")
    settle_seconds: float = Field(2.0, ge=0, description="Time that an app must stay up before it counts as deployed.")
    stop_grace_seconds: int = Field(10, ge=0, description="Time that an app gets to end by itself when it is stopped.")
    ssh_key_file: Path | None = Field(
        None, description="Private key for ssh addresses; every user of this Butler can clone what it opens."
    )
    max_repository_mb: int = Field(1024, ge=1, description="Largest checkout, in MiB.")
    max_repository_files: int = Field(50_000, ge=1, description="Most files in a checkout.")
    memory_limit: str = Field("1g", description="Memory that one container may use (`docker run --memory`).")
    cpu_limit: float = Field(2.0, gt=0, description="Processors that one container may use.")
    pids_limit: int = Field(512, ge=16, description="Processes and threads that one container may have.")
    keep_images: int = Field(3, ge=1, description="Images that are kept for each app.")
    log_max_mb: int = Field(32, ge=1, description="Largest log of one release, in MiB; the rest is cut, and said.")
    min_free_disk_mb: int = Field(1024, ge=0, description="Free disk below which no deployment starts, in MiB.")
    network_name: str = Field("devops-butler-net", description="Docker network that all deployments join.")
    network_subnet: str = Field("10.77.0.0/16", description="Address range of that network.")
    private_subnets: str = Field(
        "10.201.0.0/16", description="Range cut into a /27 for each app's own network and a /25 for each user's."
    )
    image_registry: str = Field(
        "", description="Prefix put before the base images of templates, such as `mirror.example/library`."
    )
    base_images: dict[str, str] = Field(
        default_factory=dict,
        description='Base images by name, as JSON: `{"node:22-slim": "my-node:22"}`; beats the prefix.',
    )
    base_image_pull: bool = Field(True, description="Whether base images may be pulled from a registry.")
    debian_mirror: str = Field(
        "", description="Debian mirror for the stand-ins of base images; empty means the one of this machine's apt."
    )
    npm_registry: str = Field(
        "", description="npm registry for stand-ins of base images; unset means the machine's own npmrc."
    )
    pip_index_url: str = Field(
        "", description="Python package index for stand-ins of base images; unset means the machine's own pip.conf."
    )
    github_api_url: str = Field("https://api.github.com", description="Address of GitHub's API.")
    log_level: str = Field("INFO", description="Level of the server's own log.")
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Other origins that may call the API from a browser, separated by commas."
    )

    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Domain names by which the server may be called, separated by commas, or `*`; unset means any where "
        "it listens beyond this machine, and otherwise only the public host name.",
    )

    @field_validator("allowed_private_hosts", "allowed_origins", "allowed_hosts", mode="before")
    @classmethod
    def _split_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("network_name")
    @classmethod
    def _sorts_after_private_networks(cls, value: str) -> str:
        if value < "butler-g":
            raise ValueError("must sort after `butler-` and a hexadecimal number: Docker looks names up in that order")
        return value

    @field_validator("network_subnet", "private_subnets")
    @classmethod
    def _is_address_range(cls, value: str) -> str:
        try:
            return str(IPv4Network(value, strict=False))
        except ValueError:
            raise ValueError("must be an IPv4 address range such as 10.77.0.0/16") from None

    @field_validator("secret_key")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 32:
            raise ValueError("must have at least 32 characters; leave it unset to have one made")
        return value

    @property
    def database_address(self) -> str:
        """The database's SQLAlchemy address, with the default filled in."""
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / 'deployments.db'}"

    @property
    def instance(self) -> str:
        """This Butler's own short name (8 hex digits), made once in the data directory; it labels all our objects."""
        return _instance_of(self.data_dir.resolve())

    @property
    def log_dir(self) -> Path:
        """Where the numbered log files of releases are."""
        return self.data_dir / "logs"

    @property
    def work_dir(self) -> Path:
        """Where repositories are cloned to, each in a folder that goes in every case."""
        return self.data_dir / "work"


class CliSettings(BaseSettings):
    """What the command line reads; the environment wins over what `login` stored.

    The `.env` beside the program is read, never one of the folder that the command was typed in: that may be a
    stranger's repository, which must not choose the server that a token is sent to.
    """

    model_config = SettingsConfigDict(
        env_prefix="BUTLER_", env_file=ROOT / ".env", extra="ignore", frozen=True, hide_input_in_errors=True
    )

    url: str | None = Field(None, description="Address of the server that the command line talks to.")
    token: SecretStr | None = Field(None, description="Access token of the command line, in place of a log-in.")
    port: int = Field(8000, ge=1, le=65535, description="Port of the server on this machine.")


@lru_cache
def _instance_of(data_dir: Path) -> str:
    file = data_dir / "instance-id"
    try:
        return file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.write_text(secrets.token_hex(4) + "\n", encoding="ascii")
        return file.read_text(encoding="ascii").strip()


@lru_cache(maxsize=1)
def tool_environment() -> dict[str, str]:
    """The environment that docker and git get: only what they need to find their engine, plugins and proxies."""
    return {name: os.environ[name] for name in _TOOL_VARIABLES if name in os.environ}

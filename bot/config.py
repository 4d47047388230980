"""The settings: read from the environment once, complete, or the start stops with one line.

Nothing else reads the environment. What a newcomer does not set gets a default that works on this
machine; what a real deployment must not leave to chance is asked for by name.
"""

import base64
import binascii
import hashlib
import hmac
import ipaddress
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.embedded import EmbeddedServerError, postgres_url, valkey_url
from bot.embedded.paths import make_data_dir
from bot.secret_file import KEY_BYTES, keep_secrets

# Losing one of these loses data or lets strangers in: made up for a newcomer, demanded elsewhere.
SECRETS = ("SECRET_KEY", "ENCRYPTION_KEYS", "TELEGRAM_WEBHOOK_SECRET")
SIMULATOR_BOT_TOKEN = "100000:simulator"  # noqa: S105 (opens nothing but the simulator)
SIMULATOR_SENDER = "2580"
TRAINING_PATH = "/training"
TELEGRAM_API_URL = "https://api.telegram.org"
TWILIO_API_URL = "https://api.twilio.com"

_SIMULATOR_ACCOUNT = "simulator account"
_SHORTEST_SECRET = 16
_HIGHEST_PORT = 65535
_WRONG = {
    "PORT": "it must be a number from 1 to 65535",
    "SIMULATOR_PORT": "it must be a number from 1 to 65535",
    "SMS_TWO_WAY": "it must be true or false",
    "SIMULATOR": "it must be true or false",
    "TELEGRAM_PER_S": "it must be a whole number, 0 for no limit",
    "SMS_PARTS_PER_S": "it must be a whole number, 0 for no limit",
    "LOG_LEVEL": "it must be debug, info, warning or error",
}
_Rate = Annotated[int, Field(ge=0)]
_Port = Annotated[int, Field(ge=1, le=_HIGHEST_PORT)]


class StartError(Exception):
    """The program cannot start; the text says in one line what to do about it."""


class SettingsError(StartError):
    """A setting is missing or wrong; the text is one line that names it and says what to do."""


class _Given(BaseSettings):
    """The settings as somebody wrote them: into the environment, or into `.env`."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    database_url: str | None = None
    redis_url: str | None = None
    data_dir: Path = Path("var")
    files_url: str | None = None
    host: str = "127.0.0.1"
    port: _Port = 8000
    public_url: str | None = None
    trusted_proxies: str = "127.0.0.1"
    secret_key: str | None = None
    encryption_keys: str | None = None
    telegram_bot_token: str | None = None
    telegram_api_url: str | None = None
    telegram_webhook_secret: str | None = None
    telegram_per_s: _Rate = 30
    twilio_account_sid: str | None = None
    twilio_auth_token: str | None = None
    twilio_api_url: str | None = None
    sms_sender: str | None = None
    sms_two_way: bool | None = None
    sms_parts_per_s: _Rate = 10
    simulator: bool | None = None
    simulator_port: _Port | None = None
    metrics_token: str | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting, checked and complete. URLs end without a slash; secrets stay out of repr.

    `twilio_account_sid`, `twilio_auth_token` and `sms_sender` are empty when SMS is not set up.
    `telegram_per_s` and `sms_parts_per_s` are what the carrier takes; 0 means no limit. Whom
    `trusted_proxies` names may say in X-Forwarded-For whose request it passes on. Without a
    `metrics_token` the metrics are for this machine alone.
    """

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    embedded_postgres: bool
    embedded_valkey: bool
    data_dir: Path
    files_url: str = field(repr=False)
    host: str
    port: int
    public_url: str
    secret_key: str = field(repr=False)
    encryption_keys: tuple[bytes, ...] = field(repr=False)
    telegram_bot_token: str = field(repr=False)
    telegram_api_url: str
    telegram_webhook_secret: str = field(repr=False)
    twilio_account_sid: str = field(repr=False)
    twilio_auth_token: str = field(repr=False)
    twilio_api_url: str
    sms_sender: str
    sms_two_way: bool
    simulator: bool
    simulator_port: int
    log_level: str
    telegram_per_s: int = 30
    sms_parts_per_s: int = 10
    trusted_proxies: str = "127.0.0.1"
    metrics_token: str = field(default="", repr=False)

    @property
    def local_url(self) -> str:
        """Where this machine reaches the web process."""
        return _local_url(self.host, self.port)

    @property
    def simulator_url(self) -> str:
        """Where the simulator listens; the web process passes /simulator on to it."""
        return _local_url("127.0.0.1", self.simulator_port)

    @property
    def telegram_webhook(self) -> bool:
        """Whether Telegram calls us; else we ask it (long polling)."""
        return self.public_url.startswith("https://")

    @property
    def is_training(self) -> bool:
        """Whether no message can reach anybody real: both carriers are the simulator."""
        made_up = f"AC{_derive(self.secret_key, _SIMULATOR_ACCOUNT)}"
        return (
            self.simulator
            and self.telegram_bot_token == SIMULATOR_BOT_TOKEN
            and self.telegram_api_url == self.simulator_url == self.twilio_api_url
            and self.twilio_account_sid == made_up
        )

    @property
    def sms_enabled(self) -> bool:
        return bool(self.twilio_account_sid)


def load_settings() -> Settings:
    """Read, check and complete the settings. Raises SettingsError.

    On the own PostgreSQL, secrets that are not set are made once and kept in DATA_DIR/secrets.env:
    this call then writes.
    """
    try:
        given = _Given()
    except ValidationError as error:
        raise SettingsError(_explain(error)) from None
    _check(given)
    data_dir = given.data_dir.absolute()
    kept = _find_secrets(given, data_dir)
    simulator = not _has_token(given)
    simulator_port = given.simulator_port or _next_port(given.port)
    simulator_url = _local_url("127.0.0.1", simulator_port)
    sid, auth_token, sender = _twilio(given, kept["SECRET_KEY"], simulator=simulator)
    return Settings(
        database_url=given.database_url or postgres_url(data_dir),
        redis_url=given.redis_url or valkey_url(data_dir),
        embedded_postgres=given.database_url is None,
        embedded_valkey=given.redis_url is None,
        data_dir=data_dir,
        files_url=given.files_url or (data_dir / "files").as_uri(),
        host=given.host,
        port=given.port,
        public_url=(given.public_url or _url(given.host, given.port)).rstrip("/"),
        secret_key=_secret_key(kept["SECRET_KEY"]),
        encryption_keys=_encryption_keys(kept["ENCRYPTION_KEYS"]),
        telegram_bot_token=given.telegram_bot_token or SIMULATOR_BOT_TOKEN,
        telegram_api_url=_api_url(
            given.telegram_api_url, TELEGRAM_API_URL, simulator_url, simulator
        ),
        telegram_webhook_secret=kept["TELEGRAM_WEBHOOK_SECRET"],
        twilio_account_sid=sid,
        twilio_auth_token=auth_token,
        twilio_api_url=_api_url(given.twilio_api_url, TWILIO_API_URL, simulator_url, simulator),
        sms_sender=sender,
        sms_two_way=simulator if given.sms_two_way is None else given.sms_two_way,
        simulator=simulator,
        simulator_port=simulator_port,
        log_level=given.log_level,
        telegram_per_s=given.telegram_per_s,
        sms_parts_per_s=given.sms_parts_per_s,
        trusted_proxies=given.trusted_proxies,
        metrics_token=given.metrics_token or "",
    )


def _explain(error: ValidationError) -> str:
    """One line for the first wrong value. The value itself is not repeated: it may be secret."""
    name = str(error.errors()[0]["loc"][0]).upper()
    return f"{name} is wrong: {_WRONG.get(name, 'it cannot be read')}"


def _check(given: _Given) -> None:
    _check_carriers(given)
    for name, value, schemes in (
        ("DATABASE_URL", given.database_url, ("postgresql", "postgres", "postgresql+asyncpg")),
        ("REDIS_URL", given.redis_url, ("redis", "rediss", "unix")),
        ("FILES_URL", given.files_url, ("file", "s3")),
        ("PUBLIC_URL", given.public_url, ("http", "https")),
        ("TELEGRAM_API_URL", given.telegram_api_url, ("http", "https")),
        ("TWILIO_API_URL", given.twilio_api_url, ("http", "https")),
    ):
        if value is not None and value.partition("://")[0] not in schemes:
            raise SettingsError(f"{name} is wrong: it must begin with {schemes[0]}://")
    _check_proxies(given.trusted_proxies)
    token = given.metrics_token
    if token is not None and (len(token) < _SHORTEST_SECRET or not token.isascii()):
        raise SettingsError(
            f"METRICS_TOKEN is wrong: it needs at least {_SHORTEST_SECRET} letters, digits or signs"
        )
    secret = given.telegram_webhook_secret
    if secret is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
        raise SettingsError(
            "TELEGRAM_WEBHOOK_SECRET is wrong: Telegram allows 1 to 256 letters, digits, _ and -"
        )


def _check_proxies(named: str) -> None:
    """As strict as the server, which would believe nobody of a network that it cannot read."""
    for proxy in named.split(","):
        try:
            ipaddress.ip_network(proxy.strip())
        except ValueError:
            raise SettingsError(
                "TRUSTED_PROXIES is wrong: it takes addresses or networks, as 10.0.0.5,10.1.0.0/16"
            ) from None


def _check_carriers(given: _Given) -> None:
    token = given.telegram_bot_token
    if token is not None and not re.fullmatch(r"[0-9]+:[A-Za-z0-9_-]+", token):
        raise SettingsError(
            "TELEGRAM_BOT_TOKEN is wrong: copy it again from @BotFather (digits, a colon, letters)"
        )
    if given.simulator and _has_token(given):
        raise SettingsError(
            "SIMULATOR is on together with TELEGRAM_BOT_TOKEN: take one of the two out"
        )
    if not _has_token(given) and given.simulator is False:
        raise SettingsError(
            "TELEGRAM_BOT_TOKEN is missing: set the token that @BotFather gave you, "
            "or take SIMULATOR=false out to try the line without Telegram"
        )


def _has_token(given: _Given) -> bool:
    return given.telegram_bot_token not in (None, SIMULATOR_BOT_TOKEN)


def _find_secrets(given: _Given, data_dir: Path) -> dict[str, str]:
    values = {
        "SECRET_KEY": given.secret_key,
        "ENCRYPTION_KEYS": given.encryption_keys,
        "TELEGRAM_WEBHOOK_SECRET": given.telegram_webhook_secret,
    }
    known = {name: value for name, value in values.items() if value is not None}
    missing = [name for name in SECRETS if name not in known]
    if not missing:
        return known
    if given.database_url is not None:
        raise SettingsError(
            f"{', '.join(missing)} missing: with a DATABASE_URL of your own these must be set "
            "(python -m bot secrets prints new ones)"
        )
    try:
        make_data_dir(data_dir)
        return known | keep_secrets(data_dir / "secrets.env", missing)
    except EmbeddedServerError as error:
        raise SettingsError(str(error)) from error
    except OSError as error:
        raise SettingsError(
            f"cannot write to DATA_DIR={data_dir} ({error.strerror}): "
            "set DATA_DIR to a folder that you may write to"
        ) from error


def _secret_key(text: str) -> str:
    if len(text) < _SHORTEST_SECRET:
        raise SettingsError(
            f"SECRET_KEY is wrong: it needs at least {_SHORTEST_SECRET} characters "
            "(python -m bot secrets prints a new one)"
        )
    return text


def _encryption_keys(text: str) -> tuple[bytes, ...]:
    keys: list[bytes] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            key = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != KEY_BYTES:
            raise SettingsError(
                f"ENCRYPTION_KEYS is wrong: key {len(keys) + 1} is not {KEY_BYTES} bytes in "
                "base64url (python -m bot secrets prints a new one)"
            )
        keys.append(key)
    if not keys:
        raise SettingsError("ENCRYPTION_KEYS is empty: python -m bot secrets prints a new one")
    return tuple(keys)


def _twilio(given: _Given, secret_key: str, *, simulator: bool) -> tuple[str, str, str]:
    """Account, token and sender; with the simulator made up, else all given or none."""
    values = {
        "TWILIO_ACCOUNT_SID": given.twilio_account_sid or "",
        "TWILIO_AUTH_TOKEN": given.twilio_auth_token or "",
        "SMS_SENDER": given.sms_sender or "",
    }
    if simulator:
        made_up = {
            "TWILIO_ACCOUNT_SID": f"AC{_derive(secret_key, _SIMULATOR_ACCOUNT)}",
            "TWILIO_AUTH_TOKEN": _derive(secret_key, "simulator token"),
            "SMS_SENDER": SIMULATOR_SENDER,
        }
        values = {name: value or made_up[name] for name, value in values.items()}
    missing = [name for name, value in values.items() if not value]
    if missing and len(missing) < len(values):
        raise SettingsError(
            f"{', '.join(missing)} missing: SMS needs {', '.join(values)}; "
            "set all of them, or none to run without SMS"
        )
    return values["TWILIO_ACCOUNT_SID"], values["TWILIO_AUTH_TOKEN"], values["SMS_SENDER"]


def _derive(secret_key: str, purpose: str) -> str:
    """32 hexadecimal digits: nobody else can sign for the simulator, nothing needs to be kept."""
    return hmac.new(secret_key.encode(), purpose.encode(), hashlib.sha256).hexdigest()[:32]


def _api_url(given: str | None, real: str, simulator_url: str, simulator: bool) -> str:
    return (given or (simulator_url if simulator else real)).rstrip("/")


def _next_port(port: int) -> int:
    return port + 1 if port < _HIGHEST_PORT else port - 1


def _local_url(host: str, port: int) -> str:
    """The address on this machine of a server that listens on *host*."""
    return _url({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port)  # noqa: S104


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

"""The settings: a newcomer needs none, a deployment is told which one is missing."""

import base64
import re
from pathlib import Path

import pytest

from bot.config import Settings, SettingsError, load_settings

KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
OWN_DATABASE = {
    "DATABASE_URL": "postgresql://tralob:pa55@db.example/tralob",
    "REDIS_URL": "redis://redis.example/0",
    "SECRET_KEY": "s" * 40,
    "ENCRYPTION_KEYS": KEY,
    "TELEGRAM_WEBHOOK_SECRET": "from-the-environment",
}
TOKEN = "123456:AAbbCC-dd_ee"
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in re.findall(r"^#? ?([A-Z_]+)=", example(), flags=re.MULTILINE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def example() -> str:
    return (REPOSITORY / ".env.example").read_text()


def load(monkeypatch: pytest.MonkeyPatch, **values: str) -> Settings:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return load_settings()


def test_a_newcomer_sets_nothing_and_gets_the_simulator(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = load(monkeypatch)

    assert settings.simulator
    assert settings.sms_two_way
    assert settings.data_dir == tmp_path / "var"
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.telegram_api_url == settings.twilio_api_url == "http://127.0.0.1:8001"
    assert settings.embedded_postgres
    assert settings.embedded_valkey
    assert not settings.telegram_webhook
    assert len(settings.encryption_keys[0]) == 32


def test_secrets_made_once_stay_and_only_their_owner_reads_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = load(monkeypatch)
    second = load(monkeypatch)

    assert first == second
    assert (tmp_path / "var/secrets.env").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "var").stat().st_mode & 0o777 == 0o700


def test_secrets_do_not_show_when_the_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, **OWN_DATABASE, TELEGRAM_BOT_TOKEN=TOKEN)

    for secret in ("pa55", TOKEN, "s" * 40, "from-the-environment"):
        assert secret not in repr(settings)


def test_a_token_switches_to_the_real_carriers(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, TELEGRAM_BOT_TOKEN=TOKEN)

    assert not settings.simulator
    assert not settings.sms_two_way
    assert not settings.sms_enabled
    assert settings.telegram_api_url == "https://api.telegram.org"
    assert settings.twilio_api_url == "https://api.twilio.com"


def test_https_means_a_webhook(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(
        monkeypatch, TELEGRAM_BOT_TOKEN=TOKEN, PUBLIC_URL="https://line.example/", PORT="9000"
    )

    assert settings.telegram_webhook
    assert settings.public_url == "https://line.example"
    assert settings.local_url == "http://127.0.0.1:9000"


def test_other_servers_are_reached_by_their_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(
        monkeypatch,
        TELEGRAM_BOT_TOKEN=TOKEN,
        TELEGRAM_API_URL="http://127.0.0.1:9000/",
        TWILIO_API_URL="http://127.0.0.1:9001",
        TWILIO_ACCOUNT_SID="AC1",
        TWILIO_AUTH_TOKEN="t",
        SMS_SENDER="2580",
        SMS_TWO_WAY="true",
    )

    assert settings.telegram_api_url == "http://127.0.0.1:9000"
    assert settings.twilio_api_url == "http://127.0.0.1:9001"
    assert settings.sms_enabled
    assert settings.sms_two_way


def test_the_local_address_of_a_server_open_to_all(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(monkeypatch, HOST="0.0.0.0").local_url == "http://127.0.0.1:8000"
    assert load(monkeypatch, HOST="::").local_url == "http://[::1]:8000"


def test_several_keys_of_encryption(monkeypatch: pytest.MonkeyPatch) -> None:
    other = base64.urlsafe_b64encode(bytes(32)).decode().rstrip("=")

    settings = load(monkeypatch, **OWN_DATABASE | {"ENCRYPTION_KEYS": f"{KEY}, {other}"})

    assert settings.encryption_keys == (bytes(range(32)), bytes(32))


def test_settings_come_from_a_file_too_and_the_environment_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("PORT=8100\nHOST=127.0.0.2\nREDIS_URL=\n")

    settings = load(monkeypatch, HOST="127.0.0.3")

    assert (settings.host, settings.port) == ("127.0.0.3", 8100)
    assert settings.embedded_valkey


@pytest.mark.parametrize("name", ["SECRET_KEY", "ENCRYPTION_KEYS", "TELEGRAM_WEBHOOK_SECRET"])
def test_an_own_database_demands_each_secret_by_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    given = {key: value for key, value in OWN_DATABASE.items() if key != name}

    with pytest.raises(SettingsError, match=f"^{name} missing"):
        load(monkeypatch, **given)
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"PORT": "eighty"}, "PORT is wrong: it must be a number"),
        ({"PORT": "0"}, "PORT is wrong: it must be a number"),
        ({"SIMULATOR": "perhaps"}, "SIMULATOR is wrong: it must be true or false"),
        ({"SIMULATOR": "true", "TELEGRAM_BOT_TOKEN": TOKEN}, "SIMULATOR is on together with"),
        ({"SIMULATOR": "false"}, "TELEGRAM_BOT_TOKEN is missing"),
        ({"TELEGRAM_BOT_TOKEN": "nonsense"}, "TELEGRAM_BOT_TOKEN is wrong"),
        ({"TELEGRAM_WEBHOOK_SECRET": "ខ្មែរ"}, "TELEGRAM_WEBHOOK_SECRET is wrong"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY is wrong"),
        ({"ENCRYPTION_KEYS": "bm90IDMyIGJ5dGVz"}, "ENCRYPTION_KEYS is wrong: key 1"),
        ({"ENCRYPTION_KEYS": f"{KEY},???"}, "ENCRYPTION_KEYS is wrong: key 2"),
        ({"ENCRYPTION_KEYS": " , "}, "ENCRYPTION_KEYS is empty"),
        ({"DATABASE_URL": "sqlite:///x"}, "DATABASE_URL is wrong: it must begin with postgresql"),
        ({"REDIS_URL": "localhost"}, "REDIS_URL is wrong: it must begin with redis"),
        ({"PUBLIC_URL": "line.example"}, "PUBLIC_URL is wrong"),
        ({"TRUSTED_PROXIES": "10.0.0.5, proxy"}, "TRUSTED_PROXIES is wrong"),
        ({"TRUSTED_PROXIES": "*"}, "TRUSTED_PROXIES is wrong"),
        ({"TRUSTED_PROXIES": "10.1.2.3/16"}, "TRUSTED_PROXIES is wrong"),
        ({"LOG_LEVEL": "loud"}, "LOG_LEVEL is wrong"),
        ({"METRICS_TOKEN": "short"}, "METRICS_TOKEN is wrong"),
        ({"METRICS_TOKEN": "ត្រឡប់" * 4}, "METRICS_TOKEN is wrong"),
        (
            {"TELEGRAM_BOT_TOKEN": TOKEN, "TWILIO_ACCOUNT_SID": "AC1"},
            "TWILIO_AUTH_TOKEN, SMS_SENDER missing",
        ),
    ],
)
def test_a_wrong_value_is_one_line_that_names_it(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], line: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        load(monkeypatch, **given)

    assert str(raised.value).startswith(line)
    assert "\n" not in str(raised.value)
    for value in given.values():
        assert len(value) < 6 or value not in str(raised.value)


def test_a_data_folder_that_is_a_file_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(SettingsError, match=r"DATA_DIR=.*file"):
        load(monkeypatch, DATA_DIR=str(tmp_path / "file"))


def test_example_and_readme_name_every_setting() -> None:
    from bot.config import _Given

    names = {name.upper() for name in _Given.model_fields}
    readme = (REPOSITORY / "README.md").read_text()

    assert set(re.findall(r"^#? ?([A-Z_]+)=", example(), flags=re.MULTILINE)) == names
    assert names <= set(re.findall(r"`([A-Z_]+)`", readme))


def test_files_lie_in_the_data_folder_unless_a_place_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert load(monkeypatch).files_url == (tmp_path / "var" / "files").as_uri()
    bucket = "s3://key:secret@files/line?region=ap-southeast-1"
    settings = load(monkeypatch, FILES_URL=bucket)
    assert settings.files_url == bucket
    assert "secret@" not in repr(settings)


def test_a_place_for_files_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="FILES_URL"):
        load(monkeypatch, FILES_URL="ftp://files")

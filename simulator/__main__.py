"""`python -m simulator`: serve the carriers and the phones until stopped."""

import argparse
import contextlib
import json
import logging
import re
import sys
from pathlib import Path

from simulator.app import create_app
from simulator.config import Config
from simulator.server import build_server
from simulator.state import DamagedStateError

LAST_PORT = 65535
SECRETS = {"bot_token", "telegram_secret", "twilio_token"}


def _port(text: str) -> int:
    if text.isdecimal() and 0 < int(text) <= LAST_PORT:
        return int(text)
    raise argparse.ArgumentTypeError(f"a port is a number from 1 to {LAST_PORT}")


def _token(text: str) -> str:
    if re.fullmatch(r"[0-9]{1,19}:[A-Za-z0-9_-]+", text):
        return text
    raise argparse.ArgumentTypeError("a bot token is digits, a colon, and letters or digits")


def _address(text: str) -> str:
    if re.match(r"https?://[^/?#]+", text):
        return text.rstrip("/")
    raise argparse.ArgumentTypeError("an address begins with http:// or https:// and names a host")


def _path(text: str) -> str:
    """An empty text is no path; argparse asks about a default too."""
    if re.fullmatch(r"(/[A-Za-z0-9._~/-]*)?", text) and "//" not in text:
        return text
    raise argparse.ArgumentTypeError("a path begins with / and has no query")


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=_port, default=8001, help="port to listen on")
    parser.add_argument(
        "--secrets-file",
        type=Path,
        help="JSON object with bot_token, telegram_secret and twilio_token: "
        "what a command line would show to every user of the machine",
    )
    parser.add_argument("--state-file", type=Path, help="keep the phones here over a restart")
    parser.add_argument("--bot-token", type=_token, help="the token that the bot shows")
    parser.add_argument(
        "--telegram-secret", default="", help="secret of webhook calls when setWebhook names none"
    )
    parser.add_argument("--twilio-sid", default=Config.twilio_sid, help="account sid")
    parser.add_argument("--twilio-token", default=Config.twilio_token, help="auth token")
    parser.add_argument("--sender", default=Config.sender, help="number that the centre sends from")
    parser.add_argument(
        "--app-url", type=_address, default=Config.app_url, help="where webhooks are delivered"
    )
    parser.add_argument(
        "--public-url",
        type=_address,
        default=Config.public_url,
        help="address that Twilio's signatures name",
    )
    parser.add_argument(
        "--beside",
        type=_path,
        default=Config.beside,
        help="path on the page's own origin that answers JSON to show beside the phones",
    )
    return parser


def _config() -> Config:
    """What the command line says, and the secrets of its file where it does not."""
    parser = _arguments()
    path = parser.parse_args().secrets_file
    if path is not None:
        try:
            parser.set_defaults(**_read_secrets(path))
        except (OSError, ValueError) as error:
            parser.error(f"argument --secrets-file: {path} cannot be used: {_reason(error)}")
    options = vars(parser.parse_args())
    del options["secrets_file"]
    if options["bot_token"] is None:
        parser.error("a bot token is needed: --bot-token, or bot_token in --secrets-file")
    return Config(**options)


def _read_secrets(path: Path) -> dict[str, str]:
    """Raises OSError or ValueError."""
    secrets = json.loads(path.read_bytes())
    if not isinstance(secrets, dict) or not secrets.keys() <= SECRETS:
        raise ValueError(f"it must be a JSON object with no names but {', '.join(sorted(SECRETS))}")
    if not all(isinstance(value, str) for value in secrets.values()):
        raise ValueError("every value must be a text")
    return secrets


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return "it is not JSON" if isinstance(error, UnicodeDecodeError) else str(error)


def main() -> int:
    """Returns the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    config = _config()
    try:
        app = create_app(config)
    except DamagedStateError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    server = build_server(app, app.state.world, host=config.host, port=config.port)
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again after a clean stop
        server.run()
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())

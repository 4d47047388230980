"""What the simulator is told on its command line, in one frozen value."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Config:
    """Where to listen, whom to call, and the credentials that callers must show.

    `app_url` is where webhooks are delivered; `public_url` is the address under which the served
    program knows itself, for which Twilio's signatures are computed. `telegram_secret` goes with
    webhook calls when `setWebhook` named no secret of its own. `beside` is a path on the
    origin of the page; what is found there is shown beside the phones (`page/static/js/beside.js`
    says in which form). Without a `state_file` everything lives in memory.
    """

    bot_token: str
    telegram_secret: str = ""
    twilio_sid: str = "AC" + "0" * 32
    twilio_token: str = "0" * 32
    sender: str = "2580"
    app_url: str = "http://127.0.0.1:8000"
    public_url: str = "http://127.0.0.1:8000"
    beside: str = ""
    host: str = "127.0.0.1"
    port: int = 8001
    state_file: Path | None = None

"""What a log may hold: events and ids of our own, never a person."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from bot.logging_setup import setup_logging


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    stream = io.StringIO()
    setup_logging("test", stream=stream)
    yield stream
    root.handlers[:], level = before
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_line_of_json(written: io.StringIO) -> None:
    structlog.get_logger("bot.test").info("update_failed", item=12345678, channel="sms")
    (line,) = lines(written)
    assert (line["event"], line["item"], line["process"]) == ("update_failed", 12345678, "test")


def test_the_message_of_an_exception_is_left_out(written: io.StringIO) -> None:
    try:
        try:
            raise ValueError("Sophea +85512345678 said សួស្តី")
        except ValueError as error:
            raise RuntimeError("chat 4242424242") from error
    except RuntimeError:
        structlog.get_logger("bot.test").exception("failed")
        logging.getLogger("aiogram.event").exception("Cause exception")
    text = written.getvalue()
    for secret in ("Sophea", "85512345678", "សួស្តី", "4242424242"):
        assert secret not in text
    first, second = lines(written)
    for line in (first, second):
        kinds = [part["error"] for part in line["exception"]]
        assert kinds == ["builtins.RuntimeError", "builtins.ValueError"]
        assert "test_logging.py" in line["exception"][0]["where"][-1]


@pytest.mark.parametrize(
    "said",
    [
        "sent to +855 12 345 678",
        "chat 4242424242 is gone",
        "POST /bot123456:AAE-abc_def/sendMessage",
        "To=012345678",
    ],
)
def test_numbers_and_tokens_of_other_libraries_are_taken_out(
    written: io.StringIO, said: str
) -> None:
    logging.getLogger("some.library").warning("%s", said)
    text = lines(written)[0]["event"]
    assert not any(part in text for part in ("345", "4242424242", "AAE"))


def test_other_libraries_are_not_heard_below_a_warning(written: io.StringIO) -> None:
    logging.getLogger("twilio.http_client").info("To=+85512345678")
    logging.getLogger("aiogram").info("Update id=1 is handled")
    assert written.getvalue() == ""

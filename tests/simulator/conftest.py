"""A simulator for the tests that drive one over HTTP."""

from collections.abc import AsyncIterator

import pytest

from tests.simulator.running import Simulator, Webhook, run_simulator, run_webhook


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """A fresh simulator in memory."""
    async with run_simulator() as running:
        yield running


@pytest.fixture
async def webhook() -> AsyncIterator[Webhook]:
    """The bot's own server, for updates by webhook."""
    async with run_webhook() as running:
        yield running

"""Every method served, by its name in the schema."""

from collections.abc import Mapping

from simulator.telegram import account, editing, sending
from simulator.telegram.carrier import Method

METHODS: Mapping[str, Method] = {**account.METHODS, **sending.METHODS, **editing.METHODS}

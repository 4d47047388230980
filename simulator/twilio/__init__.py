"""A local SMS carrier that speaks Twilio's REST API and webhooks.

To be used by the rest of the simulator: `routes` for the API, `resume` when the server starts,
`phone_sms` when a person sends a text.
"""

from simulator.twilio.carrier import (
    CURRENCY,
    PRICE_PER_PART,
    RefusedTextError,
    phone_sms,
    resume,
)
from simulator.twilio.rest import routes

__all__ = ["CURRENCY", "PRICE_PER_PART", "RefusedTextError", "phone_sms", "resume", "routes"]

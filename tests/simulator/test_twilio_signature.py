"""The carrier's signature is the one that Twilio's own library accepts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from simulator.twilio.signature import sign

TOKEN = "12345"


def test_the_example_of_twilios_documentation() -> None:
    params = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert sign(TOKEN, url, params) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


@settings(max_examples=50, deadline=None)
@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/sms/inbound", "https://line.example/a?b=c"])
@given(
    params=st.dictionaries(
        st.text(min_size=1, max_size=9), st.text(max_size=40), max_size=6
    ).filter(lambda d: all(c.isprintable() for k, v in d.items() for c in k + v))
)
def test_twilios_validator_accepts_it(url: str, params: dict[str, str]) -> None:
    assert RequestValidator(TOKEN).validate(url, params, sign(TOKEN, url, params))
    assert not RequestValidator("other").validate(url, params, sign(TOKEN, url, params))

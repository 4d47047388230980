"""The signature by which an application knows that a webhook comes from its carrier."""

import base64
import hashlib
import hmac
from collections.abc import Mapping


def sign(auth_token: str, url: str, params: Mapping[str, str]) -> str:
    """Signature of a form posted to `url`, as sent in `X-Twilio-Signature`.

    HMAC-SHA1 over the full public URL followed by every name and value, sorted by name, with
    nothing in between; base64.
    """
    signed = url + "".join(name + params[name] for name in sorted(params))
    digest = hmac.new(auth_token.encode(), signed.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode("ascii")

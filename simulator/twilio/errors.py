"""The refusals of Twilio's REST API, with the codes, statuses and words that it uses."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse

MAX_BODY_UNITS = 1600

# Why a message that was accepted never arrived (error_code and error_message of the message).
UNREACHABLE_HANDSET = 30003
UNKNOWN_HANDSET = 30005
LANDLINE = 30006
UNSUBSCRIBED = 21610

DELIVERY_ERRORS: dict[int, str] = {
    UNREACHABLE_HANDSET: "Unreachable destination handset",
    UNKNOWN_HANDSET: "Unknown destination handset",
    LANDLINE: "Landline or unreachable carrier",
    UNSUBSCRIBED: "Attempt to send to unsubscribed recipient",
}


@dataclass
class TwilioError(Exception):
    """A refused request; `code` is Twilio's number of it, `status` the HTTP status."""

    code: int
    message: str
    status: int = 400

    def as_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }


def error_response(error: TwilioError) -> JSONResponse:
    """The answer by which the carrier says what it refuses."""
    challenged = error.status == HTTPStatus.UNAUTHORIZED
    headers = {"WWW-Authenticate": 'Basic realm="Twilio API"'} if challenged else None
    return JSONResponse(error.as_json(), status_code=error.status, headers=headers)


def bad_credentials() -> TwilioError:
    return TwilioError(20003, "Authenticate", 401)


def method_not_allowed() -> TwilioError:
    return TwilioError(20004, "Method not allowed", 405)


def not_found(path: str) -> TwilioError:
    return TwilioError(20404, f"The requested resource {path} was not found", 404)


def too_many_requests() -> TwilioError:
    return TwilioError(20429, "Too Many Requests", 429)


def internal_error() -> TwilioError:
    return TwilioError(20500, "An internal server error has occurred", 500)


def invalid_parameter(sentence: str) -> TwilioError:
    return TwilioError(20001, sentence)


def not_yet_complete() -> TwilioError:
    return TwilioError(20009, "Cannot delete this resource before it is complete", 409)


def cannot_be_canceled() -> TwilioError:
    return TwilioError(30409, "This message cannot be canceled", 409)


def invalid_update() -> TwilioError:
    return TwilioError(30400, "Parameters are not valid")


def to_missing() -> TwilioError:
    return TwilioError(21604, "A 'To' phone number is required.")


def to_invalid(to: str) -> TwilioError:
    return TwilioError(21211, f"The 'To' number {to} is not a valid phone number.")


def to_landline(to: str) -> TwilioError:
    return TwilioError(21614, f"'To' number: {to}, is not a valid mobile number")


def to_is_from() -> TwilioError:
    return TwilioError(21266, "'To' and 'From' number cannot be the same")


def to_unsubscribed() -> TwilioError:
    return TwilioError(UNSUBSCRIBED, DELIVERY_ERRORS[UNSUBSCRIBED])


def from_missing() -> TwilioError:
    return TwilioError(21603, "A 'From' phone number is required.")


def from_not_ours(sender: str) -> TwilioError:
    return TwilioError(
        21606,
        f"The 'From' phone number provided ({sender}) is not a valid message-capable Twilio "
        "phone number for this destination.",
    )


def service_not_found() -> TwilioError:
    return TwilioError(21701, "The Messaging Service does not exist")


def body_missing() -> TwilioError:
    return TwilioError(21602, "Message body is required.")


def body_too_long() -> TwilioError:
    return TwilioError(
        21617, f"The concatenated message body exceeds the {MAX_BODY_UNITS} character limit"
    )


def callback_invalid() -> TwilioError:
    return TwilioError(21609, "The 'StatusCallback' URL is not a valid URL.")

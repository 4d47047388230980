"""How the control interface says no: one clear sentence as JSON, never a trace."""

import functools
from collections.abc import Awaitable, Callable

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from simulator.telegram.errors import PersonError
from simulator.twilio import RefusedTextError
from simulator.world import UnknownPhoneError

Handler = Callable[[Request], Awaitable[Response]]


class ControlError(Exception):
    """A request that cannot be done, and with which status that is said."""

    def __init__(self, sentence: str, *, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status


def answer_refusals(handler: Handler) -> Handler:
    """The handler, with its refusals turned into `{"error": …}`."""

    @functools.wraps(handler)
    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except UnknownPhoneError as error:
            return _refusal(str(error), 404)
        except (PersonError, RefusedTextError) as error:
            return _refusal(str(error), 400)
        except ControlError as error:
            return _refusal(str(error), error.status)
        except ValidationError as error:
            return _refusal(_sentence(error), 400)

    return answered


def _refusal(sentence: str, status: int) -> Response:
    return JSONResponse({"error": sentence}, status_code=status)


def _sentence(error: ValidationError) -> str:
    """The first thing that is wrong, without the value that was sent."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else first["msg"]

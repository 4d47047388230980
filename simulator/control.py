"""The control interface under `/simulator/api`: what the page and tests do with the phones."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter
from sse_starlette import EventSourceResponse
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from simulator import phone_actions
from simulator.phones import Phone, SmsPhone
from simulator.refusals import ControlError, answer_refusals
from simulator.state import Faults
from simulator.telegram.carrier import Telegram
from simulator.twilio import CURRENCY, PRICE_PER_PART
from simulator.world import World

PING_SECONDS = 15
STOP_SECONDS = 2
_SHOWN_AS_PICTURES = {"image/jpeg", "image/png", "image/gif", "image/webp"}
_PLAYED = {"audio/ogg", "audio/mpeg", "audio/mp4"}

Number = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{7,14}$")]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$")]
_FAULTS: TypeAdapter[Faults] = TypeAdapter(Faults)


class NewPhone(BaseModel):
    """The body of POST /phones."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["telegram", "sms"]
    name: Name | None = None
    number: Number | None = None
    language_code: Language = "km"
    shows_khmer: bool = True


class PhoneChange(BaseModel):
    """The body of PATCH /phones/{id}; what is absent stays."""

    model_config = ConfigDict(extra="forbid")
    name: Name = Field(default="")
    number: Number = Field(default="")
    language_code: Language = Field(default="")
    shows_khmer: bool = True


def routes(world: World, telegram: Telegram) -> list[BaseRoute]:
    """Everything below `/simulator/api`."""
    control = _Control(world, telegram)
    handlers: list[tuple[str, str, Callable[[Request], Awaitable[Response]]]] = [
        ("GET", "/state", control.state),
        ("GET", "/events", control.events),
        ("POST", "/phones", control.add_phone),
        ("PATCH", "/phones/{id}", control.change_phone),
        ("DELETE", "/phones/{id}", control.remove_phone),
        ("PUT", "/faults", control.set_faults),
        ("POST", "/reset", control.reset),
        ("GET", "/files/{file_id}", control.file),
    ]
    inner = [Route(path, answer_refusals(h), methods=[method]) for method, path, h in handlers]
    return [Mount("/simulator/api", routes=[*inner, *phone_actions.routes(world, telegram)])]


class _Control:
    def __init__(self, world: World, telegram: Telegram) -> None:
        self._world = world
        self._telegram = telegram

    async def state(self, _: Request) -> Response:
        config = self._world.config
        sms = {"sender": config.sender, "price_per_part": PRICE_PER_PART, "currency": CURRENCY}
        return JSONResponse(
            {
                "bot": self._telegram.state.bot.public(),
                "sms": sms,
                "app_url": config.app_url,
                "beside": config.beside,
                "phones": [phone.public() for phone in self._world.phones],
                "faults": asdict(self._world.faults),
            }
        )

    async def events(self, _: Request) -> Response:
        # The stream ends by itself when the world stops; the grace lets it do so.
        return EventSourceResponse(
            self._stream(), ping=PING_SECONDS, shutdown_grace_period=STOP_SECONDS
        )

    async def _stream(self) -> AsyncIterator[dict[str, str]]:
        with self._world.subscribe() as events:
            async for event in events:
                yield {"data": json.dumps(event, ensure_ascii=False, default=asdict)}

    async def add_phone(self, request: Request) -> Response:
        new = NewPhone.model_validate_json(await request.body())
        self._refuse_taken(new.number, None)
        phone: Phone
        if new.kind == "telegram":
            phone = self._world.add_telegram_phone(
                name=new.name, number=new.number, language_code=new.language_code
            )
        else:
            phone = self._world.add_sms_phone(
                name=new.name, number=new.number, shows_khmer=new.shows_khmer
            )
        return JSONResponse(phone.public(), status_code=201)

    def _refuse_taken(self, number: str | None, but: Phone | None) -> None:
        if any(phone.number == number and phone is not but for phone in self._world.phones):
            raise ControlError(f"another phone already has the number {number}", status=409)

    async def change_phone(self, request: Request) -> Response:
        phone = self._world.get_phone(request.path_params["id"])
        change = PhoneChange.model_validate_json(await request.body())
        wanted = change.model_dump(include=change.model_fields_set)
        other = "language_code" if isinstance(phone, SmsPhone) else "shows_khmer"
        if other in wanted:
            raise ControlError(f"a phone of the kind {phone.kind} has no {other}")
        self._refuse_taken(wanted.get("number"), phone)
        for name, value in wanted.items():
            setattr(phone, name, value)
        self._world.phone_changed(phone)
        return JSONResponse(phone.public())

    async def remove_phone(self, request: Request) -> Response:
        self._world.remove_phone(self._world.get_phone(request.path_params["id"]))
        return Response(status_code=204)

    async def set_faults(self, request: Request) -> Response:
        """What is not named stays as it is."""
        wanted = TypeAdapter(dict[str, dict[str, Any]]).validate_json(await request.body())
        faults = asdict(self._world.faults)
        for carrier, changes in wanted.items():
            unknown = changes.keys() - faults.get(carrier, {}).keys()
            if carrier not in faults or unknown:
                raise ControlError(f"there is no such trouble: {carrier} {', '.join(unknown)}")
            faults[carrier] |= changes
        self._world.state.faults = _FAULTS.validate_python(faults)
        self._world.faults_changed()
        return JSONResponse(faults)

    async def reset(self, _: Request) -> Response:
        self._world.reset()
        self._telegram.files.clear()
        return Response(status_code=204)

    async def file(self, request: Request) -> Response:
        """A file of a chat; shown in place only when it is a picture or a sound."""
        file = self._telegram.files.find(request.path_params["file_id"])
        data = self._telegram.files.read(file) if file else None
        if file is None or data is None:
            raise ControlError("there is no such file", status=404)
        shown = file.mime in _SHOWN_AS_PICTURES | _PLAYED
        return Response(
            data,
            media_type=file.mime if shown else "application/octet-stream",
            headers={
                "X-Content-Type-Options": "nosniff",
                "Content-Disposition": "inline" if shown else "attachment",
                "Cache-Control": "private, max-age=3600",
            },
        )

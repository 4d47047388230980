"""The buttons of a phone as addresses: `POST /phones/{id}/<action>`."""

from collections.abc import Callable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from simulator.phones import Phone, SmsPhone, TelegramPhone
from simulator.refusals import ControlError, Handler, answer_refusals
from simulator.telegram import person
from simulator.telegram.carrier import Telegram
from simulator.telegram.files import UPLOAD_LIMIT
from simulator.telegram.person import Picked
from simulator.twilio import phone_sms
from simulator.world import World

FORM_ROOM = 1024 * 1024
Words = Annotated[str, StringConstraints(max_length=10_000)]
Payload = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TextBody(_Body):
    text: Words
    reply_to: int | None = None


class PressBody(_Body):
    message_id: int
    data: Words


class StartBody(_Body):
    payload: Payload | None = None


class ContactBody(_Body):
    own: bool = False
    phone_number: Words | None = None
    first_name: Words | None = None


class LocationBody(_Body):
    latitude: float
    longitude: float


class EditBody(_Body):
    message_id: int
    text: Words


class DeleteBody(_Body):
    message_id: int


class NoBody(_Body):
    pass


class SmsBody(_Body):
    body: Words


def routes(world: World, telegram: Telegram) -> list[BaseRoute]:
    """The actions of both kinds of phones."""
    actions = _Actions(world, telegram)
    handlers: dict[str, Handler] = {
        "text": actions.text,
        "press": actions.press,
        "start": actions.start,
        "contact": actions.contact,
        "location": actions.location,
        "photo": actions.media("photo"),
        "voice": actions.media("voice"),
        "document": actions.media("document"),
        "edit": actions.edit,
        "delete": actions.delete,
        "block": actions.block,
        "unblock": actions.unblock,
        "sms": actions.sms,
    }
    return [
        Route(f"/phones/{{id}}/{action}", answer_refusals(handler), methods=["POST"])
        for action, handler in handlers.items()
    ]


class _Actions:
    def __init__(self, world: World, telegram: Telegram) -> None:
        self._world = world
        self._telegram = telegram

    def _phone(self, request: Request) -> Phone:
        return self._world.get_phone(request.path_params["id"])

    def _chat(self, request: Request) -> TelegramPhone:
        phone = self._phone(request)
        if not isinstance(phone, TelegramPhone):
            raise ControlError(f"{phone.id} has no Telegram")
        return phone

    async def text(self, request: Request) -> Response:
        phone, body = self._chat(request), TextBody.model_validate_json(await request.body())
        person.write(self._telegram, phone, body.text, body.reply_to)
        return _done(phone)

    async def press(self, request: Request) -> Response:
        phone, body = self._chat(request), PressBody.model_validate_json(await request.body())
        person.press(self._telegram, phone, body.message_id, body.data)
        return _done(phone)

    async def start(self, request: Request) -> Response:
        phone, body = self._chat(request), StartBody.model_validate_json(await _json(request))
        person.start(self._telegram, phone, body.payload)
        return _done(phone)

    async def contact(self, request: Request) -> Response:
        phone, body = self._chat(request), ContactBody.model_validate_json(await request.body())
        other = (body.phone_number or "", body.first_name or "")
        if not body.own and not all(other):
            raise ControlError("a contact is one's own, or has a phone_number and a first_name")
        person.share_contact(self._telegram, phone, None if body.own else other)
        return _done(phone)

    async def location(self, request: Request) -> Response:
        phone, body = self._chat(request), LocationBody.model_validate_json(await request.body())
        person.share_location(self._telegram, phone, body.latitude, body.longitude)
        return _done(phone)

    def media(self, kind: person.MediaKind) -> Handler:
        async def send(request: Request) -> Response:
            phone = self._chat(request)
            person.send_media(self._telegram, phone, kind, await _upload(request))
            return _done(phone)

        return send

    async def edit(self, request: Request) -> Response:
        phone, body = self._chat(request), EditBody.model_validate_json(await request.body())
        person.edit(self._telegram, phone, body.message_id, body.text)
        return _done(phone)

    async def delete(self, request: Request) -> Response:
        phone, body = self._chat(request), DeleteBody.model_validate_json(await request.body())
        person.delete(self._telegram, phone, body.message_id)
        return _done(phone)

    async def block(self, request: Request) -> Response:
        return await self._without_body(request, person.block)

    async def unblock(self, request: Request) -> Response:
        return await self._without_body(request, person.unblock)

    async def _without_body(
        self, request: Request, action: Callable[[Telegram, TelegramPhone], None]
    ) -> Response:
        phone = self._chat(request)
        NoBody.model_validate_json(await _json(request))
        action(self._telegram, phone)
        return _done(phone)

    async def sms(self, request: Request) -> Response:
        phone = self._phone(request)
        if not isinstance(phone, SmsPhone):
            raise ControlError(f"{phone.id} sends no SMS")
        body = SmsBody.model_validate_json(await request.body())
        await phone_sms(self._world, self._world.config, phone, body.body)
        return _done(phone)


def _done(phone: Phone) -> Response:
    return JSONResponse(phone.public())


async def _json(request: Request) -> bytes:
    """The body, an empty object when there is none."""
    return await request.body() or b"{}"


async def _upload(request: Request) -> Picked | None:
    """The file of a multipart body; None for an empty body, which asks for the sample."""
    if int(request.headers.get("content-length", "0")) > UPLOAD_LIMIT + FORM_ROOM:
        raise ControlError("the file is too big: Telegram takes 50 MB", status=413)
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        NoBody.model_validate_json(await _json(request))
        return None
    try:
        async with request.form(max_files=1, max_fields=1) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise ControlError("the form has no file")
            return Picked(await file.read(), file.filename, file.content_type)
    except HTTPException:
        raise ControlError("the form cannot be read") from None

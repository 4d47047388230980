"""The Bot API over HTTP: `/bot<token>/<method>` and `/file/bot<token>/<path>`."""

import asyncio
import hmac
import json
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from simulator.server import hang_up
from simulator.telegram.carrier import Telegram
from simulator.telegram.errors import BotApiError, bad_request
from simulator.telegram.files import DOWNLOAD_LIMIT, UPLOAD_LIMIT
from simulator.telegram.schema import Upload

BODY_LIMIT = UPLOAD_LIMIT + 1024 * 1024
FIELD_LIMIT = 1024 * 1024


def routes(telegram: Telegram) -> list[BaseRoute]:
    """Both addresses, for one bot."""
    door = _Door(telegram)
    return [
        Route("/bot{token}/{method}", door.method, methods=["GET", "POST"]),
        Route("/file/bot{token}/{path:path}", door.file, methods=["GET"]),
    ]


class _Door:
    def __init__(self, telegram: Telegram) -> None:
        self._telegram = telegram
        self._token = telegram.world.config.bot_token

    def _check_token(self, request: Request) -> None:
        shown = request.path_params["token"].encode()
        if not hmac.compare_digest(shown, self._token.encode()):
            raise BotApiError(401, "Unauthorized")

    async def method(self, request: Request) -> Response:
        faults = self._telegram.world.faults.telegram
        drop = False
        try:
            self._check_token(request)
            params, uploads = await _read(request)
            name = request.path_params["method"]
            if name.lower() != "getupdates":
                await asyncio.sleep(faults.delay_ms / 1000)
                drop = self._take_trouble()
            result = await self._telegram.call(name, params, uploads)
            response = JSONResponse({"ok": True, "result": result})
        except BotApiError as error:
            response = JSONResponse(error.public(), status_code=error.code)
        return await hang_up(request) if drop else response

    def _take_trouble(self) -> bool:
        """Whether the answer is to be lost; raises BotApiError when the call is to fail."""
        faults = self._telegram.world.faults.telegram
        if faults.fail_next:
            faults.fail_next -= 1
            self._telegram.world.faults_changed()
            raise BotApiError(502, "Bad Gateway")
        if faults.drop_answers_next:
            faults.drop_answers_next -= 1
            self._telegram.world.faults_changed()
            return True
        return False

    async def file(self, request: Request) -> Response:
        try:
            self._check_token(request)
            file = self._telegram.files.find_by_path(request.path_params["path"])
            data = self._telegram.files.read(file) if file else None
            if file is None or data is None or file.size > DOWNLOAD_LIMIT:
                raise BotApiError(404, "Not Found")
        except BotApiError as error:
            return JSONResponse(error.public(), status_code=error.code)
        return Response(data, media_type="application/octet-stream")


async def _read(request: Request) -> tuple[dict[str, Any], dict[str, Upload]]:
    """Parameters and files of a call, however it carries them; raises BotApiError."""
    if int(request.headers.get("content-length", "0") or 0) > BODY_LIMIT:
        raise BotApiError(413, "Request Entity Too Large")
    params: dict[str, Any] = dict(request.query_params)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        return params | await _read_json(request), {}
    if kind == "multipart/form-data":
        return await _read_form(request, params)
    if kind == "application/x-www-form-urlencoded":
        return params | await _read_urlencoded(request), {}
    return params, {}


async def _read_urlencoded(request: Request) -> dict[str, Any]:
    # Starlette's own parser takes bytes beyond ASCII for Latin-1; Telegram takes them for UTF-8.
    try:
        return dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
    except ValueError:
        raise bad_request("can't parse the form") from None


async def _read_json(request: Request) -> dict[str, Any]:
    body = await request.body()
    if not body:
        return {}
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise bad_request("can't parse request body as a JSON object") from None
    if not isinstance(value, dict):
        raise bad_request("can't parse request body as a JSON object")
    return value


async def _read_form(
    request: Request, params: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Upload]]:
    uploads = {}
    try:
        async with request.form(max_part_size=FIELD_LIMIT) as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    data = await value.read()
                    uploads[name] = Upload(value.filename, value.content_type, data)
                else:
                    params[name] = value
    except (MultiPartException, HTTPException, ValueError):
        raise bad_request("can't parse the form") from None
    return params, uploads

"""What both origins answer about the session of a browser: who is logged in, and logging out."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from authlens_core.emulator.account import Account
from authlens_core.emulator.edge import json_answer
from authlens_core.emulator.pages import page

_COOKIE = "CF_Authorization"


async def get_identity(account: Account, request: Request) -> Response:
    claims = await account.identity(request.cookies.get(_COOKIE, ""))
    if claims is None:
        return json_answer({"err": "no app token set"}, 400)
    return json_answer({"email": claims["email"], "user_uuid": claims["sub"], "iat": claims["iat"]})


async def logout(account: Account, request: Request) -> Response:
    claims = await account.identity(request.cookies.get(_COOKIE, ""))
    if claims is not None:
        account.end_sessions(claims["email"])
    answer = page("You are logged out")
    answer.delete_cookie(_COOKIE)
    return answer

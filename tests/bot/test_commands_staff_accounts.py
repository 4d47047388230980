"""How the first administrator gets into the desk, and everybody after a lost phone."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.commands import staff, threads
from bot.config import Settings
from services import accounts
from services.errors import WrongSignIn
from tests.bot.at_the_terminal import execute, refusal

LINK = re.compile(r"^(?P<url>\S+)/desk/invitation/(?P<token>[\w-]{43})$")
PASSWORD = "rice fields in June"


def token_of(settings: Settings, said: str) -> str:
    """The token of the link, which stands in a line of its own."""
    link = LINK.match(said.splitlines()[-1])
    assert link is not None
    assert link["url"] == settings.public_url
    return link["token"]


async def choose(db: Any, token: str) -> None:
    async with db.new_session.begin() as session:
        await accounts.accept(session, token, PASSWORD, now=datetime.now(UTC))


async def sign_in(db: Any, username: str) -> accounts.Visitor | None:
    now = datetime.now(UTC)
    async with db.new_session.begin() as session:
        token = await accounts.sign_in(session, username, PASSWORD, device="", now=now)
        return await accounts.find_visitor(session, token, now=now)


async def test_the_first_administrator_gets_in_by_a_link(settings: Settings, db: Any) -> None:
    said = await staff.add(settings, "Sao", "administrator", None, "Sao.Admin")
    lines = said.splitlines()
    assert lines[0] == "Sao works here now."
    assert lines[1].startswith("Give this link to Sao (sao.admin) alone; it works once, until 20")
    await choose(db, token_of(settings, said))
    visitor = await sign_in(db, "sao.admin")
    assert visitor is not None
    assert (visitor.name, visitor.role, visitor.centre_id) == ("Sao", "administrator", None)


async def test_without_a_username_there_is_no_link(settings: Settings) -> None:
    assert await staff.add(settings, "Sok", "case-worker", "pursat") == "Sok works here now."
    said = await refusal(staff.invite(settings, "Sok"))
    assert said == "Sok has no username yet: --username USERNAME"
    assert token_of(settings, await staff.invite(settings, "sok", "sok"))


async def test_a_new_link_keeps_the_username_and_ends_the_old_link(
    settings: Settings, db: Any
) -> None:
    first = token_of(settings, await staff.add(settings, "Sok", "case_worker", "pursat", "sok"))
    second = token_of(settings, await staff.invite(settings, "Sok"))
    now = datetime.now(UTC)
    async with db.new_session.begin() as session:
        assert await accounts.find_invited(session, first, now=now) is None
        invited = await accounts.find_invited(session, second, now=now)
    assert invited is not None
    assert invited.username == "sok"


async def test_a_lost_phone_is_forgotten_when_that_is_asked_for(
    settings: Settings, db: Any
) -> None:
    await choose(
        db, token_of(settings, await staff.add(settings, "Sok", "case_worker", "pursat", "sok"))
    )
    await execute(db, "UPDATE account SET used_step = 1")
    await staff.invite(settings, "Sok")
    kept = "SELECT used_step, password_hash IS NOT NULL FROM account"
    assert tuple((await execute(db, kept)).one()) == (1, True)
    said = await staff.invite(settings, "Sok", reset=True)
    assert tuple((await execute(db, kept)).one()) == (None, False)
    await choose(db, token_of(settings, said))
    assert await sign_in(db, "sok") is not None


async def test_a_username_that_cannot_be_adds_nobody(settings: Settings) -> None:
    await staff.add(settings, "Sok", "case_worker", "pursat", "sok")
    taken = staff.add(settings, "Chan", "case_worker", "pursat", "SOK")
    assert await refusal(taken) == "somebody else has this username"
    wrong = staff.add(settings, "Chan", "case_worker", "pursat", "no spaces")
    assert (await refusal(wrong)).startswith("this cannot be a username: 3 to 32 small Latin")
    assert "Chan" not in await staff.list_staff(settings, with_ended=True)


async def test_the_audit_knows_that_the_machine_invited(settings: Settings, db: Any) -> None:
    await staff.add(settings, "Sok", "case_worker", "pursat", "sok")
    found = await execute(db, "SELECT actor, actor_id FROM audit WHERE action = 'invited'")
    assert [tuple(row) for row in found] == [("system", None)]


async def test_role_and_centre_change(settings: Settings, db: Any) -> None:
    await staff.add(settings, "Sok", "case_worker", "pursat", "sok")
    said = await staff.change(settings, "Sok", "centre-manager", None)
    assert said == "Sok is now: centre manager, pursat. They are signed out of the desk."
    assert "preah-vihear." in await staff.change(settings, "Sok", None, "preah-vihear")
    for role in ("auditor", "administrator"):
        tied = staff.change(settings, "Sok", role, "pursat")
        assert "auditors work for all centres" in await refusal(tied)
        tied = staff.add(settings, "Chan", role, "pursat")
        assert "auditors work for all centres" in await refusal(tied)
    assert "auditor, all centres." in await staff.change(settings, "Sok", "auditor", None)
    assert "auditor, all centres." in await staff.change(settings, "Sok", None, "all")
    assert "no such role" in await refusal(staff.change(settings, "Sok", "king", None))
    assert "no such centre" in await refusal(staff.change(settings, "Sok", None, "moon"))
    assert "the other roles for one" in await refusal(
        staff.change(settings, "Sok", "case_worker", None)
    )
    assert "nobody of this name" in await refusal(staff.change(settings, "Chan", None, None))


async def test_the_last_administrator_stays_unless_it_is_meant(settings: Settings) -> None:
    await staff.add(settings, "Sao", "administrator", None)
    for work in (staff.end(settings, "Sao"), staff.change(settings, "Sao", "auditor", None)):
        told = await refusal(work)
        assert told.startswith("Sao is the last administrator")
        assert "staff add NAME --role administrator --username USERNAME" in told
    await staff.add(settings, "Chan", "administrator", None)
    assert "auditor, all centres." in await staff.change(settings, "Sao", "auditor", None)
    assert await staff.end(settings, "Sao") == "Sao works here no more."
    assert await staff.end(settings, "Chan", force=True) == "Chan works here no more."


async def test_requests_of_who_leaves_are_given_back(settings: Settings, code: str) -> None:
    await staff.add(settings, "Dara", "case_worker", "pursat")
    await threads.take(settings, code, "Dara")
    moved = await staff.change(settings, "Dara", None, "preah-vihear")
    assert moved.endswith("Given back to their centres, for anybody to take: 1")
    await staff.add(settings, "Chan", "case_worker", "pursat")
    await threads.take(settings, code, "Chan")
    assert (await staff.end(settings, "Chan")).endswith("for anybody to take: 1")
    assert (await staff.end(settings, "Dara")) == "Dara works here no more."


async def test_who_left_is_taken_up_again_and_needs_a_new_link(settings: Settings, db: Any) -> None:
    await choose(db, token_of(settings, await staff.add(settings, "Sok", "auditor", None, "sok")))
    assert "nobody of this name has left" in await refusal(staff.take_up(settings, "Sok"))
    await staff.end(settings, "Sok")
    said = await staff.take_up(settings, " sok ")
    assert said.startswith("Sok works here again: auditor, all centres.")
    assert said.endswith('python -m bot staff invite "Sok"')
    with pytest.raises(WrongSignIn):
        await sign_in(db, "sok")
    await choose(db, token_of(settings, await staff.invite(settings, "Sok")))
    assert await sign_in(db, "sok") is not None


async def test_nobody_is_taken_up_whose_name_somebody_else_has_by_now(settings: Settings) -> None:
    await staff.add(settings, "Sok", "auditor", None)
    await staff.end(settings, "Sok")
    await staff.add(settings, "SOK", "case_worker", "pursat")
    assert "works here already" in await refusal(staff.take_up(settings, "Sok"))

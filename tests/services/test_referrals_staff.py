"""Staff refer somebody: asked, agreed to, handed over, answered. Nothing leaves before the yes."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from db.crypto import current_keyring
from db.models import Referral, Staff
from services import addresses, consent, requests, threads
from services.errors import MoveNotAllowed, RequestNotFound, UnusableForm
from services.referrals import own, reading
from services.referrals.asking import Told
from services.referrals.errors import NotGivable, ReferralNotFound
from tests.services.centre_at_work import FRIDAY, kinds_of, outbox
from tests.services.desk_visitors import NAME, PHONE, ask, audited, register, see_as, visit
from tests.services.referred import (
    NEED,
    TODAY,
    TOLD,
    address_of,
    agency_of,
    agreed,
    asked,
    begin,
    do,
    make_agency,
    only_referral,
    wanted,
)

DAY = timedelta(days=1)


async def _faults(session: AsyncSession, **changed: Any) -> dict[str, str]:
    visitor, request = await visit(session), await ask(session)
    agency = await make_agency(session)
    with pytest.raises(UnusableForm) as raised:
        await begin(session, visitor, request, wanted(agency, **changed))
    assert (await session.scalars(select(Referral))).all() == []
    return raised.value.faults


async def test_the_person_is_asked_and_it_is_their_turn(session: AsyncSession) -> None:
    _, request, referral = await asked(session)
    assert (referral.state, referral.consent, referral.agreed_at) == ("asked", None, None)
    assert (request.state, request.due_at) == ("waiting_person", None)
    assert (await kinds_of(session, request))[-1] == "referral_asked"
    sent = (await outbox(session))[-1]
    assert (sent.purpose, sent.state) == ("follow_up", "waiting")
    assert (await audited(session))[-1] == (
        "referral_asked",
        "referral",
        str(referral.id),
        ["name", "phone", "need"],
    )


async def test_a_yes_that_staff_were_told_is_kept_with_its_day(session: AsyncSession) -> None:
    _, request, referral = await agreed(session)
    assert (referral.state, referral.consent) == ("agreed", "told")
    assert referral.consent_note is not None
    assert Told.of(referral.consent_note) == TOLD
    assert (await kinds_of(session, request))[-1] == "referral_agreed"
    assert [row.purpose for row in await outbox(session)] == []


@pytest.mark.parametrize(
    ("changed", "faults"),
    [
        ({"purpose": ""}, {"purpose": "missing"}),
        ({"purpose": "politics"}, {"purpose": "unknown"}),
        ({"shared": ("name",)}, {"shared": "no_way"}),
        ({"shared": ()}, {"shared": "no_way"}),
        ({"shared": ("phone", "salary")}, {"shared": "unknown"}),
        ({"need": " "}, {"need": "missing"}),
        ({"need": "x" * 101}, {"need": "long"}),
        ({"need": "x" * 501, "told": TOLD}, {"need": "long"}),
        ({"agency_id": 10**12}, {"agency": "unknown"}),
        ({"told": Told(None, "")}, {"told_on": "missing", "told_how": "missing"}),
        ({"told": Told(TODAY + DAY, "phone")}, {"told_on": "future"}),
        ({"told": Told(TODAY, "pigeon")}, {"told_how": "unknown"}),
        ({"told": Told(TODAY, "phone", "x" * 501)}, {"told_note": "long"}),
    ],
)
async def test_what_cannot_be_asked_says_why(
    session: AsyncSession, changed: dict[str, Any], faults: dict[str, str]
) -> None:
    assert await _faults(session, **changed) == faults


async def test_nothing_need_be_shared_when_the_agency_answers_us(session: AsyncSession) -> None:
    visitor, request = await visit(session), await ask(session)
    agency = await make_agency(session)
    await begin(session, visitor, request, wanted(agency, shared=(), through_us=True))
    assert (await only_referral(session)).shared == []


async def test_what_nobody_told_cannot_be_shared(session: AsyncSession) -> None:
    visitor = await visit(session)
    from_stranger = await requests.ask_for_call(
        session, await addresses.get_or_create(session, "telegram", "77", now=FRIDAY), now=FRIDAY
    )
    agency = await make_agency(session)
    for shared in (("phone",), ("name",), ("age",), ("home",)):
        with pytest.raises(UnusableForm):
            asked = wanted(agency, shared=shared, through_us=True)
            await begin(session, visitor, from_stranger, asked)


async def test_a_sensitive_agency_is_asked_about_in_no_message(session: AsyncSession) -> None:
    visitor, request = await visit(session), await ask(session)
    agency = await make_agency(session, is_sensitive=True)
    with pytest.raises(UnusableForm) as raised:
        await begin(session, visitor, request, wanted(agency))
    assert raised.value.faults == {"consent": "sensitive"}
    await begin(session, visitor, request, wanted(agency, told=TOLD))
    done = await do(session, visitor, request, await only_referral(session), "give")
    assert not done.is_told
    assert await outbox(session) == []


async def test_who_said_stop_is_not_asked_and_nothing_is_kept(session: AsyncSession) -> None:
    visitor, request = await visit(session), await ask(session)
    await addresses.stop(session, request.address_id, now=FRIDAY)
    agency = await make_agency(session)
    with pytest.raises(UnusableForm) as raised:
        async with session.begin_nested():
            await begin(session, visitor, request, wanted(agency))
    assert raised.value.faults == {"consent": "stopped"}
    assert (await session.scalars(select(Referral))).all() == []


async def test_on_a_shared_phone_the_message_asks_nothing(session: AsyncSession) -> None:
    visitor, request = await visit(session), await ask(session)
    await addresses.set_shared(session, request.address_id, True)
    await begin(session, visitor, request, wanted(await make_agency(session)))
    body = current_keyring().decrypt((await outbox(session))[-1].body).decode()
    assert "neutral" in body
    assert "Job Centre" not in body
    assert "reply_markup" not in body


async def test_a_form_that_comes_twice_asks_once(session: AsyncSession) -> None:
    visitor, request, referral = await asked(session)
    again = await begin(session, visitor, request, wanted(await agency_of(session, referral)))
    assert again.again
    assert len((await session.scalars(select(Referral))).all()) == 1
    assert len(await outbox(session)) == 1


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({}, {"need": "ការងារកាត់ដេរ"}),
        ({"told": TOLD}, {"told": TOLD, "need": "ការងារកាត់ដេរ"}),
        ({"told": TOLD}, {"told": Told(TODAY, "in_person")}),
    ],
)
async def test_other_words_from_the_same_page_are_not_lost(
    session: AsyncSession, first: dict[str, Any], then: dict[str, Any]
) -> None:
    """Whoever goes back to mend them sends the same page again."""
    visitor, request = await visit(session), await ask(session)
    agency = await make_agency(session)
    await begin(session, visitor, request, wanted(agency, **first))
    assert not (await begin(session, visitor, request, wanted(agency, **then))).again
    assert (await only_referral(session)).need == then.get("need", NEED)
    for form in (then, first):
        assert (await begin(session, visitor, request, wanted(agency, **form))).again


async def test_other_words_are_another_question_and_the_old_one_is_void(
    session: AsyncSession,
) -> None:
    visitor, request, old = await asked(session)
    changed = wanted(await agency_of(session, old), shared=("phone",))
    await begin(session, visitor, request, changed)
    new = await only_referral(session)
    await session.refresh(old)
    assert (old.state, new.state, new.shared) == ("ended", "asked", ["phone"])
    assert [row.state for row in await outbox(session)] == ["withheld", "waiting"]
    address = await address_of(session, request)
    assert (await own.answer(session, address, old.id, True, now=FRIDAY)).state == "ended"


async def test_nothing_is_given_before_the_yes(session: AsyncSession) -> None:
    visitor, request, referral = await asked(session)
    with pytest.raises(MoveNotAllowed):
        await do(session, visitor, request, referral, "give")
    with pytest.raises(NotGivable):
        await reading.get_sheet(session, visitor, request.code, referral.id, now=FRIDAY)
    [line] = await reading.list_of(session, request, now=FRIDAY)
    assert line.steps == {"told", "end"}


async def test_from_the_yes_to_the_agencys_answer(session: AsyncSession) -> None:
    visitor, request, referral = await agreed(session)
    given = await do(session, visitor, request, referral, "give")
    assert given.is_told
    assert (referral.state, referral.given_at) == ("given", FRIDAY)
    assert (request.state, request.due_at) == ("waiting_others", None)
    await do(session, visitor, request, referral, "accept")
    assert referral.answer == "Ms Sok calls on Monday"
    assert request.state == "taken"
    assert request.due_at is not None, "somebody must tell the person"
    await do(session, visitor, request, referral, "finish")
    [line] = await reading.list_of(session, request, now=FRIDAY)
    assert (line.state, line.result, line.steps) == ("done", "reached", frozenset({"end"}))
    kinds = await kinds_of(session, request)
    assert kinds[-4:] == [
        "referral_agreed",
        "referral_given",
        "referral_accepted",
        "referral_done",
    ]


async def test_an_agency_that_declines_gives_the_turn_back(session: AsyncSession) -> None:
    visitor, request, referral = await agreed(session)
    await do(session, visitor, request, referral, "give")
    await do(session, visitor, request, referral, "decline")
    assert (referral.state, referral.answer, request.state) == ("declined", "no room", "taken")
    assert request.due_at is not None


async def test_each_step_is_done_once(session: AsyncSession) -> None:
    visitor, request, referral = await agreed(session)
    for name in ("give", "accept", "finish"):
        assert not (await do(session, visitor, request, referral, name)).again
        assert (await do(session, visitor, request, referral, name)).again
    assert (await do(session, visitor, request, referral, "give")).again
    assert len(await outbox(session)) == 1


async def test_of_two_at_once_the_second_is_told(session: AsyncSession) -> None:
    visitor, request, referral = await agreed(session)
    other = await visit(session, "Sao")
    await do(session, visitor, request, referral, "give")
    with pytest.raises(MoveNotAllowed):
        await do(session, other, request, referral, "give")


@pytest.mark.parametrize(
    ("name", "step", "faults"),
    [
        ("give", {"on": None, "how": ""}, {"on": "missing", "how": "missing"}),
        ("give", {"on": TODAY + DAY, "how": "pigeon"}, {"on": "future", "how": "unknown"}),
        ("give", {"on": TODAY - DAY}, {"on": "before_yes"}),
    ],
)
async def test_a_step_that_cannot_be_says_why(
    session: AsyncSession, name: str, step: dict[str, Any], faults: dict[str, str]
) -> None:
    visitor, request, referral = await agreed(session)
    with pytest.raises(UnusableForm) as raised:
        await do(session, visitor, request, referral, name, **step)
    assert raised.value.faults == faults
    assert referral.state == "agreed"


async def test_answers_need_words_and_results_that_there_are(session: AsyncSession) -> None:
    visitor, request, referral = await agreed(session)
    await do(session, visitor, request, referral, "give")
    for name, step in (("accept", {"text": " "}), ("finish", {"result": "happy"})):
        with pytest.raises(UnusableForm):
            await do(session, visitor, request, referral, name, **step)
    assert referral.state == "given"


async def test_a_yes_to_one_agency_is_none_to_what_took_its_place(session: AsyncSession) -> None:
    visitor, request, referral = await agreed(session)
    agency = await agency_of(session, referral)
    agency.name_km = "ការិយាល័យការងារ"
    await session.flush()
    await reading.get_sheet(session, visitor, request.code, referral.id, now=FRIDAY)
    agency.name_en = "Recruiters Ltd."
    await session.flush()
    with pytest.raises(NotGivable) as raised:
        await do(session, visitor, request, referral, "give")
    assert raised.value.reason == "agency_changed"


async def test_the_sheet_tells_what_was_agreed_to_and_nothing_else(session: AsyncSession) -> None:
    visitor, request, referral = await agreed(session)
    sheet = await reading.get_sheet(session, visitor, request.code, referral.id, now=FRIDAY)
    assert dict(sheet.told) == {"name": NAME, "phone": "012 345 678", "need": NEED}
    assert (await audited(session))[-1] == (
        "read",
        "referral",
        str(referral.id),
        ["name", "phone", "need"],
    )


async def test_the_form_shows_what_is_known_with_dots(session: AsyncSession) -> None:
    visitor, request = await visit(session), await ask(session)
    await make_agency(session)
    await see_as(session, visitor)
    form = await reading.get_form(session, visitor, request.code, "", now=FRIDAY)
    assert set(form.known) == {"name", "phone", "age", "sex", "home"}
    assert NAME not in str(form.known.values())
    assert PHONE[-6:] not in str(form.known.values())


async def test_the_form_names_the_day_of_a_no_as_it_is_in_cambodia(session: AsyncSession) -> None:
    visitor, request = await visit(session), await ask(session)
    address = await address_of(session, request)
    just_after_midnight = FRIDAY.replace(hour=17)
    await consent.record(session, address, consent.SHARING, False, "p", now=just_after_midnight)
    form = await reading.get_form(session, visitor, request.code, "", now=FRIDAY)
    assert form.refused_on == TODAY + DAY


async def test_another_centre_finds_nothing(session: AsyncSession) -> None:
    _, request, referral = await asked(session)
    await see_as(session, other := await visit(session, "Sao", "case_worker", "preah-vihear"))
    with pytest.raises(RequestNotFound):
        await do(session, other, request, referral, "end")
    with pytest.raises(RequestNotFound):
        await reading.get_form(session, other, request.code, "", now=FRIDAY)
    assert (await session.scalars(select(Referral.id))).all() == []


async def test_a_referral_of_another_request_is_not_found(session: AsyncSession) -> None:
    visitor, _, referral = await asked(session)
    elsewhere = await ask(session, await register(session, "+85512999888"))
    with pytest.raises(ReferralNotFound):
        await do(session, visitor, elsewhere, referral, "end")


async def test_what_was_asked_goes_along_to_the_other_centre(session: AsyncSession) -> None:
    visitor, request, referral = await asked(session)
    await see_as(session, await visit(session, "All", "administrator", None))
    await threads.hand_over(
        session,
        request.code,
        "preah-vihear",
        staff=await session.get_one(Staff, visitor.staff_id),
        now=FRIDAY,
    )
    await session.refresh(referral)
    assert referral.centre_id == "preah-vihear"
    address = await address_of(session, request)
    await own.answer(session, address, referral.id, True, now=FRIDAY)
    other = await visit(session, "Sao", "case_worker", "preah-vihear")
    await see_as(session, other)
    await do(session, other, request, referral, "give")
    assert referral.state == "given"


async def test_staff_end_it_and_the_question_is_void(session: AsyncSession) -> None:
    visitor, request, referral = await asked(session)
    await do(session, visitor, request, referral, "end")
    assert (referral.state, request.state) == ("ended", "taken")
    assert [row.state for row in await outbox(session)] == ["withheld"]

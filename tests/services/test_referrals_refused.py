"""A yes and a no to being referred: the later of the two counts."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from db.models import Address, Referral
from services import consent, taking_back
from services.errors import UnusableForm
from services.referrals import own, reading
from services.referrals.asking import Told
from services.referrals.errors import NotGivable
from tests.services.centre_at_work import FRIDAY, events_of
from tests.services.desk_visitors import ask, see_as, visit
from tests.services.referred import (
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


async def test_a_yes_older_than_a_no_counts_no_more(session: AsyncSession) -> None:
    visitor, request = await visit(session), await ask(session)
    address = await address_of(session, request)
    refused = FRIDAY + timedelta(minutes=-1)
    await consent.record(session, address, consent.SHARING, False, "purposes-2", now=refused)
    agency = await make_agency(session)
    with pytest.raises(UnusableForm) as raised:
        earlier = Told(TODAY - DAY, "phone")
        await begin(session, visitor, request, wanted(agency, told=earlier))
    assert raised.value.faults == {"told_on": "refused_since"}
    await begin(session, visitor, request, wanted(agency, told=TOLD))
    await do(session, visitor, request, await only_referral(session), "give")


async def _refuse(session: AsyncSession, address: Address, referral: Referral) -> None:
    await own.answer(session, address, referral.id, False, now=FRIDAY)


async def _stop(session: AsyncSession, address: Address, referral: Referral) -> None:
    await taking_back.stop(session, address.id, now=FRIDAY)


async def _take_back(session: AsyncSession, address: Address, referral: Referral) -> None:
    for agrees in (True, False):
        await own.answer(session, address, referral.id, agrees, now=FRIDAY)


@pytest.mark.parametrize("say_no", [_refuse, _stop, _take_back])
async def test_a_yes_older_than_a_no_to_this_very_agency_counts_no_more(
    session: AsyncSession, say_no: Callable[[AsyncSession, Address, Referral], Awaitable[None]]
) -> None:
    visitor, request, referral = await asked(session)
    await say_no(session, await address_of(session, request), referral)
    agency = await agency_of(session, referral)
    with pytest.raises(UnusableForm) as raised:
        earlier = Told(TODAY - DAY, "phone")
        await begin(session, visitor, request, wanted(agency, told=earlier))
    assert raised.value.faults == {"told_on": "refused_since"}
    await begin(session, visitor, request, wanted(agency, told=TOLD))
    assert (await only_referral(session)).state == "agreed"


async def test_a_no_to_one_agency_is_none_to_another(session: AsyncSession) -> None:
    visitor, request, referral = await asked(session)
    await _refuse(session, await address_of(session, request), referral)
    other = await make_agency(session, "Shelter")
    earlier = Told(TODAY - DAY, "phone")
    await begin(session, visitor, request, wanted(other, told=earlier))
    assert (await only_referral(session)).state == "agreed"


async def test_a_no_after_the_yes_closes_the_gate(session: AsyncSession) -> None:
    visitor, request, referral = await agreed(session)
    later = FRIDAY + timedelta(minutes=1)
    address = await address_of(session, request)
    await see_as(session, await visit(session, "All", "administrator", None))
    await consent.record(session, address, consent.SHARING, False, "purposes-2", now=later)
    await see_as(session, visitor)
    with pytest.raises(NotGivable) as raised:
        await do(session, visitor, request, referral, "give")
    assert raised.value.reason == "taken_back"
    [line] = await reading.list_of(session, request, now=FRIDAY)
    assert "give" not in line.steps


@pytest.mark.parametrize("say_no", [_refuse, _take_back])
async def test_who_said_no_to_an_agency_is_asked_again_only_if_they_want_to_be(
    session: AsyncSession, say_no: Callable[[AsyncSession, Address, Referral], Awaitable[None]]
) -> None:
    visitor, request, referral = await asked(session)
    await say_no(session, await address_of(session, request), referral)
    agency = await agency_of(session, referral)
    form = await reading.get_form(session, visitor, request.code, "work", now=FRIDAY)
    assert form.refused_agencies == {agency.id: TODAY}
    with pytest.raises(UnusableForm) as raised:
        await begin(session, visitor, request, wanted(agency), seen=form.seen)
    assert raised.value.faults == {"asked_again": "refused_before"}
    again = wanted(agency, asked_again=True)
    assert (await begin(session, visitor, request, again, seen=form.seen)).is_asked
    event = (await events_of(session, request))[-1]
    assert event.body is not None
    assert event.body["asked_again"] is True


async def test_stop_or_a_later_yes_is_no_such_no(session: AsyncSession) -> None:
    visitor, request, referral = await asked(session)
    address = await address_of(session, request)
    await _refuse(session, address, referral)
    agency = await agency_of(session, referral)
    await begin(session, visitor, request, wanted(agency, told=TOLD))
    await _stop(session, address, referral)
    form = await reading.get_form(session, visitor, request.code, "work", now=FRIDAY)
    assert form.refused_agencies == {}

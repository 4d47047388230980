"""The page of everything that is kept says who was told what, and names nobody who is sensitive."""

import re

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from bot.my_data_page import render_my_data
from locales.catalogue import LANGUAGES, load_catalogue
from services import my_data
from services.referrals.asking import Told
from tests.services.centre_at_work import FRIDAY
from tests.services.desk_visitors import ask, visit
from tests.services.referred import (
    NEED,
    TODAY,
    address_of,
    begin,
    do,
    make_agency,
    only_referral,
    wanted,
)

SECRET = "she asked her sister"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("is_sensitive", [False, True])
async def test_who_was_told_what_stands_in_it(
    session: AsyncSession, language: str, is_sensitive: bool
) -> None:
    visitor, request = await visit(session), await ask(session)
    agency = await make_agency(session, is_sensitive=is_sensitive)
    await begin(session, visitor, request, wanted(agency, told=Told(TODAY, "phone", SECRET)))
    await do(session, visitor, request, await only_referral(session), "give")
    data = await my_data.collect(session, await address_of(session, request))
    catalogue = load_catalogue()
    page = render_my_data(data, language, catalogue, {}, now=FRIDAY).decode()
    for key in ("page-passed-on", "refer-field-phone", "event-referral_given"):
        assert catalogue.text(key, language) in page
    assert (agency.name_en in page) is not is_sensitive
    assert (NEED in page) is not is_sensitive
    assert SECRET not in page
    assert not re.search(r"[{}]", page.split("</style>")[-1])

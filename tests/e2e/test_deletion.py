"""Who deletes everything leaves nothing behind: not in a dump, not in Redis, not among the files.

Stock is taken before she came, while she was there, and after she left. Row by row the last must be
the first, but for audit rows with ids, and for the code under which an agency knows her until that
was asked to delete what it has.
"""

import io
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from PIL import Image
from sqlalchemy import delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.bootstrap import App
from bot.standing_key import standing_key
from db.models import Address, Agency, File, InboxRow, OutboxRow, Recall, Referral, Request
from services import (
    addresses,
    consent,
    files,
    inbox,
    messages,
    my_data,
    purge,
    registration,
    staff,
    threads,
)
from services.contact_policy import Purpose
from services.direct import direct_connection
from services.office_hours import day_of
from services.referrals import asking_back
from tests.dialogs.walk import walk_to, words
from tests.e2e.all_that_is_kept import Stock, dump, tables, take_stock, traces
from tests.people import NOW, Line, open_line
from tests.registered import come_and_register
from tests.served_app import make_app
from tests.services.centre_at_work import PlainWords
from tests.services.desk_visitors import at_desk
from tests.services.referred import make_agency
from tests.support import Database, driver_of, save_draft

CHAT, NUMBER = 500, "+85512345678"
SAID = "ខ្ញុំត្រូវការលិខិតឆ្លងដែន"
# Where she leaves something; that the dump sees all of it makes the emptiness afterwards a proof.
TOUCHED = {
    "address",
    "audit",
    "consent",
    "draft",
    "file",
    "inbox",
    "outbox",
    "person",
    "person_name",
    "procrastinate_events",
    "procrastinate_jobs",
    "profile",
    "question",
    "referral",
    "request",
    "request_event",
}


@pytest.fixture
async def app(db: Database, redis_url: str) -> AsyncIterator[App]:
    async with make_app(db.engine, redis_url, database_url=db.url) as app:
        yield app


@pytest.fixture
def line(app: App) -> Line:
    return open_line(app)


# A life on the line


async def tell_agency(app: App, now: datetime) -> None:
    """Somebody asks the agency to delete what it has; in time that is forgotten too."""
    async with app.new_session.begin() as session:
        dara = at_desk(await staff.get_by_name(session, "Dara"))
        recall = (await session.scalars(select(Recall).where(Recall.done_at.is_(None)))).one()
        assert await asking_back.tell(session, dara, recall.id, day_of(now), "phone", now=now)
        later = now + timedelta(days=91)
        assert await purge.purge(session, "agencies told of what is deleted", now=later) == 1


async def live(app: App, chat_id: int, number: str, now: datetime) -> None:
    """Somebody registers, asks, sends a photo, is answered, has a second phone, and says STOP."""
    async with app.new_session.begin() as session:
        address, _ = await come_and_register(session, str(chat_id), now)
        await registration.begin_correction(session, address)
        phone = await addresses.get_or_create(session, "sms", number, now=now)
        await addresses.touch(session, phone, now=now)
        phone.person_id = address.person_id
        await consent.set_purposes(session, phone, {"news"}, wording_version="1", now=now)
        await session.flush()
        request = await threads.talk(session, address, SAID, now=now)
        await threads.attach_file(session, address, "photo", "AgACAgUAAx", now=now, caption="រូប")
        code = request.code
    await _keep_photo(app, chat_id)
    async with app.new_session.begin() as session:
        await _answer(session, code, now)
    async with app.new_session.begin() as session:
        await _leave_messages(session, address, phone, now)
        await addresses.set_shared(session, address.id, True)
        await addresses.stop(session, phone.id, now=now)


async def _keep_photo(app: App, chat_id: int) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (32, 32), (chat_id % 256, 0, 0)).save(picture, "JPEG")
    async with app.new_session.begin() as session:
        waiting = (await session.scalars(select(File.id).where(File.state == "waiting"))).one()
        assert await files.keep(session, app.files, waiting, picture.getvalue())


async def _answer(session: AsyncSession, code: str, now: datetime) -> None:
    """A member of staff replies, notes, refers, and asks whether help came; one message has
    arrived."""
    writer = await staff.get_by_name(session, "Dara")
    words = PlainWords()
    await threads.reply(session, code, "សួស្ដី", staff=writer, words=words, now=now)
    await session.execute(
        update(OutboxRow)
        .where(OutboxRow.state == "waiting")
        .values(state="delivered", provider_id=f"SM-{code}", sent_at=now)
    )
    await threads.add_note(session, code, "a note", staff=writer, now=now)
    await _refer(session, code, writer.id, now)
    await threads.finish(session, code, "helped", staff=writer, words=words, now=now)


async def _refer(session: AsyncSession, code: str, by: UUID, now: datetime) -> None:
    """An agency has got what it was agreed that it may know."""
    request = (await session.scalars(select(Request).where(Request.code == code))).one()
    session.add(
        Referral(
            request_id=request.id,
            centre_id=request.centre_id,
            agency_id=(await session.scalars(select(Agency.id))).one(),
            purpose="work",
            shared=["name", "phone", "need"],
            need=SAID,
            state="given",
            consent="told",
            consent_note='{"on": "2026-11-20", "how": "phone", "note": ""}',
            agreed_at=now,
            given_at=now,
            answer=SAID,
            made_by=by,
            created_at=now,
            updated_at=now,
        )
    )
    await session.flush()


async def _leave_messages(
    session: AsyncSession, address: Address, phone: Address, now: datetime
) -> None:
    """What came in was handled or failed; something waits to be sent, and a form to go on."""
    driver = await driver_of(session)
    for one in (address, phone):
        for state, column in (("done", InboxRow.done_at), ("failed", InboxRow.failed_at)):
            provider_id = f"{state}-{one.id}"
            await inbox.store(driver, one.channel, provider_id, one.value, b"{}")
            ended = update(InboxRow).where(InboxRow.provider_id == provider_id)
            await session.execute(ended.values({column: now}))
    await messages.send(session, phone, Purpose.REPLY, "ចម្លើយ", now=now, neutral_text="x")
    await save_draft(session, phone.id, "other", {"said": SAID})


async def speak(line: Line, chat_id: int, number: str) -> None:
    """So that Redis knows where both of them stand."""
    await line.person(chat_id).write("/start")
    await line.phone(number).send("សួស្ដី")


# Leaving


async def delete_by_sms(app: App, number: str, now: datetime) -> int:
    """The SMS that confirms is handled: its answer is promised as it is done."""
    async with direct_connection(app.engine) as connection:
        await inbox.store(connection, "sms", "SM-delete", number, b"{}")
        async with app.new_session.begin() as session:
            phone = await addresses.find(session, "sms", number)
            assert phone is not None
            key = phone.value_index
            claimed = await inbox.claim(connection, key)
            assert claimed is not None
            await my_data.delete_everything(session, phone, now=now)
        answer = inbox.OutgoingSms(phone.id, "លុបហើយ", "dialog", f"answer:{claimed.id}")
        await inbox.finish(connection, key, claimed.id, [answer], go_on=False)
    return phone.id


async def forget(app: App, now: datetime) -> int:
    async def forget_standing(address_key: bytes) -> None:
        await app.redis.delete(standing_key(app.keyring, address_key))

    async with app.new_session.begin() as session:
        return await my_data.forget_addresses(session, now, forget_standing=forget_standing)


async def send_answers(app: App) -> None:
    """What waits leaves, as the delivery worker would have it."""
    async with app.new_session.begin() as session:
        await session.execute(
            update(OutboxRow).where(OutboxRow.state == "waiting").values(state="sent")
        )


async def run_jobs(app: App) -> None:
    """Files go; the job library's worker deletes each job that has succeeded."""
    async with app.new_session.begin() as session:
        query = "SELECT args FROM procrastinate_jobs WHERE task_name = 'delete_files'"
        for arguments in (await session.scalars(text(query))).all():
            await app.files.delete(arguments["names"])
        await session.execute(text("DELETE FROM procrastinate_jobs"))


@pytest.fixture
async def before(app: App, line: Line) -> Stock:
    """Somebody else lives here already, and somebody works here."""
    now = datetime.now(UTC)
    async with app.new_session.begin() as session:
        await staff.add(session, "Dara", "case_worker", "oddar-meanchey", now=now)
        await make_agency(session)
    await speak(line, 77, "+85512999888")
    await live(app, 77, "+85512999888", now)
    await run_jobs(app)
    async with app.new_session.begin() as session:
        await session.execute(delete(OutboxRow).where(OutboxRow.state == "waiting"))
    return await take_stock(app)


async def test_nothing_remains_but_audit_ids(app: App, line: Line, before: Stock) -> None:
    now = datetime.now(UTC)
    await speak(line, CHAT, NUMBER)
    await live(app, CHAT, NUMBER, now)
    during = await take_stock(app)
    async with app.new_session.begin() as session:
        address = await addresses.find(session, "telegram", str(CHAT))
        assert address is not None
        person_id = str(address.person_id)
        code = await session.scalar(
            select(Request.code).join(Referral).where(Request.person_id == address.person_id)
        )

    await delete_by_sms(app, NUMBER, now + timedelta(seconds=1))
    assert tables(during.rows - before.rows) == TOUCHED - {"audit"}
    assert len(during.redis) == len(before.redis) + 2
    assert len(during.files) == len(before.files) + 1

    # Her other address goes; the one that the answer leaves by stays until it has left.
    assert await forget(app, now + timedelta(minutes=5)) == 1
    await send_answers(app)
    assert await forget(app, now + timedelta(minutes=5)) == 1
    await run_jobs(app)

    after = await take_stock(app)
    assert before.rows - after.rows == Counter()
    left = after.rows - before.rows
    assert sorted(table for table, _ in left) == ["audit", "recall"]
    hers = traces(during.rows - before.rows) - traces(before.rows)
    assert traces(left) & hers == {person_id, code}
    assert after.redis == before.redis
    assert after.files == before.files

    await tell_agency(app, now + timedelta(days=1))
    left = await dump(app.settings.database_url) - before.rows
    assert tables(left) == {"audit"}
    assert traces(left) & hers == {person_id}


async def test_of_who_writes_again_only_the_address_is_known(
    app: App, line: Line, before: Stock
) -> None:
    now = datetime.now(UTC)
    await speak(line, CHAT, NUMBER)
    await live(app, CHAT, NUMBER, now)
    during = await take_stock(app)
    async with app.new_session.begin() as session:
        own = [await addresses.find(session, *one) for one in _owned()]
    phone_id = await delete_by_sms(app, NUMBER, datetime.now(UTC))
    await send_answers(app)

    again = datetime.now(UTC) + timedelta(minutes=1)
    async with app.new_session.begin() as session:
        phone = await session.get_one(Address, phone_id)
        await addresses.touch(session, phone, now=again)
        await consent.record(session, phone, consent.NEWS, True, "1", now=again)
        await inbox.store(await driver_of(session), "sms", "SM-again", NUMBER, b"{}")
    # What she has just sent is not read yet: only her other address goes.
    assert await forget(app, again + timedelta(hours=1)) == 1
    async with app.new_session.begin() as session:
        handled = update(InboxRow).where(InboxRow.provider_id == "SM-again")
        await session.execute(handled.values(done_at=again))
    assert await forget(app, again + timedelta(hours=1)) == 1
    await run_jobs(app)

    after = await take_stock(app)
    left = after.rows - before.rows
    assert tables(left) == {"address", "audit", "consent", "inbox", "outbox", "recall"}
    known = {f"x{one.value_index.hex()}" for one in own if one is not None}
    old = traces(during.rows) - traces(before.rows) - known
    traced = {table for table, row in left if traces(Counter([(table, row)])) & old}
    assert traced == {"address", "audit", "recall"}
    assert after.files == before.files


async def test_two_taps_on_delete_leave_no_more_than_one(app: App, line: Line) -> None:
    """The second one comes from an address that everything was deleted of."""
    person = await walk_to(line.person(CHAT), "Registration:done")
    await person.write("/mydata")
    await person.press(words(line, "data-delete"))
    data, message = person.data_of(words(line, "button-delete-all"))
    for _ in range(2):
        await person.press_data(data, message)
    assert await forget(app, NOW + timedelta(days=1)) == 1
    async with app.new_session() as session:
        assert await session.scalar(select(Address.id)) is None
    assert [key async for key in app.redis.scan_iter()] == []


def _owned() -> list[tuple[str, str]]:
    return [("telegram", str(CHAT)), ("sms", NUMBER)]

"""The staff's commands: what they print, what they change, and how they refuse."""

import asyncio
import inspect
import os
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from served_app import make_settings
from sqlalchemy import select

from bot.commands import queue, staff, threads
from bot.config import Settings
from db.crypto import current_keyring
from db.models import AuditRow, File, Request
from services import addresses, codes, demo, requests
from services import threads as service
from services.file_store import FileStore
from tests.bot.at_the_terminal import WORDS, execute, refusal
from tests.support import INSTALLATION

UNKNOWN = "10000004"


async def test_the_list_shows_what_is_open_and_how_long_there_is(
    settings: Settings, code: str
) -> None:
    listed = await queue.requests_table(settings, queue.Wanted())
    heading, *lines = listed.splitlines()
    assert heading.startswith("CODE")
    (line,) = [line for line in lines if code in line]
    assert line.split()[1:5] == ["0", "min", "new", "in"]
    overdue = await queue.requests_table(settings, queue.Wanted(overdue=True))
    assert code not in overdue


async def test_the_list_can_be_narrowed(settings: Settings, db: Any, code: str) -> None:
    await threads.take(settings, code, None)
    taken = await queue.requests_table(settings, queue.Wanted(state="taken"))
    assert code in taken
    assert len(taken.splitlines()) == 2
    nowhere = await refusal(queue.requests_table(settings, queue.Wanted(centre="nowhere")))
    assert nowhere.startswith("there is no such centre: take one of oddar-meanchey, ")
    lost = queue.Wanted(state="waiting_others")
    assert await queue.requests_table(settings, lost) == "No such request."
    assert "take one of new, taken" in await refusal(
        queue.requests_table(settings, queue.Wanted(state="lost"))
    )


async def test_a_closed_request_is_listed_when_it_is_asked_for(
    settings: Settings, code: str
) -> None:
    await threads.finish(settings, code, "helped", None)
    assert code not in await queue.requests_table(settings, queue.Wanted())
    assert code in await queue.requests_table(settings, queue.Wanted(closed_too=True))


async def test_the_thread_shows_words_of_both_and_what_became_of_them(
    settings: Settings, db: Any, request_: Request
) -> None:
    code = codes.display(request_.code)
    assert await threads.reply(settings, code, "យើងនឹងទូរស័ព្ទ", None) == "It is on its way."
    await threads.add_note(settings, code, "for colleagues\nonly", None)
    await execute(db, "UPDATE outbox SET state = 'uncertain'")
    shown = await threads.show_thread(settings, code)
    lines = shown.splitlines()
    assert lines[0].split(maxsplit=1) == ["request", code]
    assert any(WORDS in line and "person message" in line for line in lines)
    assert any("យើងនឹងទូរស័ព្ទ" in line and "may have arrived" in line for line in lines)
    assert any(line.endswith("for colleagues only") and "(internal)" in line for line in lines)


async def test_a_reply_that_may_not_be_sent_is_said_to_be_so(
    settings: Settings, db: Any, code: str
) -> None:
    await execute(db, "UPDATE address SET stopped_at = now() + interval '1 minute'")
    said = await threads.reply(settings, code, "words", None)
    assert said.startswith("Written down, but not sent")
    assert said.endswith("(stopped). The person: no number is known.")
    waits = await threads.wait(settings, code, "person", None)
    assert "(they said STOP): reach them in another way. The person: no number" in waits
    listed = await queue.requests_table(settings, queue.Wanted())
    assert any(code in line and "not sent" in line for line in listed.splitlines())
    done = await threads.finish(settings, code, "informed", None)
    assert done.startswith("Done; the person cannot be asked whether help came (stopped).")


async def test_whoever_asked_for_a_call_can_be_called(settings: Settings, db: Any) -> None:
    now = datetime.now(UTC)
    async with db.new_session.begin() as session:
        await demo.load(session, now=now)
        address = await addresses.get_or_create(session, "sms", "+85512345678", now=now)
        request = await requests.ask_for_call(session, address, now=now)
        await requests.add_phone_number(session, request.code, address, "+85599000111", now=now)
        await addresses.set_shared(session, address.id, True)
        await addresses.mark_blocked(session, address.id, now=now)
    shown = await threads.show_thread(settings, request.code)
    for fact in (
        ["person", "not registered"],
        ["channel", "sms"],
        ["number", "099 000 111 (left with the request)"],
        ["number", "012 345 678 (writes from it)"],
        ["shared phone", "yes"],
        ["blocked", "no message arrives there"],
    ):
        assert fact in _facts(shown)
    assert "phone number" in shown
    said = await threads.reply(settings, request.code, "words", None)
    assert said.endswith("099 000 111 (left with the request), 012 345 678 (writes from it).")


def _facts(shown: str) -> list[list[str]]:
    """What stands above the events: what, and what about it."""
    head, _, _ = shown.partition("\n\n")
    return [re.split(" {2,}", line, maxsplit=1) for line in head.splitlines()]


async def test_a_request_goes_from_hand_to_hand(settings: Settings, db: Any, code: str) -> None:
    shown = codes.display(code)
    await staff.add(settings, "Sokha", "administrator", None)
    await staff.add(settings, "Dara", "case_worker", "pursat")
    said = await threads.set_urgency(settings, code, "urgent", "Dara")
    assert said.startswith(f"{shown} is urgent now, an answer is due 20")
    assert "urgent, normal, low" in await refusal(threads.set_urgency(settings, code, "x", "Dara"))
    assert await threads.assign(settings, code, "Dara", "Sokha") == f"{shown} is Dara's now."
    assert "to: Dara" in await threads.show_thread(settings, code)
    await threads.finish(settings, code, "helped", "Dara")
    reopened = await threads.reopen(settings, code, "Dara")
    assert reopened.startswith(f"{shown} is open again, an answer is due 20")
    for reason, told in (("", "empty"), ("x", "in a few words why"), ("x" * 501, "501")):
        refused = threads.hand_over(settings, code, "preah-vihear", reason, "Dara")
        assert told in await refusal(refused)
    said = await threads.hand_over(settings, code, "preah-vihear", "her home", "Dara")
    assert said == f"{shown} is with preah-vihear now, for anybody there to take."
    assert "may not do that" in await refusal(threads.take(settings, code, "Dara"))
    assert "her home" in await threads.show_thread(settings, code)
    nowhere = threads.hand_over(settings, code, "x", "her home", "Sokha")
    assert "take one of oddar" in await refusal(nowhere)


async def test_the_list_says_since_when_an_answer_is_overdue_and_who_knows(
    settings: Settings, db: Any, code: str
) -> None:
    late = "UPDATE request SET due_at = '2026-11-20 09:00+07', climbed_to = 'manager'"
    await execute(db, f"{late} WHERE code = :code", code=code)
    listed = await queue.requests_table(settings, queue.Wanted(overdue=True))
    assert "overdue since 2026-11-20 09:00 (told: manager)" in listed


async def test_a_refused_file_says_what_it_was_and_why(
    settings: Settings, db: Any, request_: Request
) -> None:
    async with db.new_session.begin() as session:
        address = await addresses.get_or_create(
            session, "telegram", "4242424242", now=datetime.now(UTC)
        )
        now = datetime.now(UTC)
        await service.attach_file(session, address, "document", "x", code=request_.code, now=now)
    await execute(db, "UPDATE file SET state = 'refused', reason = 'too_big'")
    assert "[document, refused (too big): " in await threads.show_thread(settings, request_.code)


async def test_a_reply_that_is_too_long_is_refused_calmly(settings: Settings, code: str) -> None:
    assert (await refusal(threads.reply(settings, code, "x" * 5000, None))).startswith(
        "the message is too long: "
    )


async def test_work_on_a_request_is_told_step_by_step(settings: Settings, code: str) -> None:
    shown = codes.display(code)
    assert await threads.take(settings, code, None) == f"{shown} is yours."
    assert await threads.wait(settings, code, "person", None) == f"{shown} waits for the person."
    assert (await threads.finish(settings, code, "informed", None)).startswith("Done; the person")
    assert "state         done" in await threads.show_thread(settings, code)


async def test_a_wait_for_others_ends(settings: Settings, code: str) -> None:
    shown = codes.display(code)
    assert await threads.wait(settings, code, "others", None) == f"{shown} waits for others."
    assert await threads.take(settings, code, None) == f"{shown} is yours."
    said = await threads.go_on(settings, code, None)
    assert said.startswith(f"{shown} is worked on again, an answer is due ")
    assert "state         taken" in await threads.show_thread(settings, code)
    assert "a request that is taken" in await refusal(threads.go_on(settings, code, None))


async def test_refusals_are_one_calm_line(settings: Settings, code: str) -> None:
    await staff.add(settings, "Dara", "case_worker", "pursat")
    await staff.add(settings, "Sokha", "administrator", None)
    await staff.add(settings, "Chan", "auditor", None)
    assert await refusal(threads.take(settings, "12345678", "Dara")) == (
        "this is not a code of a request: eight digits, one of them a check"
    )
    assert "no request has this code" in await refusal(threads.show_thread(settings, UNKNOWN))
    assert "staff list" in await refusal(threads.take(settings, code, "Nobody"))
    assert "may not do that" in await refusal(threads.take(settings, code, "Chan"))
    await threads.take(settings, code, None)
    assert "has taken it already" in await refusal(threads.take(settings, code, "Dara"))
    assert "the text is empty" in await refusal(threads.reply(settings, code, "  ", None))
    assert "helped, informed" in await refusal(threads.finish(settings, code, "bored", None))
    assert "--for person" in await refusal(threads.wait(settings, code, "rain", None))
    await threads.finish(settings, code, "helped", None)
    assert "a request that is done" in await refusal(threads.wait(settings, code, "others", None))


async def test_administrators_work_on_what_they_answer_for_and_nothing_else(
    settings: Settings, db: Any, code: str
) -> None:
    await staff.add(settings, "Dara", "case_worker", "pursat")
    await staff.add(settings, "Sokha", "administrator", None)
    for refused in (
        threads.take(settings, code, "Sokha"),
        threads.show_thread(settings, code, "Sokha"),
        threads.reply(settings, code, "words", "Sokha"),
        threads.hand_over(settings, code, "preah-vihear", "her home", "Sokha"),
    ):
        assert await refusal(refused) == "this member of staff may not do that"
    async with db.new_session() as session:
        (noted,) = await session.scalars(select(AuditRow).where(AuditRow.action == "refused"))
        assert (noted.actor, noted.subject, noted.subject_id) == (
            *("staff", "request"),
            f"code:{code}",
        )
    await threads.assign(settings, code, "Sokha", "Dara")
    assert "owner         Sokha" in await threads.show_thread(settings, code, "Sokha")
    assert await threads.add_note(settings, code, "called", "Sokha")


async def test_with_a_real_token_whoever_acts_says_who_they_are(db: Any, code: str) -> None:
    real = make_settings(database_url=db.url)
    assert "--as NAME" in await refusal(threads.reply(real, code, "words", None))


async def test_staff_come_and_go(settings: Settings, db: Any) -> None:
    assert (await staff.list_staff(settings, with_ended=False)).startswith("Nobody works here")
    await staff.add(settings, "  Dara   Sok ", "centre-manager", "pursat")
    assert "already" in await refusal(staff.add(settings, "dara sok", "auditor", None))
    assert "pursat" in await refusal(staff.add(settings, "Chan", "case_worker", "moon"))
    roles = await refusal(staff.add(settings, "Chan", "king", None))
    assert roles.startswith("there is no such role: take one of case_worker, ")
    _, line = (await staff.list_staff(settings, with_ended=False)).splitlines()
    assert line.split()[:5] == ["Dara", "Sok", "centre", "manager", "pursat"]
    assert await staff.end(settings, "Dara Sok") == "Dara Sok works here no more."
    assert "Dara Sok" in await staff.list_staff(settings, with_ended=True)
    assert "Dara Sok" not in await staff.list_staff(settings, with_ended=False)


async def test_a_file_is_saved_for_who_may_see_it_and_the_look_is_written_down(
    settings: Settings, db: Any, request_: Request, tmp_path: Path
) -> None:
    name = await FileStore(settings.files_url, current_keyring(), INSTALLATION).put(b"a photo")
    async with db.new_session.begin() as session:
        file = File(
            request_id=request_.id,
            centre_id=request_.centre_id,
            address_id=request_.address_id,
            kind="photo",
            state="kept",
            stored_name=name,
            media_type="image/jpeg",
            size=7,
        )
        session.add(file)
    folder = tmp_path / "saved"
    folder.mkdir()
    await staff.add(settings, "Chan", "auditor", None)
    file_id = str(file.id)
    assert "may not" in await refusal(threads.save_file(settings, file_id, "Chan", folder))
    assert "not an id" in await refusal(threads.save_file(settings, "1", "Chan", folder))
    one = demo.staff_name(request_.centre_id)
    said = await threads.save_file(settings, file_id, one, folder)
    (saved,) = folder.iterdir()
    assert said.startswith(str(saved))
    assert saved.read_bytes() == b"a photo"
    assert saved.stat().st_mode & 0o777 == 0o600
    assert "cannot write" in await refusal(threads.save_file(settings, file_id, one, saved))
    async with db.new_session() as session:
        query = select(AuditRow).where(AuditRow.subject == "file")
        looks = (await session.scalars(query)).all()
    # The one that could not be written to the disk counts too: by then the file had been opened.
    assert [(look.action, look.subject_id) for look in looks] == [("read", file_id)] * 2


async def test_every_look_at_requests_is_written_down(
    settings: Settings, db: Any, request_: Request
) -> None:
    one = demo.staff_name(request_.centre_id)
    for name in (None, one):
        await threads.show_thread(settings, request_.code, name)
        await queue.requests_table(settings, queue.Wanted(), name)
    assert "staff list" in await refusal(threads.show_thread(settings, request_.code, "Nobody"))
    async with db.new_session() as session:
        query = select(AuditRow).where(AuditRow.subject == "request").order_by(AuditRow.id)
        looks = [
            (look.actor, look.actor_id is None, look.action, look.subject_id)
            for look in await session.scalars(query)
        ]
    own = str(request_.id)
    assert looks == [
        ("system", True, "read", own),
        ("system", True, "listed", None),
        ("staff", False, "read", own),
        ("staff", False, "listed", None),
    ]


# What each command that acts needs beside the request, and what the log calls it; in an order in
# which one request can go through all of them. A new one belongs here.
ACTS: dict[str, tuple[tuple[str, ...], str]] = {
    "take": ((), "taken"),
    "add_note": (("for colleagues",), "note"),
    "set_urgency": (("urgent",), "urgency"),
    "reply": (("Good morning",), "staff_message"),
    "wait": (("others",), "waiting_others"),
    "go_on": ((), "going_on"),
    "assign": (("Dara",), "assigned"),
    "finish": (("helped",), "done"),
    "reopen": ((), "reopened"),
    "hand_over": (("preah-vihear", "her home"), "handed_over"),
}
LOOKS = {"show_thread", "save_file"}


async def test_every_act_is_written_down_with_who_did_it(
    settings: Settings, db: Any, request_: Request
) -> None:
    commands = inspect.getmembers(threads, inspect.iscoroutinefunction)
    own = {name for name, one in commands if one.__module__ == threads.__name__}
    assert {name for name in own if not name.startswith("_")} == {*ACTS, *LOOKS}
    await staff.add(settings, "Dara", "case_worker", "pursat")
    known: set[int] = set()
    for name, (values, action) in ACTS.items():
        await getattr(threads, name)(settings, request_.code, *values, "Dara")
        async with db.new_session() as session:
            query = select(AuditRow).where(AuditRow.subject_id == str(request_.id))
            rows = {row.id: (row.actor, row.action) for row in await session.scalars(query)}
        new = [row for id_, row in rows.items() if id_ not in known]
        assert ("staff", action) in new, name
        known |= set(rows)


async def test_a_refusal_on_the_command_line_is_one_line_and_no_trace(
    db: Any, redis_url: str
) -> None:
    own = {
        "DATABASE_URL": db.url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": "secret of the tests",
        "ENCRYPTION_KEYS": "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=",
        "TELEGRAM_WEBHOOK_SECRET": "s",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "thread", UNKNOWN),
        env=os.environ | own,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, said = await process.communicate()
    assert (process.returncode, printed) == (1, b"")
    assert said.decode() == "tralob: no request has this code\n"

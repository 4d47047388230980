"""Which jobs there are, when the clock brings them, and how often each is tried."""

from collections.abc import Awaitable, Callable

from procrastinate import App, RetryStrategy
from procrastinate.connector import BaseConnector

from bot.jobs.work import MAX_TRIES, Work
from services import jobs

# A worker that was away at night still does in the morning what the night should have brought.
_MOST_DELAY_S = 24 * 3600.0
# Tried again after 10, 100, 1,000 and 10,000 seconds: three hours in all.
_RETRY = RetryStrategy(max_attempts=MAX_TRIES - 1, exponential_wait=10)

_EVERY_MINUTE = "* * * * *"
_EVERY_TEN_MINUTES = "*/10 * * * *"
_AT_NIGHT = "20 20 * * *"  # in UTC: 03:20 in Phnom Penh

ClockWork = Callable[[], Awaitable[None]]


def build_queue(connector: BaseConnector, work: Work) -> App:
    """The jobs by name, on a connector that need not be open yet."""
    queue = App(connector=connector, periodic_defaults={"max_delay": _MOST_DELAY_S})
    _add_clock_work(queue, "climb", _EVERY_MINUTE, work.climb)
    _add_clock_work(queue, jobs.STAFF_CARDS, _EVERY_MINUTE, work.staff_cards)
    _add_clock_work(queue, "note_undelivered", _EVERY_MINUTE, work.note_undelivered)
    _add_clock_work(queue, "reopen_unanswered", _EVERY_TEN_MINUTES, work.reopen_unanswered)
    _add_clock_work(queue, "forget_addresses", _EVERY_MINUTE, work.forget_addresses)
    _add_clock_work(queue, "purge", _AT_NIGHT, work.purge)
    queue.task(name=jobs.FETCH_FILE, retry=_RETRY, pass_context=True)(work.fetch_file)
    queue.task(name=jobs.EXPORT_MY_DATA, retry=_RETRY)(work.export_my_data)
    queue.task(name=jobs.GIVE_WORDS, retry=_RETRY)(work.give_words)
    queue.task(name=jobs.SEND_CARDS)(work.send_cards)  # the clock tries again
    queue.task(name=jobs.SHOW_CARDS, retry=_RETRY)(work.show_cards)
    queue.task(name=jobs.SHOW_CARD_MESSAGE, retry=_RETRY)(work.show_card_message)
    queue.task(name=jobs.SEND_TEST_CARD, retry=_RETRY)(work.send_test_card)
    queue.task(name=jobs.TELL_UNLINKED, retry=_RETRY)(work.tell_unlinked)
    queue.task(name=jobs.DELETE_FILES, retry=_RETRY)(work.delete_files)
    return queue


def _add_clock_work(queue: App, name: str, cron: str, run: ClockWork) -> None:
    """One at a time over all workers, and at most one more that waits.

    It is not tried again: the clock brings the next one, and that may wait already.
    """

    @queue.periodic(cron=cron)
    @queue.task(name=name, lock=name, queueing_lock=name)
    async def _(timestamp: int) -> None:  # noqa: ARG001 - of the minute; what counts is now
        await run()

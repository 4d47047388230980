"""Windows of the process's one browser.

A window with cookies of its own costs half a second of processor, a page in one that is there a
third of it. So whoever closes a window leaves it empty for the next; two at a time are two.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from playwright.async_api import Browser, BrowserContext, Page

_empty: WeakKeyDictionary[Browser, list[BrowserContext]] = WeakKeyDictionary()


@asynccontextmanager
async def open_window(browser: Browser, *, width: int, height: int) -> AsyncIterator[Page]:
    """A page that knows nothing of any other; after a failure nobody uses its window again."""
    context = await _take_or_make(browser)
    try:
        page = await context.new_page()
        await page.set_viewport_size({"width": width, "height": height})
        yield page
        await _empty_out(context, page)
    except BaseException:
        await context.close()
        raise
    _empty[browser].append(context)


async def _take_or_make(browser: Browser) -> BrowserContext:
    kept = _empty.setdefault(browser, [])
    return kept.pop() if kept else await browser.new_context(reduced_motion="reduce")


async def _empty_out(context: BrowserContext, page: Page) -> None:
    """Ports come round again, and with them what a page of another test kept in the browser."""
    origin = urlsplit(page.url)
    browser_itself = await context.new_cdp_session(page)
    await browser_itself.send(
        "Storage.clearDataForOrigin",
        {"origin": f"{origin.scheme}://{origin.netloc}", "storageTypes": "all"},
    )
    await browser_itself.send("Network.clearBrowserCache")
    for each in context.pages:
        await each.close()
    await context.clear_cookies()

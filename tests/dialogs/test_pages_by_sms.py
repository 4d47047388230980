"""Lists that are longer than an SMS: each page says how the others are reached."""

from tests.dialogs.walk import stands, text_to, words
from tests.people import Line

UNPAID = "ថៅកែមិនទាន់ឱ្យប្រាក់ខែខ្ញុំ"


async def test_the_second_page_of_the_menu_says_how_to_go_back(line: Line) -> None:
    phone = await text_to(line.phone(), "Menu:main")
    await phone.send(UNPAID)  # whoever asked for something has a longer menu
    first = await phone.send("ម៉ឺនុយ")
    back = f"0 {words(line, 'button-back', 'sms')}"
    more = words(line, "button-more", "sms")
    assert (back in first, more in first) == (False, True)
    second = await phone.send("99")
    assert words(line, "menu-register", "sms") not in second
    assert back in second
    assert await phone.send("0") == first
    assert (await stands(phone)).window == "Menu:main"


async def test_a_list_with_something_behind_it_keeps_its_own_back(line: Line) -> None:
    phone = await text_to(line.phone(), "Registration:district")
    first = await phone.send("99")
    assert words(line, "button-back", "sms") in first
    await phone.send("0")
    assert (await stands(phone)).window == "Registration:province"

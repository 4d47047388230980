"""Lists of places, and finding one by a typed name.

117 commune names repeat in the country: whenever several places answer to what was typed,
each is shown with the place around it.
"""

import re

from aiogram_dialog import DialogManager

from dialogs.turn import turn_of
from dialogs.widgets import Item
from services import places

FOUND = "found"
MOST_HITS = 8
# Below this a name is alike, no more: shown, never taken for the answer.
SURE = 85.0


def place_items(manager: DialogManager, within: str | None) -> list[Item]:
    """The places within one, or the hits of a typed name while there are any."""
    turn = turn_of(manager)
    if found := manager.dialog_data.get(FOUND):
        known = (code for code in found if turn.gazetteer.find_code(code))
        return [_item(manager, code, parent=True) for code in known]
    language = turn.language
    children = (
        turn.gazetteer.children(within, language)
        if within
        else turn.gazetteer.likely_provinces(language)
    )
    return [Item(place.code, places.label(place, turn.language, kind=False)) for place in children]


def remember_found(manager: DialogManager, codes: list[str]) -> None:
    """Show these hits, or with none the list again; either begins at its first page."""
    pages = manager.current_context().widget_data
    for name in [name for name in pages if name.endswith("_page")]:
        del pages[name]
    manager.dialog_data[FOUND] = codes


def find_places(manager: DialogManager, text: str, within: str | None) -> list[Item]:
    """Places of any level within one: a commune may be typed where its province is asked."""
    found = turn_of(manager).gazetteer.find_any(text, within=within, limit=MOST_HITS)
    several = len(found) > 1
    return [
        _item(manager, match.place.code, parent=several, sure=match.score >= SURE)
        for match in found
    ]


def find_provinces(manager: DialogManager, text: str) -> list[Item]:
    """The best province for each of the names typed one after the other."""
    gazetteer = turn_of(manager).gazetteer
    whole = gazetteer.find(text, level=1, limit=1)
    if whole and whole[0].score >= SURE:
        return [_item(manager, whole[0].place.code)]
    names = [name for name in re.split(r"[\s,;/។]+|និង|ឬ", text) if name]
    hits = [gazetteer.find(name, level=1, limit=1) for name in names]
    if not hits or not all(hit and hit[0].score >= SURE for hit in hits):
        return []
    return [_item(manager, code) for code in dict.fromkeys(hit[0].place.code for hit in hits)]


def _item(manager: DialogManager, code: str, *, parent: bool = False, sure: bool = True) -> Item:
    turn = turn_of(manager)
    place = turn.gazetteer.get(code)
    return Item(code, places.label(place, turn.language, with_parent=parent), sure)

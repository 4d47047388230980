"""What a browser calls itself, made short: staff must recognise their own, no more."""

from typing import Final

# The first that is found counts: nearly all of them claim to be those below them, too.
_BROWSERS: Final = {
    "Telegram": "Telegram",
    "FBAN": "Facebook",
    "Edg": "Edge",
    "OPR": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "FxiOS": "Firefox",
    "Firefox": "Firefox",
    "CriOS": "Chrome",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
_SYSTEMS: Final = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS": "Mac",
    "Linux": "Linux",
}


def name_device(user_agent: str) -> str:
    """ "Chrome · Android"; empty for what is neither a browser nor a system that we know."""
    found = (
        next((name for mark, name in known.items() if mark in user_agent), None)
        for known in (_BROWSERS, _SYSTEMS)
    )
    return " · ".join(filter(None, found))

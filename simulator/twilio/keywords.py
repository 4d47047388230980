"""The words that the carrier obeys by itself, before the application hears of them."""

from dataclasses import dataclass

_STOP = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "OPTOUT", "REVOKE"})
_START = frozenset({"START", "YES", "UNSTOP"})

STOP_ANSWER = (
    "You have successfully been unsubscribed. You will not receive any more messages from this "
    "number. Reply START to resubscribe."
)
START_ANSWER = (
    "You have successfully been re-subscribed to messages from this number. Reply HELP for help. "
    "Reply STOP to unsubscribe. Msg&Data Rates May Apply."
)


@dataclass(frozen=True)
class Effect:
    """What a word does to the subscription, and what the carrier answers."""

    stopped: bool
    answer: str


def effect_of(body: str, *, stopped: bool) -> Effect | None:
    """What the carrier does about a text, if it is one of its words and changes something.

    Only a text that is the word alone counts ("STOP please" does not). The application gets the
    text in any case. HELP is left to the application, as an account may choose.
    """
    word = body.strip().upper()
    if word in _STOP and not stopped:
        return Effect(stopped=True, answer=STOP_ANSWER)
    if word in _START and stopped:
        return Effect(stopped=False, answer=START_ANSWER)
    return None

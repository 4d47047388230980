"""Word to staff in Telegram: what is urgent and what is overdue, with nothing of the person in it.

`linking` joins a chat to a member of staff, `telling` writes cards in the transaction of their
cause, `sending` makes messages of them, `climbing` tells the next ones above, `pressing` does what
a button says, `standing` words anew what is true no more. Services import these modules, never the
package: `telling` is called by services that `pressing` calls.
"""

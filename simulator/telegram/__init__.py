"""The Telegram carrier: the Bot API over HTTP on one side, people with phones on the other."""

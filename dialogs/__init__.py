"""The conversations: each is written once and spoken on Telegram and by SMS alike."""

"""Local carriers: Telegram and Twilio as a program sees them, and phones on a page.

A process of its own that speaks only the public protocols over real HTTP. A newcomer sees the
service work within a minute, staff train on it, and end-to-end tests need no network.
It knows nothing of the product it serves: what it counts and checks, it counts by itself.
"""

"""The carriers' doors: the only code that speaks a provider's language, in and out."""

"""The words people read: one catalogue per language, keyed by what a text is for."""

"""Property tests may be slow on a busy machine: time is measured in benchmarks/, not here."""

from hypothesis import settings

settings.register_profile("tralob", deadline=None)
settings.load_profile("tralob")

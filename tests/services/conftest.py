"""Property tests may be slow on a busy machine: time is measured in benchmarks/, not here.

They try the same examples each time, so that a run fails for what was changed and nothing else.
For new examples: `pytest --hypothesis-seed=random tests/services`.
"""

from hypothesis import settings

settings.register_profile("tralob", deadline=None, derandomize=True)
settings.load_profile("tralob")

from hypothesis import settings

# The same examples on every machine, however slow it is today.
settings.register_profile("house", deadline=None, derandomize=True)
settings.load_profile("house")

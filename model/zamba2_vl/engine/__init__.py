"""Many requests through one model: the engine owns the memory, the layers compute."""

"""The Zamba2 language model."""

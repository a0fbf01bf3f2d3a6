"""Drawn pictures of things to count, with the place of each."""

"""Pages drawn by code, with the place of every letter and every value as printed."""

"""Zamba2-VL in plain PyTorch: pictures and words in, words out."""

"""The Qwen2.5-VL vision tower."""

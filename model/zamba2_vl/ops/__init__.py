"""The operations that fast kernels may take over: one package each, a plain PyTorch twin inside."""

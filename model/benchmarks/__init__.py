"""How fast the model runs, beside how fast the machine could run it. Prints; judges nothing."""

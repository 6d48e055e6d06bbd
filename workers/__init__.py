"""The workers: one folder for each stage, `ls workers/*/*_to_*.py` prints the chain."""

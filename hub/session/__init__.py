"""Sessions: what one toy and the hub are doing with each other right now."""

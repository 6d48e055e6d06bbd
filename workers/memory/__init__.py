"""Memory: transcript → prompt, and what is kept of a turn that is done."""

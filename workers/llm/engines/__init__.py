"""One llm engine a file."""

PREFERRED = ("scripted",)
"""What ``auto`` chooses from, best first; the last needs no model and always works."""

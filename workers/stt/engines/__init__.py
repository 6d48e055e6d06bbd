"""One STT engine a file."""

PREFERRED = ("phrases",)
"""What ``auto`` chooses from, best first; the last needs no model and always works."""

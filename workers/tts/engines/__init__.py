"""One TTS engine a file."""

PREFERRED = ("espeak",)
"""What ``auto`` chooses from, best first; the last needs no model and always works."""

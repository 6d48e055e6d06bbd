"""One TTS engine a file."""

"""Text to speech: sentence → speech."""

"""One STT engine a file."""

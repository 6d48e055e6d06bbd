"""Commands of the media stage, one a file."""

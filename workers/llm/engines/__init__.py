"""One llm engine a file."""

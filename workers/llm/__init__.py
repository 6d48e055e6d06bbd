"""Conversation: prompt → sentences and requests."""

"""The hub: kernel, hub process and tools. The map is written when the house stands."""

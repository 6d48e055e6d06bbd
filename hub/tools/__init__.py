"""The commands of ``toyhub``, one file each; see hub.cli."""

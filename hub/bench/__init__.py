"""Measurements, each beside a floor taken in the same run: rig (processes) · floor · chain · turn · report."""

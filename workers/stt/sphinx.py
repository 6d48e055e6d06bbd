"""pocketsphinx, wrapped: decoders that are loaded once, stay warm and are used by one thread at a time.

Each frame is scored against all sounds of the model (``compallsen``), not only against those that the search is at.
That costs 20 ms per second of speech and makes the score of a path say how well it explains the sound: a right command
then beats a forced one in 98 of 100 pairs (area under the curve, tuning voices), without it in 89.
"""

import math
import tempfile
import threading
from pathlib import Path
from typing import Any, NamedTuple, Self

import pocketsphinx

from hub.errors import EngineError
from workers.stt.grammar import FINAL, START, Grammar
from workers.stt.lexicon import Lexicon
from workers.stt.speech import RATE

_MODEL = Path(pocketsphinx.get_model_path()) / "en-us"
DICTIONARY = _MODEL / "cmudict-en-us.dict"
_FRAME_BYTES = 2 * RATE // 100
_NO_WORD = "<(+["
"""Beginnings of what stands for silence, noise, and the arc to the final state."""
_SPOKEN = 0.4
"""Share of the frames that words must explain: 0.57 and more in commands; in noise, hum and beeps at most 0.27, silence
explains the rest perfectly, and the mean looks good."""
# No bestpath: it costs half as much again for a probability that separates worse than the score. Beams wider than the
# default: with those the right sentence was lost in one of ten commands of the harder voices; a quarter more time.
_GRAMMAR = {"lm": None, "lw": 3.0, "bestpath": False, "beam": 1e-60, "pbeam": 1e-60, "wbeam": 1e-48}
# One pass: a second one (fwdflat) costs two thirds more, and its score separates commands from talk less well.
_OPEN = {"lm": str(_MODEL / "en-us.lm.bin"), "dict": str(DICTIONARY), "fwdflat": False, "bestpath": False}


class Found(NamedTuple):
    """What was heard. Scores are means per frame, in thousandths of pocketsphinx's scaled logarithm.

    0 is perfect, -4 is good, -8 is nonsense.
    """

    text: str = ""
    score: float = -math.inf
    worst: float = -math.inf
    """Score of the word that fits least."""


class Decoder:
    """One search. ``decode`` may be called from several threads; they take turns."""

    def __init__(self, densities: int, **options: Any) -> None:
        self._lock = threading.Lock()
        try:
            config = pocketsphinx.Config(
                hmm=str(_MODEL / "en-us"), loglevel="FATAL", compallsen=True, topn=densities, **options
            )
            self._decoder = pocketsphinx.Decoder(config)
        except RuntimeError as error:
            raise EngineError("pocketsphinx does not start with its model") from error

    @classmethod
    def of_grammar(cls, grammar: Grammar, lexicon: Lexicon, densities: int) -> Self:
        """Hears the sentences of a grammar and nothing else."""
        with tempfile.NamedTemporaryFile("w", suffix=".dict", encoding="utf-8") as file:
            file.writelines(lexicon.lines(grammar.words))
            file.flush()
            made = cls(densities, dict=file.name, **_GRAMMAR)
        arcs = [(arc.start, arc.end, arc.probability, *([arc.word] if arc.word else [])) for arc in grammar.arcs]
        made._decoder.add_fsg("grammar", made._decoder.create_fsg("grammar", START, FINAL, arcs))
        made._decoder.activate_search("grammar")
        return made

    @classmethod
    def of_language(cls, densities: int) -> Self:
        """Hears any English, badly."""
        return cls(densities, **_OPEN)

    def decode(self, sound: bytes) -> Found:
        """The best words for 16-bit samples at 16 kHz."""
        with self._lock:
            try:
                self._decoder.start_stream()  # forgets the noise tracked in the utterance before
                self._decoder.start_utt()
                self._decoder.process_raw(sound, full_utt=True)
                self._decoder.end_utt()
            except RuntimeError as error:
                raise EngineError("pocketsphinx could not decode") from error
            found = self._decoder.hyp()
            segments = list(self._decoder.seg()) if found and found.hypstr else []
        frames = len(sound) / _FRAME_BYTES
        words = [(s.end_frame - s.start_frame + 1, s.ascore) for s in segments if s.word[0] not in _NO_WORD]
        if not words or sum(length for length, _ in words) < _SPOKEN * frames:
            return Found()
        worst = min(_logarithm(score) / length for length, score in words)
        return Found(found.hypstr, _logarithm(found.score) / frames, worst)


def _logarithm(score: float) -> float:
    return 1000 * math.log(max(score, 5e-324))

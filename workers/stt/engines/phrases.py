"""Hears the sentences of config/intents with pocketsphinx, whose package brings an English model: no file to download.

A grammar of all sentences first. Each frame is scored against every sound of the model, not only those the grammar
allows, so the score of the best path says how well the sentence explains the sound. When it is too low, the open
language model writes down what it can; its text may be talked about but is never acted on.
"""

import logging
import math
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pocketsphinx
from pydantic import BaseModel, ConfigDict, Field

from hub.errors import EngineError
from hub.messages import Title
from hub.settings import config_dir
from workers.stt.engine import Heard
from workers.stt.grammar import FINAL, START, Grammar, Phrases, compile_grammar, words_of
from workers.stt.lexicon import Lexicon
from workers.stt.speech import RATE, speech

_LOGGER = logging.getLogger(__name__)
_LANGUAGE = "en"
_FRAME_BYTES = 2 * RATE // 100
_MODEL = Path(pocketsphinx.get_model_path()) / "en-us"
_COMMON = {"hmm": str(_MODEL / "en-us"), "loglevel": "FATAL"}


class Settings(BaseModel):
    """When a sentence of the grammar is believed, and what it may cost."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    threshold: float = Field(default=-6.5, le=0)
    """Mean score per frame a sentence must reach; 0 is best. Higher: fewer false commands, more children unheard."""
    width: float = Field(default=0.7, gt=0)
    """How far above the threshold the confidence is 0.73 (a logistic curve; 0.5 at the threshold)."""
    densities: int = Field(default=2, ge=1, le=4)
    """Gaussians evaluated per sound. 4 costs a third more time."""
    open_confidence: float = Field(default=0.3, ge=0, lt=0.5)
    """Confidence of a text from the open language model: always below what is acted on."""


class Engine:
    """See workers.stt.engine.SttEngine. One grammar decoder and one open decoder, each used by one thread at a time."""

    name = "phrases"
    model = "pocketsphinx en-us"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lexicon = Lexicon(_MODEL / "cmudict-en-us.dict")
        self._titles: tuple[str, ...] = ()
        self._grammar: Any = None
        self._open: Any = None
        self._learning, self._deciding, self._writing = threading.Lock(), threading.Lock(), threading.Lock()

    def warm(self) -> None:
        """Compile the grammar, load the language model, and decode once with both."""
        if self._grammar is None:
            self._compile()
        self.transcribe(_chirp(), RATE)

    def learn(self, titles: Sequence[Title]) -> None:
        """Compile the grammar again if the titles are others; the old one answers meanwhile."""
        names = tuple(sorted({name for title in titles for name in (title.title, *title.also)}))
        if self._grammar is None or names != self._titles:
            self._titles = names
            self._compile()

    def transcribe(self, pcm: bytes, rate: int) -> Heard:
        """The sentence of the grammar if the sound fits it, else what the open language model writes."""
        sound = speech(pcm, rate)
        if not sound:
            return Heard("", _LANGUAGE, 0.0, "grammar")
        if self._grammar is None:
            self._compile()
        with self._deciding:
            text, score = _decode(self._grammar, sound)
        confidence = 1 / (1 + math.exp((self._settings.threshold - score) / self._settings.width))
        if text and confidence >= 0.5:
            return Heard(text, _LANGUAGE, confidence, "grammar")
        with self._writing:
            if self._open is None:
                self._open = _decoder(lm=str(_MODEL / "en-us.lm.bin"), dict=str(_MODEL / "cmudict-en-us.dict"))
            text, _ = _decode(self._open, sound)
        return Heard(text, _LANGUAGE, self._settings.open_confidence if text else 0.0, "open")

    def _compile(self) -> None:
        with self._learning:
            self._lexicon.load()
            phrases = Phrases.load(config_dir() / "intents", _LANGUAGE)
            spoken = {word for title in self._titles for word in words_of(title, _LANGUAGE)}
            everything = compile_grammar(phrases, self._titles, lambda _: True)
            self._lexicon.learn(everything.words | spoken)
            grammar = compile_grammar(phrases, self._titles, self._lexicon.__contains__)
            decoder = self._grammar_decoder(grammar)
        with self._deciding:
            self._grammar = decoder
        _LOGGER.info("grammar of %d words and %d arcs", len(grammar.words), len(grammar.arcs))

    def _grammar_decoder(self, grammar: Grammar) -> Any:
        with tempfile.NamedTemporaryFile("w", suffix=".dict", encoding="utf-8") as file:
            for word in sorted(grammar.words):
                for number, sounds in enumerate(self._lexicon.ways(word), 1):
                    file.write(f"{word}{f'({number})' if number > 1 else ''} {' '.join(sounds)}\n")
            file.flush()
            decoder = _decoder(lm=None, dict=file.name, bestpath=False, compallsen=True, topn=self._settings.densities)
        arcs = [(arc.start, arc.end, arc.probability, *([arc.word] if arc.word else [])) for arc in grammar.arcs]
        decoder.add_fsg("phrases", decoder.create_fsg("phrases", START, FINAL, arcs))
        decoder.activate_search("phrases")
        return decoder


def _decoder(**options: Any) -> Any:
    try:
        return pocketsphinx.Decoder(pocketsphinx.Config(**_COMMON, **options))
    except RuntimeError as error:
        raise EngineError("pocketsphinx does not start with its model") from error


def _decode(decoder: Any, sound: bytes) -> tuple[str, float]:
    """The best words and the mean score per frame of their path, in thousandths of pocketsphinx's scaled logarithm."""
    try:
        decoder.start_utt()
        decoder.process_raw(sound, full_utt=True)
        decoder.end_utt()
    except RuntimeError as error:
        raise EngineError("pocketsphinx could not decode") from error
    found = decoder.hyp()
    if found is None or not found.hypstr:
        return "", -math.inf
    return found.hypstr, 1000 * math.log(max(found.score, 5e-324)) / (len(sound) / _FRAME_BYTES)


def _chirp() -> bytes:
    """Something that is no silence and no word, to make the decoders touch their memory."""
    return b"".join(int(9000 * math.sin(n * n / 90_000)).to_bytes(2, "little", signed=True) for n in range(RATE))

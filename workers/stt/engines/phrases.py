"""Hears the sentences of config/intents with pocketsphinx, whose package brings an English model: no file to download.

A grammar of all sentences first. Each frame is scored against every sound of the model, not only those the grammar
allows, so the score of the best path says how well the sentence explains the sound: a good one is a command, a bad one
is none. In between the open language model is asked, and the sentence must explain the sound better than any other
words do. What the open language model writes may be talked about; it is never acted on.
"""

import logging
import math
import threading
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from hub.messages import Title
from hub.settings import config_dir
from workers.stt.engine import Heard
from workers.stt.grammar import Phrases, compile_grammar
from workers.stt.lexicon import Lexicon
from workers.stt.speech import RATE, speech
from workers.stt.sphinx import DICTIONARY, Decoder, Path

_LOGGER = logging.getLogger(__name__)
_LANGUAGE = "en"


class Settings(BaseModel):
    """When a sentence of the grammar is believed. Scores are means per frame; 0 is the best."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    certain: float = Field(default=-4.8, le=0)
    """A sentence whose words have this score on the whole is a command at once,"""
    certain_word: float = Field(default=-7.0, le=0)
    """if each of its words has this score."""
    trust: float = -1.7
    """Any other sentence needs this much; see ``_trust``."""
    densities: int = Field(default=2, ge=1, le=4)
    """Gaussians evaluated for each sound of the model. 4 costs a third more time."""
    open_confidence: float = Field(default=0.3, ge=0, lt=0.5)
    """Confidence of a text from the open language model: always below what is acted on."""


class Engine:
    """See workers.stt.engine.SttEngine."""

    name = "phrases"
    model = "pocketsphinx en-us"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lexicon = Lexicon(DICTIONARY)
        self._titles: tuple[str, ...] = ()
        self._grammar: Decoder | None = None
        self._open: Decoder | None = None
        self._making = threading.Lock()

    def warm(self) -> None:
        """Compile the grammar, load the language model, and decode once with both."""
        self._known().decode(_chirp())
        self._any().decode(_chirp())

    def learn(self, titles: Sequence[Title]) -> None:
        """Compile the grammar again if the titles are others; the old one answers meanwhile."""
        names = tuple(sorted({name for title in titles for name in (title.title, *title.also)}))
        with self._making:
            if self._grammar is None or names != self._titles:
                self._grammar, self._titles = self._compiled(names), names

    def transcribe(self, pcm: bytes, rate: int) -> Heard:
        """The sentence of the grammar if the sound fits it, else what the open language model writes."""
        sound = speech(pcm, rate)
        if not sound:
            return Heard("", _LANGUAGE, 0.0, "grammar")
        sentence = self._known().decode(sound)
        if sentence.words >= self._settings.certain and sentence.worst >= self._settings.certain_word:
            return Heard(sentence.text, _LANGUAGE, _confidence(sentence.words - self._settings.certain), "grammar")
        written = self._any().decode(sound)
        lead = _trust(sentence, written) - self._settings.trust
        if lead >= 0:
            return Heard(sentence.text, _LANGUAGE, _confidence(lead), "grammar")
        return Heard(written.text, _LANGUAGE, self._settings.open_confidence if written.text else 0.0, "open")

    def _known(self) -> Decoder:
        if self._grammar is None:
            with self._making:
                self._grammar = self._grammar or self._compiled(self._titles)
        return self._grammar

    def _any(self) -> Decoder:
        if self._open is None:
            with self._making:
                self._open = self._open or Decoder.of_language(self._settings.densities)
        return self._open

    def _compiled(self, titles: tuple[str, ...]) -> Decoder:
        self._lexicon.load()
        phrases = Phrases.load(config_dir() / "intents", _LANGUAGE)
        self._lexicon.learn(compile_grammar(phrases, titles, lambda _: True).words)
        grammar = compile_grammar(phrases, titles, self._lexicon.__contains__)
        _LOGGER.info("grammar of %d words and %d arcs", len(grammar.words), len(grammar.arcs))
        return Decoder.of_grammar(grammar, self._lexicon, self._settings.densities)


def _trust(sentence: Path, written: Path) -> float:
    """How much better the sentence explains the sound than any other words do.

    A word that fits badly counts against it, and so does being short: there is a word for every grunt.
    """
    if not (sentence.text and written.text):
        return -math.inf
    return sentence.mean - written.mean + 0.15 * sentence.worst - 40 / max(1, sentence.frames)


def _confidence(lead: float) -> float:
    """0.5 for a lead of nothing, 0.88 for a lead of 1; grows to 1."""
    return 1 / (1 + math.exp(-2 * lead))


def _chirp() -> bytes:
    """A second of something that is no silence and no word, to make a decoder touch its memory."""
    return b"".join(int(9000 * math.sin(n * n / 90_000)).to_bytes(2, "little", signed=True) for n in range(RATE))

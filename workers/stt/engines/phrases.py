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
from workers.stt.sphinx import DICTIONARY, Decoder

_LOGGER = logging.getLogger(__name__)
_LANGUAGE = "en"


class Settings(BaseModel):
    """When a sentence of the grammar is believed. Scores are means per frame; 0 is the best."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    certain: float = Field(default=-4.7, le=0)
    """From this score on a sentence is a command, without asking the open language model: half of them are."""
    hopeless: float = Field(default=-8.5, le=0)
    """Below this score it is none. Higher values: fewer false commands, more children unheard."""
    margin: float = -0.4
    """In between the score must be this much better than that of the open language model.

    Tuning sentences in four voices: of 100 commands 94 were heard right and 93 of them taken; of 52 other sentences one
    was taken, a single short word.
    """
    weakest: float = Field(default=-7.9, le=0)
    """Where the open language model's words explain the sound better, no word of the sentence may be worse."""
    densities: int = Field(default=4, ge=1, le=4)
    """Gaussians evaluated for each sound of the model. 2 takes a quarter less time and hears one command in 40 less."""
    longest_s: float = Field(default=8.0, gt=0)
    """What is longer is no command. Of that only the first ``written_s`` are written down: on bad sound pocketsphinx
    takes half as long as the sound, and holds up the whole process."""
    written_s: float = Field(default=4.0, gt=0)
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
        if len(sound) > self._settings.longest_s * 2 * RATE:
            words, *_ = self._any().decode(sound[: int(self._settings.written_s * RATE) * 2])
            return Heard(words, _LANGUAGE, self._settings.open_confidence if words else 0.0, "open")
        sentence, score, worst = self._known().decode(sound)
        if sentence and score >= self._settings.certain:
            return Heard(sentence, _LANGUAGE, _confidence(score - self._settings.certain, 0.8), "grammar")
        words, other, _ = self._any().decode(sound)
        lead = score - other - self._settings.margin
        fits = score >= other or worst >= self._settings.weakest
        if sentence and score >= self._settings.hopeless and lead >= 0 and fits:
            return Heard(sentence, _LANGUAGE, _confidence(lead, 0.5), "grammar")
        return Heard(words, _LANGUAGE, self._settings.open_confidence if words else 0.0, "open")

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


def _confidence(lead: float, width: float) -> float:
    """0.5 for a lead of nothing, 0.88 for one of twice the width; grows to 1."""
    return 1 / (1 + math.exp(-max(0.0, lead) / width))


def _chirp() -> bytes:
    """A second of something that is no silence and no word, to make a decoder touch its memory."""
    return b"".join(int(9000 * math.sin(n * n / 90_000)).to_bytes(2, "little", signed=True) for n in range(RATE))

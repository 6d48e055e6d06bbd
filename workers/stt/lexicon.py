"""How words sound: the recogniser's dictionary, British endings, and espeak-ng for words that are in no dictionary."""

import logging
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

Sounds = tuple[str, ...]

_LOGGER = logging.getLogger(__name__)
_VOWELS = frozenset("AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW".split())
_TIMEOUT_S = 10.0

# espeak-ng's mnemonics (voice en-us, option -x) to the recogniser's phones; the longest name wins.
# https://github.com/espeak-ng/espeak-ng/blob/master/docs/phonemes.md lists the mnemonics.
_ESPEAK = {
    "aI@": "AY AH", "aI3": "AY ER", "aU@": "AW ER", "i@3": "IH R", "i@": "IY AH", "O@r": "AO R", "3:r": "ER",
    "A@r": "AA R", "e@r": "EH R", "U@r": "UH R", "aI": "AY", "aU": "AW", "eI": "EY", "OI": "OY", "oU": "OW",
    "tS": "CH", "dZ": "JH", "A@": "AA R", "e@": "EH R", "o@": "AO R", "O@": "AO R", "U@": "UH R", "3:": "ER",
    "A:": "AA", "O:": "AO", "i:": "IY", "u:": "UW", "a#": "AH", "I2": "IH", "I#": "IH", "@L": "AH L", "@2": "AH",
    "@5": "AH", "@": "AH", "3": "ER", "0#": "AA", "aa": "AE", "a": "AE", "A": "AA", "E2": "EH", "E": "EH", "I": "IH",
    "i": "IY", "0": "AA", "O2": "AO", "O": "AO", "U": "UH", "u": "UW", "V": "AH", "o": "OW", "e": "EY", "n-": "AH N",
    "l-": "AH L", "m-": "AH M", "b": "B", "d": "D", "D": "DH", "f": "F", "g": "G", "h": "HH", "j": "Y", "k": "K",
    "l": "L", "m": "M", "n": "N", "N": "NG", "p": "P", "r": "R", "R": "R", "s": "S", "S": "SH", "t": "T", "t#": "T",
    "T": "TH", "v": "V", "w": "W", "z": "Z", "Z": "ZH", "x": "K", "C": "SH",
}  # fmt: skip
_STRESS = re.compile(r"[',%=|;~*!]")
_MNEMONIC = re.compile("|".join(re.escape(name) for name in sorted(_ESPEAK, key=len, reverse=True)))


class Lexicon:
    """Pronunciations of the words of a grammar."""

    def __init__(self, dictionary: Path) -> None:
        self._dictionary = dictionary
        self._known: dict[str, tuple[Sounds, ...]] = {}

    def load(self) -> None:
        """Read the dictionary: lines of ``word PH ON EM``, further pronunciations as ``word(2)``."""
        if self._known:
            return
        sounds: dict[str, list[Sounds]] = {}
        for line in self._dictionary.read_text(encoding="utf-8").splitlines():
            word, *phones = line.split()
            sounds.setdefault(word.split("(")[0], []).append(tuple(phones))
        self._known = {word: tuple(ways) for word, ways in sounds.items()}

    def learn(self, words: Iterable[str]) -> None:
        """Add words that are not in the dictionary, from their spelling; what cannot be spelled out stays unknown."""
        missing = sorted({word for word in words if word not in self._known and any(map(str.isalpha, word))})
        if not missing:
            return
        guessed = _guess(missing)
        self._known.update({word: (sounds,) for word, sounds in guessed.items()})
        left = len(missing) - len(guessed)
        if left:  # how many, not which: a title may be a child's name
            _LOGGER.warning("%d words cannot be listened for: no pronunciation (is espeak-ng installed?)", left)

    def __contains__(self, word: str) -> bool:
        return word in self._known

    def lines(self, words: Iterable[str]) -> Iterator[str]:
        """A dictionary of ``words``, as its file has it."""
        for word in sorted(words):
            for number, sounds in enumerate(self.ways(word), 1):
                yield f"{word}{f'({number})' if number > 1 else ''} {' '.join(sounds)}\n"

    def ways(self, word: str) -> tuple[Sounds, ...]:
        """All pronunciations, American ones first."""
        american = self._known[word]
        return tuple(dict.fromkeys((*american, *(british(sounds) for sounds in american))))


def british(sounds: Sounds) -> Sounds:
    """The same word without the R that the English do not say: car, morning, brother."""
    spoken: list[str] = []
    for index, phone in enumerate(sounds):
        before_vowel = index + 1 < len(sounds) and sounds[index + 1] in _VOWELS
        if phone == "R" and index and not before_vowel and sounds[index - 1] in _VOWELS:
            if sounds[index - 1] not in {"AA", "AO"}:
                spoken.append("AH")
        elif phone == "ER":
            spoken.extend(("AH", "R") if before_vowel else ("AH",))
        else:
            spoken.append(phone)
    return tuple(spoken)


def _guess(words: list[str]) -> Mapping[str, Sounds]:
    """Pronunciations by espeak-ng, one run for all words; empty when it is not installed or fails."""
    program = shutil.which("espeak-ng")
    if program is None:
        return {}
    command, text = [program, "-q", "-x", "--sep=_", "-v", "en-us"], "\n".join(words)
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return {}
    lines = done.stdout.strip("\n").split("\n")
    if len(lines) != len(words):
        return {}
    guessed = {word: phones_of(line) for word, line in zip(words, lines, strict=True)}
    return {word: sounds for word, sounds in guessed.items() if sounds}


def phones_of(mnemonics: str) -> Sounds:
    """Translate ``h_'V_m_p_t_i`` to phones; empty if a sound is unknown."""
    phones: list[str] = []
    for sound in _STRESS.sub("", mnemonics).replace("_", " ").split():
        at = 0
        while at < len(sound):
            match = _MNEMONIC.match(sound, at)
            if match is None:
                return ()
            phones.extend(_ESPEAK[match[0]].split())
            at = match.end()
    return tuple(phones)

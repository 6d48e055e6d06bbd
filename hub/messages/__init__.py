"""What travels: one file per thing, named like the last level of its topic, in chain order.

parts, base · hello, presence, audio, utterance, text, event · control, config · state, transcript, reply, set ·
prompt, sentence, speech, request, track, failure, done, cancel · lease, worker, titles, status, health
"""

from hub.messages.audio import AudioChunk, DownAudio, UpAudio
from hub.messages.base import Cleared, Message, Packet, RawMessage, TurnMessage
from hub.messages.cancel import Cancel
from hub.messages.config import Config
from hub.messages.control import Control
from hub.messages.done import Done
from hub.messages.event import Event
from hub.messages.failure import Failure
from hub.messages.health import HubHealth
from hub.messages.hello import Hello
from hub.messages.lease import Lease
from hub.messages.parts import Action, AudioFormat, Place, Voice
from hub.messages.presence import Presence
from hub.messages.prompt import ChatMessage, Fact, Persona, Prompt
from hub.messages.reply import Reply
from hub.messages.request import Request
from hub.messages.sentence import Piece, Sentence
from hub.messages.set import Set
from hub.messages.speech import Speech
from hub.messages.state import State
from hub.messages.status import HubStatus
from hub.messages.text import Text
from hub.messages.titles import Title, Titles
from hub.messages.track import Track
from hub.messages.transcript import Heard, Transcript
from hub.messages.utterance import Utterance, UtteranceFile
from hub.messages.worker import Worker

__all__ = [
    "Action", "AudioChunk", "AudioFormat", "Cancel", "ChatMessage", "Cleared", "Config", "Control", "Done",
    "DownAudio", "Event", "Fact", "Failure", "Heard", "Hello", "HubHealth", "HubStatus", "Lease", "Message",
    "Packet", "Persona", "Piece", "Place", "Presence", "Prompt", "RawMessage", "Reply", "Request", "Sentence",
    "Set", "Speech", "State", "Text", "Title", "Titles", "Track", "Transcript", "TurnMessage", "UpAudio",
    "Utterance", "UtteranceFile", "Voice", "Worker",
]  # fmt: skip

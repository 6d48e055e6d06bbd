"""A simulated toy that behaves like firmware: the reference implementation of docs/protocol.md, in reading order.

playback     what came out of the speaker: which ms of a turn, when, and the sound itself
speaker      a play-out clock with a buffer, without I/O: chunks and time in, sound out
recorder     the ring of chunks recorded from the press on
outputs      what the firmware hands out
protocol     the firmware's state machine, without I/O: orders, frames and time in, messages out
microphone   sound in real time: arrays, files, text spoken by espeak-ng, a sound card
loudspeaker  the sound card's other side
report       what one turn was like, seen and heard from the toy
link         the firmware on an MQTT connection: clock, microphone, outbox
client       ``Toy``: says, hears, interrupts, and reports
"""

from hub.toy.client import Toy
from hub.toy.microphone import Recording, spoken
from hub.toy.report import TurnReport

__all__ = ["Recording", "Toy", "TurnReport", "spoken"]

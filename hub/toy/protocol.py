"""The firmware of a toy as a state machine without I/O: orders, recorded frames and time go in, messages come out.

::

    idle ──press──► starting ──listening──► listening ──stop_listening, END──► waiting ──play──► playing
      ▲                 │                                                         │                │
      └─────────────────┴──────────────── error, done, nobody answers ────────────┴────────────────┘

A press is taken in every phase and ends what was there. Text, and announcements of the hub, go from idle to playing.
Everything names its turn; what belongs to another turn is dropped.
"""

from typing import Literal

from hub.messages import AudioFormat, Config, Control, DownAudio, Event, Hello, Presence, UpAudio
from hub.messages.audio import END
from hub.toy.outputs import Mic, Outputs, TurnOpened, TurnOver
from hub.toy.recorder import Recorded, Recorder
from hub.toy.speaker import Speaker

Phase = Literal["idle", "starting", "listening", "waiting", "playing"]
Mode = Literal["open", "push"]
REPEAT_MS = 1000.0
"""A start is repeated after this until it is answered; progress is reported as often."""
PATIENCE_MS = 20_000.0
"""Nothing from the hub for so long, and the toy gives the turn up by itself."""
MIC_MS = 60_000.0
"""The microphone never stays open longer."""
_REMEMBERED_TURNS = 16


class Firmware:
    """One toy. All times are ms of the toy's own clock; every method returns what is to be done, in order.

    Args:
        hello: what the toy is; its first codec, its rate and its buffer are those of the speaker.
        up: format of what it records.
        first_press: number of the first press; random after a reboot, so that it is not taken for an old one.
    """

    def __init__(self, hello: Hello, up: AudioFormat, first_press: int = 1) -> None:
        self.hello, self.up, self.device = hello, up, hello.device
        self.speaker = Speaker(hello.buffer_ms, hello.codecs[0], hello.rate)
        self.recorder = Recorder(up.frame_ms)
        self.phase: Phase = "idle"
        self.turn: int | None = None
        self.press_number = first_press - 1
        self.dropped_foreign = 0
        """Chunks of a turn that is not being played."""
        self.config: Config | None = None
        self._level, self._cap = 60, 100
        self._start: Event | None = None  # of the press that is being served
        self._pressed: int | None = None  # its number; None in a turn the hub opened
        self._mic_open = self._released = False
        self._finals: dict[int, Event] = {}  # the last words about turns that are silent for good
        self._done: Control | None = None  # came before the last sound was out
        self._repeat_ms = self._report_ms = self._give_up_ms = 0.0

    @property
    def volume(self) -> int:
        """0 to 100, never above the cap of the config."""
        return min(self._level, self._cap)

    @property
    def press_served(self) -> int | None:
        """The press the present turn answers to; None: idle, or a turn the hub opened."""
        return self._pressed

    # -- the child

    def press(self, now_ms: float, mode: Mode = "open") -> Outputs:
        """The button, or the wake word: silence whatever plays, record, and ask to be heard."""
        out = self._silence(now_ms)
        if self.phase != "idle":
            out += self._over("interrupted")
        self.press_number += 1
        self._pressed, self._released, self.phase = self.press_number, False, "starting"
        self.recorder.begin()
        self._start = Event(
            device=self.device, event="start", press=self._pressed, mode=mode, codec=self.up.codec, rate=self.up.rate
        )
        self._mic_open = True
        self._repeat_ms, self._give_up_ms = now_ms + REPEAT_MS, now_ms + PATIENCE_MS
        return [*out, Mic(open=True), self._start]

    def record(self, frame: bytes, now_ms: float, *, last: bool = False) -> Outputs:
        """One codec frame from the microphone; ``last``: it has come to its end."""
        if not self._mic_open:
            return []
        out: Outputs = list(self._sent(self.recorder.add(frame, END if last else 0)))
        return out + self._shut_mic(now_ms) if last else out

    def mic_ended(self, now_ms: float) -> Outputs:
        """Nothing more will be recorded: an empty chunk carries END, for the last real one is gone."""
        return self.record(b"", now_ms, last=True)

    def release(self, now_ms: float) -> Outputs:
        """The button of push mode is let go: what was recorded is all."""
        if self._start is None or self._released:
            return []
        self._released = True
        out = self.mic_ended(now_ms)
        return out + self._stop() if self.turn is not None else out

    def interrupt(self, now_ms: float) -> Outputs:
        """Be quiet: silent, deaf and out of the turn at once, without waiting for the hub."""
        if self.turn is None:
            return []
        event = self._event("interrupt", turn=self.turn)
        return [*self._silence(now_ms), event, *(self._over("interrupted") if self.turn is not None else [])]

    # -- the network

    def connected(self, now_ms: float) -> Outputs:
        """After every connect: who we are, and the question that may have been lost."""
        out: Outputs = [Presence(device=self.device, text="online"), self.hello]
        if self._start and self.phase in ("starting", "listening"):
            self._repeat_ms = now_ms + REPEAT_MS
            out.append(self._start)
        return out

    def receive(self, message: Control | Config | DownAudio, now_ms: float) -> Outputs:
        """What came on ``down/``."""
        if isinstance(message, DownAudio):
            return self._audio(message, now_ms)
        if isinstance(message, Config):
            self.config, self._level, self._cap = message, message.volume, message.volume_cap
            return []
        return self._order(message, now_ms)

    # -- time

    def tick(self, now_ms: float) -> Outputs:
        """Whatever is due at ``now_ms``."""
        self.speaker.advance(now_ms)
        out: Outputs = [self._event("underrun", turn=self.turn, ms=round(ms)) for ms in self.speaker.take_dry()]
        if self.phase == "playing":
            out += self._progress(now_ms)
        if self.phase == "starting" and now_ms >= self._repeat_ms and self._start:
            self._repeat_ms = now_ms + REPEAT_MS
            out.append(self._start)
        if self.phase != "idle" and not self.speaker.sounding and now_ms >= self._give_up_ms:
            out += self.give_up(now_ms, "no-answer")
        return out

    def give_up(self, now_ms: float, code: str) -> Outputs:
        """Leave the present turn without waiting for the hub."""
        return self._silence(now_ms) + self._over(code)

    def wake_ms(self) -> float | None:
        """When ``tick`` is due next; None: nothing is."""
        if self.phase == "idle":
            return None
        if self.phase == "starting":
            return min(self._repeat_ms, self._give_up_ms)
        if self.phase == "playing" and (end_ms := self.speaker.runs_out_ms()) is not None:
            return min(end_ms, self._report_ms)
        return self._give_up_ms

    def _order(self, order: Control, now_ms: float) -> Outputs:
        match order.control:
            case "listening":
                return self._listening(order, now_ms)
            case "stop_listening" if order.turn == self.turn and self._mic_open:
                return self._shut_mic(now_ms)
            case "play" if order.turn is not None:
                return self._play(order.turn, now_ms)
            case "flush" if order.turn is not None:
                return self._flush(order.turn, now_ms)
            case "done" if order.turn is not None and order.turn == self.turn:
                return self._end(order, now_ms)
            case "error" if self._start and order.press == self._pressed:
                return self.give_up(now_ms, order.code or "error")
            case "volume" if order.volume is not None:
                self._level = order.volume
        return []

    def _listening(self, order: Control, now_ms: float) -> Outputs:
        """Send what was recorded from ``from_seq`` on; asked again, by a new owner of the session, do it again."""
        if order.turn is None or order.press != self._pressed or self.phase in ("idle", "playing"):
            return []
        out: Outputs = []
        if self.turn != order.turn:
            self.turn = order.turn
            out.append(TurnOpened(order.turn, self._pressed))
        self.phase, self._give_up_ms = "listening", now_ms + MIC_MS
        for frame in self.recorder.since(order.from_seq or 0):
            out += self._sent(frame)
        if not self._mic_open:
            self.phase, self._give_up_ms = "waiting", now_ms + PATIENCE_MS
        return out + self._stop() if self._released else out

    def _play(self, turn: int, now_ms: float) -> Outputs:
        """Open a turn for playing, unless it is over, or a press is on its way to the hub that will end it."""
        if turn in self._finals or self.phase == "starting":
            return []
        out: Outputs = []
        if turn != self.turn:
            out = self._silence(now_ms)
            if self.phase != "idle":
                out += self._over("interrupted")
            self.turn, self._start, self._pressed = turn, None, None
            out.append(TurnOpened(turn, None))
        out += self._shut_mic(now_ms) if self._mic_open else []
        if self.phase != "playing":
            self.phase, self._report_ms = "playing", now_ms + REPEAT_MS
            self.speaker.open(turn)
        self._give_up_ms = now_ms + PATIENCE_MS
        return out

    def _audio(self, chunk: DownAudio, now_ms: float) -> Outputs:
        if self.phase != "playing" or chunk.turn != self.turn or chunk.turn in self._finals:
            self.dropped_foreign += 1
            return []
        if self.speaker.seq is None:
            self._report_ms = now_ms + REPEAT_MS
        self.speaker.push(chunk, now_ms)
        self._give_up_ms = now_ms + self.speaker.buffered_ms(now_ms) + PATIENCE_MS
        return self.tick(now_ms)

    def _flush(self, turn: int, now_ms: float) -> Outputs:
        """The hub has ended a turn. Answer every flush, also a second one and one of a turn that never sounded."""
        out = self._silence(now_ms, turn)
        if not out:
            known = self._finals.get(turn)
            out.append(known or self._remember(self._event("played", turn=turn, ms=0, final=True)))
        return out + self._over("interrupted") if turn == self.turn else out

    def _end(self, order: Control, now_ms: float) -> Outputs:
        """The hub is done with the turn; what is buffered is heard to its end first."""
        out = self._shut_mic(now_ms) if self._mic_open else []
        self._done = order
        if self.phase == "playing" and not self.speaker.finished:
            self.speaker.drain(now_ms)
            return out + self.tick(now_ms)
        return out + self._over(order.code)

    def _progress(self, now_ms: float) -> Outputs:
        if not self.speaker.finished:
            if now_ms < self._report_ms or not self.speaker.sounding:
                return []
            self._report_ms = now_ms + REPEAT_MS
            return [self._played(now_ms)]
        out: Outputs = []
        if self.turn not in self._finals:
            out.append(self._remember(self._played(now_ms, final=True)))
        self.phase = "waiting"
        return out + self._over(self._done.code) if self._done else out

    def _silence(self, now_ms: float, turn: int | None = None) -> Outputs:
        """Stop the speaker at once, if it has something of ``turn`` (None: of any) to play, and say how far it came."""
        if self.phase != "playing" or self.speaker.finished or turn not in (None, self.speaker.turn):
            return []
        self.speaker.flush(now_ms)
        self.phase = "waiting"
        out: Outputs = [self._remember(self._played(now_ms, final=True))]
        return out + self._over(self._done.code) if self._done else out

    def _over(self, code: str | None) -> Outputs:
        """Leave the turn, and take nothing of it any more."""
        out: Outputs = [Mic(open=False)] if self._mic_open else []
        out.append(TurnOver(self.turn, self._pressed, code))
        if self.turn is not None and self.turn not in self._finals:
            self._remember(self._event("played", turn=self.turn, ms=0, final=True))
        self.phase, self.turn, self._start, self._pressed = "idle", None, None, None
        self._mic_open, self._done = False, None
        return out

    def _shut_mic(self, now_ms: float) -> Outputs:
        self._mic_open = False
        if self.turn is not None:
            self.phase, self._give_up_ms = "waiting", now_ms + PATIENCE_MS
        return [Mic(open=False)]

    def _sent(self, frame: Recorded) -> list[UpAudio]:
        if self.turn is None or self.phase != "listening":
            return []
        return [UpAudio(self.device, self.turn, *frame)]

    def _stop(self) -> Outputs:
        return [self._event("stop", turn=self.turn)]

    def _played(self, now_ms: float, *, final: bool = False) -> Event:
        ms = round(self.speaker.position_ms(now_ms))
        return self._event("played", turn=self.speaker.turn, seq=self.speaker.seq, ms=ms, final=final)

    def _remember(self, final: Event) -> Event:
        """Keep the last words about a turn: it is silent from now on, and they may be asked for again."""
        if final.turn is not None:
            self._finals[final.turn] = final
            while len(self._finals) > _REMEMBERED_TURNS:
                del self._finals[next(iter(self._finals))]
        return final

    def _event(self, name: Literal["played", "underrun", "stop", "interrupt"], **fields: int | bool | None) -> Event:
        return Event.model_validate({"device": self.device, "event": name, **fields})

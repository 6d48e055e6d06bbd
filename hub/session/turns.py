"""What one toy and the hub are doing: the state machine of turns. No I/O and no clock.

Events and time go in, effects come out, in the order in which they are to happen::

    idle ── start ──► listening ── end of speech ──► thinking ── first piece ──► speaking/playing ── played ──► idle
               ▲          │ nobody spoke                │ too late, failure          │ start, interrupt, stop
               └──────────┴─────────────────────────────┴── apology ── done ◄────────┘

A turn that was interrupted is *closing* until the toy has reported what it played (or a moment has passed): then its
Done says what the child heard. Meanwhile the next turn has begun.
"""

from collections.abc import Callable
from typing import Literal

from hub.audio import RATE, Pcm
from hub.messages import (
    Action,
    Cancel,
    Control,
    Done,
    DownAudio,
    Event,
    Failure,
    Heard,
    Piece,
    Place,
    Reply,
    Request,
    Sentence,
    Speech,
    State,
    Track,
    Transcript,
    TurnMessage,
    Utterance,
)
from hub.messages.done import Outcome
from hub.messages.request import HUB_SERVES
from hub.messages.state import DeviceState
from hub.messages.transcript import Source
from hub.session.effects import CutOff, Effect, Listen, SetVolume, StopListening
from hub.session.endpointing import Event as EarEvent
from hub.session.endpointing import NoSpeech, SpeechEnded, SpeechStarted
from hub.session.playout import Begun, Playout
from hub.session.turn import Profile, Turn
from hub.settings import Settings

_UNTIL_PLAYED_S = 2.0
"""After the end by wall clock, how long a toy that reports what it plays has to say that it is done."""
_CUT_OFF_S = 1.5
"""A start so soon after the end of speech, unanswered, means that we had cut the child off."""
_SERVED_S = 10.0
"""How long a repeated start is told that its turn is over; a toy that was switched on again may count from 1."""
_SILENCED_MS = 150
"""A toy that says it has played all, and is so far from it, was silenced: more than the chunk that is being played."""
_PACKET_OVERHEAD = 40
"""Bytes of an MQTT packet beside topic and sound: fixed header, topic length, chunk header, and some air."""


class Session:
    """The conversation with one toy.

    Args:
        device: its id.
        settings: limits and deadlines.
        profile: what the toy is; read anew for each turn.
        new_turn: makes the id of a turn.
        sorry: the sound for a failure code, as a piece in the toy's format.
        epoch_s: Unix time minus the clock that ``now`` comes from.
    """

    def __init__(
        self,
        device: str,
        settings: Settings,
        profile: Profile,
        new_turn: Callable[[], int],
        sorry: Callable[[str], Speech],
        epoch_s: float,
    ) -> None:
        self._device, self._settings, self.profile = device, settings, profile
        self._new_turn, self._sorry, self._epoch_s = new_turn, sorry, epoch_s
        self._turn: Turn | None = None
        self._closing: list[Turn] = []
        self._held: list[TurnMessage] = []
        self._say: list[str] = []
        self._place: Place | None = None
        self._served: Control | None = None
        self._served_until = 0.0
        self._state: tuple[DeviceState, int | None, str | None] = ("idle", None, None)

    @property
    def state(self) -> DeviceState:
        """What the toy is doing."""
        return self._state[0]

    @property
    def listening_turn(self) -> int | None:
        """The turn that is being listened to."""
        return self._turn.id if self._turn and self._turn.phase == "listening" else None

    # -- from the toy

    def event(self, event: Event, now: float) -> list[Effect]:
        """A button, a wake word, a report of the toy."""
        match event.event:
            case "start":
                return self._start(event, now)
            case "interrupt" | "pause" if event.turn is not None and (not self._turn or event.turn != self._turn.id):
                return []  # about a turn that is over
            case "interrupt" | "pause":
                return self._interrupt(now) + self._show("idle")
            case "resume" | "button" if self._place and self._turn is None:
                return self.resume(self._place, now)
            case "played":
                return self._played(event, now)
        return []  # underrun, battery: the registry's; stop: the ear's

    def _start(self, event: Event, now: float) -> list[Effect]:
        turn = self._turn
        if turn and event.press is not None and event.press == turn.press:
            return [self._listening(turn)] if turn.phase == "listening" else []  # our answer was lost, or is on its way
        served = self._served if now < self._served_until else None
        if served and event.press is not None and event.press == served.press:
            return [served]  # came again after a reconnect; that turn is over
        out: list[Effect] = []
        if turn and turn.phase == "thinking" and turn.ended_by_silence and now - turn.spoken_end < _CUT_OFF_S:
            out.append(CutOff())
        out += self._interrupt(now)
        turn = self._begin(now, press=event.press, phase="listening")
        return [*out, Listen(turn.id, event), self._listening(turn), *self._show("listening", turn)]

    def _listening(self, turn: Turn) -> Control:
        return Control(device=self._device, control="listening", turn=turn.id, press=turn.press, from_seq=0)

    def heard(self, event: EarEvent, now: float) -> list[Effect]:
        """What the ear found in the toy's audio."""
        turn = self._turn
        if turn is None or turn.phase != "listening" or isinstance(event, SpeechStarted):
            return []
        stop: list[Effect] = [
            StopListening(turn.id),
            Control(device=self._device, control="stop_listening", turn=turn.id),
        ]
        if isinstance(event, NoSpeech):
            turn.spoken_end = now
            return stop + self._finish(turn, now, "nothing-said", "no-speech")
        turn.spoken_end = now - event.silence_ms / 1000
        turn.ended_by_silence = event.reason == "silence"
        turn.reached("end of speech decided", now)
        return stop + self._think(turn, self._utterance(turn, event, now), now)

    def _utterance(self, turn: Turn, event: SpeechEnded, now: float) -> TurnMessage:
        pcm: Pcm = event.pcm
        return self._message(
            turn, Utterance, now, pcm=pcm.astype("<i2").tobytes(), rate=RATE, language=self.profile.persona.language
        )

    def utterance(self, pcm: Pcm, now: float) -> list[Effect]:
        """A whole recording, sent at once."""
        out = self._interrupt(now)
        turn = self._begin(now)
        return out + self._think(turn, self._utterance(turn, SpeechEnded(pcm, 0, "stop"), now), now)

    def unreadable(self, code: str, now: float) -> list[Effect]:
        """A recording that cannot be used: the child is told, as in any turn that fails."""
        out = self._interrupt(now)
        return out + self._apologise(self._begin(now), code, now)

    def text(self, text: str, now: float) -> list[Effect]:
        """Text taken as if it had been said."""
        out = self._interrupt(now)
        turn = self._begin(now)
        message = self._message(turn, Transcript, now, text=text, language=self.profile.persona.language, source="text")
        return out + self._think(turn, message, now)

    def say(self, text: str, now: float) -> list[Effect]:
        """Have the toy say a text; after what it is doing now."""
        if self._turn is not None:
            if len(self._say) < 10:
                self._say.append(text)
            return []
        turn = self._begin(now)
        message = self._message(turn, Sentence, now, text=text, voice=self.profile.persona.voice, last=True)
        return self._think(turn, message, now)

    def resume(self, place: Place, now: float) -> list[Effect]:
        """Go on with a story or track."""
        out = self._interrupt(now)
        turn = self._begin(now)
        action = Action(name="play", slots={"item": place.item, "position": place.position})
        request = self._message(turn, Request, now, action=action, voice=self.profile.persona.voice)
        return out + self._think(turn, request, now)

    def stop(self, now: float) -> list[Effect]:
        """Be quiet, whoever asks."""
        self._say.clear()
        return self._interrupt(now) + self._show("idle")

    def gone(self, now: float) -> list[Effect]:
        """The toy has left; nobody hears the rest."""
        return self.stop(now)

    # -- from the workers

    def chain(self, message: TurnMessage, now: float) -> list[Effect]:
        """A message of the chain; what is not of the present turn and revision is dropped."""
        turn = self._turn
        if turn is None or message.turn != turn.id or message.revision != 1:
            return []
        if turn.phase == "listening" or turn.failed is not None:
            return []
        if isinstance(message, Transcript) and "first transcript" in turn.times_ms:
            return []  # a job that was offered twice was done twice; the first counts
        if turn.phase == "speaking":  # before that the child waits from the end of speech on, whatever comes
            turn.waiting_since = now
        turn.reached(f"first {message.topic.noun}", now)
        match message:
            case Transcript():
                return self._transcribed(turn, message.text, message.source, message.confidence)
            case Failure():
                return self._apologise(turn, message.code, now)
            case Request() if message.hands_over:
                return []
            case Speech() | Track() | Request():
                turn.playout.add(message)
                return self._advance(turn, now)
        return []

    def _transcribed(self, turn: Turn, text: str, source: Source, confidence: float) -> list[Effect]:
        turn.said = text
        return [Heard(device=self._device, turn=turn.id, text=text, source=source, confidence=confidence)]

    # -- time

    def tick(self, now: float) -> list[Effect]:
        """What is due by now."""
        out: list[Effect] = []
        for old in list(self._closing):
            if now >= old.waiting_since + self._settings.turn.played_s:
                out += self._close(old, now)
        turn = self._turn
        if turn is None:
            return out + (self.say(self._say.pop(0), now) if self._say else [])
        if turn.phase in ("thinking", "speaking"):
            out += self._advance(turn, now)
        return out

    def next_wake(self, now: float) -> float | None:
        """When ``tick`` should be called at the latest; None: when something happens."""
        times = [old.waiting_since + self._settings.turn.played_s for old in self._closing]
        turn = self._turn
        if turn is None and self._say:
            return now
        if turn and turn.phase == "thinking":
            times.append(turn.waiting_since + self._settings.turn.answer_s)
        elif turn and turn.phase == "speaking":
            due = turn.playout.next_due()
            if due is not None:
                times.append(due)
            elif turn.playout.finished:
                times.append(self._all_played_at(turn))
            else:
                times.append(self._next_deadline(turn))
        return min(times, default=None)

    def _next_deadline(self, turn: Turn) -> float:
        return max(turn.waiting_since, turn.playout.ends_at()) + self._settings.turn.next_s

    def _all_played_at(self, turn: Turn) -> float:
        return turn.playout.ends_at() + (_UNTIL_PLAYED_S if self.profile.reports_played else 0.05)

    # -- inside

    def _advance(self, turn: Turn, now: float) -> list[Effect]:
        out: list[Effect] = []
        if turn.phase == "thinking":
            if not turn.playout.ready:
                if now >= turn.waiting_since + self._settings.turn.answer_s:
                    return self._apologise(turn, "late", now)
                return []
            turn.phase = "speaking"
            out.append(Control(device=self._device, control="play", turn=turn.id))
        for step in turn.playout.due(now):
            if isinstance(step, Begun):
                out += self._begun(turn, step.piece)
            else:
                turn.reached("first chunk", now)
                out.append(DownAudio(self._device, turn.id, step.seq, step.timestamp_ms, step.flags, step.data))
        if (more := turn.playout.wants_more(self._settings.playout.more_ms)) is not None:
            index, action = more
            turn.waiting_since = now
            message = self._message(turn, Request, now, index=index, action=action, voice=self.profile.persona.voice)
            out.append(message)
        if turn.playout.finished:
            if turn.all_played or now >= self._all_played_at(turn):
                out += self._finish(turn, now, "failed" if turn.failed else "answered", turn.failed)
        elif turn.playout.dry and now >= self._next_deadline(turn):
            out += self._apologise(turn, "late", now)
        return out

    def _begun(self, turn: Turn, piece: Piece) -> list[Effect]:
        if isinstance(piece, Request):
            turn.actions.append(piece.action)
            return self._carry_out(piece.action)
        if not piece.frames if isinstance(piece, Speech | Track) else True:
            return []
        state: DeviceState = "playing" if piece.place else "speaking"
        return self._show(state, turn, piece.place.title if piece.place else None)

    def _carry_out(self, action: Action) -> list[Effect]:
        if action.name not in HUB_SERVES:
            return []
        match action.name:
            case "louder":
                return [SetVolume(by=+15)]
            case "quieter":
                return [SetVolume(by=-15)]
            case "volume":
                level = action.slots.get("level")
                return [SetVolume(level=level)] if isinstance(level, int) else []
        return []  # stop: this turn has already silenced what was playing

    def _apologise(self, turn: Turn, code: str, now: float) -> list[Effect]:
        if turn.failed is not None or turn.playout.finished:
            return []  # the child hears an apology already, or has the whole answer
        turn.failed = code
        turn.playout.replace_rest(self._sorry(code))
        cancel: list[Effect] = [self._message(turn, Cancel, now)]
        return cancel + self._advance(turn, now)

    def _played(self, event: Event, now: float) -> list[Effect]:
        for turn in [*self._closing, *([self._turn] if self._turn else [])]:
            if event.turn != turn.id or event.ms is None or turn.phase not in ("speaking", "closing"):
                continue
            self.profile.reports_played = True
            turn.played_ms, turn.played_at = min(event.ms, turn.playout.sent_ms), now
            turn.all_played = turn.all_played or event.final
            if not event.final:
                return []
            if turn in self._closing:
                return self._close(turn, now)
            if turn.playout.sent_ms - event.ms > _SILENCED_MS:  # the toy fell silent by itself: a press will follow
                return self._interrupt(now) + self._show("idle")
            return self._advance(turn, now)
        return []

    def _interrupt(self, now: float) -> list[Effect]:
        """Silence the present turn; its Done follows when the toy has said what it played."""
        turn, self._turn = self._turn, None
        if turn is None:
            return []
        out: list[Effect] = []
        if turn.phase == "listening":
            out.append(StopListening(turn.id))
            turn.spoken_end = now
            out.append(Control(device=self._device, control="flush", turn=turn.id))
            return out + self._report(turn, now, "interrupted", None)
        out.append(Control(device=self._device, control="flush", turn=turn.id))
        out.append(self._message(turn, Cancel, now))
        self._held.clear()  # of this turn; nobody waits for it any more
        if turn.played_ms is None or not turn.all_played:
            turn.played_ms, turn.played_at = turn.position_ms(now), now
        spoke = turn.phase == "speaking"
        turn.interrupted, turn.phase, turn.waiting_since = True, "closing", now
        self._closing.append(turn)
        if not spoke or turn.all_played or not self.profile.reports_played:
            out += self._close(turn, now)
        return out

    def _close(self, turn: Turn, now: float) -> list[Effect]:
        self._closing.remove(turn)
        out = self._report(turn, now, "interrupted", turn.failed)
        if not self._closing:
            out += self._held
            self._held = []
        return out

    def _finish(self, turn: Turn, now: float, outcome: Outcome, code: str | None) -> list[Effect]:
        self._turn = None
        out = self._report(turn, now, outcome, code)
        out.append(Control(device=self._device, control="done", turn=turn.id, code=code))
        return out + self._show("idle", code=code)

    def _report(self, turn: Turn, now: float, outcome: Outcome, code: str | None) -> list[Effect]:
        position = turn.position_ms(now) if outcome == "interrupted" else turn.playout.sent_ms
        heard = turn.playout.heard(position)
        found = turn.playout.place(position)
        place, ended = found or (None, False)
        self._place = None if ended else place or self._place
        done = self._message(
            turn, Done, now, outcome=outcome, code=code, said=turn.said, heard=heard, actions=turn.actions,
            place=place, place_ended=ended, times_ms=turn.times_ms,
        )  # fmt: skip
        if turn.press is not None:
            code_then = "interrupted" if outcome == "interrupted" else code
            self._served_until = now + _SERVED_S
            self._served = Control(
                device=self._device, control="error", turn=turn.id, press=turn.press, code=code_then or "over"
            )
        out: list[Effect] = [done]
        if turn.said or heard or code:
            out.append(Reply(
                device=self._device, turn=turn.id, text=heard, interrupted=turn.interrupted, code=code,
                latency_ms=turn.times_ms.get("first chunk"),
            ))  # fmt: skip
        return out

    def _begin(
        self, now: float, press: int | None = None, phase: Literal["listening", "thinking"] = "thinking"
    ) -> Turn:
        ahead = min(self._settings.playout.ahead_ms, self.profile.buffer_ms)
        room = self.profile.max_packet - len(DownAudio.topic.format(device=self._device)) - _PACKET_OVERHEAD
        playout = Playout(self.profile.output, ahead, max(room, 64))
        turn = Turn(self._new_turn(), press, playout, now, phase=phase, spoken_end=now, waiting_since=now)
        self._turn = turn
        return turn

    def _think(self, turn: Turn, message: TurnMessage, now: float) -> list[Effect]:
        """Hand the turn to the chain; not before the last turn is closed, or its reply is missing in the history."""
        turn.phase, turn.waiting_since = "thinking", now
        out = self._show("thinking", turn)
        if self._closing:
            self._held = [message]
            return out
        return [message, *out]

    def _message(self, turn: Turn, kind: type[TurnMessage], now: float, **fields: object) -> TurnMessage:
        patience = self._settings.turn.answer_s
        deadline = 0 if kind in (Done, Cancel) else int((now + self._epoch_s + patience) * 1000)
        return kind.model_validate(
            {"device": self._device, "turn": turn.id, "deadline_ms": deadline, "output": turn.playout.output, **fields}
        )

    def _show(
        self, state: DeviceState, turn: Turn | None = None, title: str | None = None, code: str | None = None
    ) -> list[Effect]:
        shown = (state, turn.id if turn else None, title)
        if shown == self._state and code is None:
            return []
        self._state = shown
        return [State(device=self._device, state=state, turn=shown[1], title=title, code=code)]

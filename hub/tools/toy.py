"""Be a toy: say something to the hub and hear the answer."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from hub import bus
from hub.audio import RATE, Pcm, to_wav
from hub.messages.parts import Codec
from hub.run import run
from hub.settings import BrokerSettings, load_settings
from hub.toy.client import Toy
from hub.toy.loudspeaker import Loudspeaker
from hub.toy.microphone import Microphone, SoundCard, read_sound
from hub.toy.protocol import Mode
from hub.toy.report import TurnReport
from hub.view.conversation import ConversationView
from hub.view.observer import observe, require_hub


def command(
    device: Annotated[str, typer.Option(help="Which toy to be.")] = "bear",
    say: Annotated[str | None, typer.Option(help="Text to speak, through espeak-ng.")] = None,
    wav: Annotated[Path | None, typer.Option(help="A sound file to speak.")] = None,
    mic: Annotated[bool, typer.Option("--mic", help="Speak yourself, through this computer's microphone.")] = False,  # noqa: FBT002 - a command-line flag
    codec: Annotated[str, typer.Option(help="opus or pcm16.")] = "opus",
    save: Annotated[Path | None, typer.Option(help="Write what was heard to this WAV file.")] = None,
    voice: Annotated[str, typer.Option(help="Voice of espeak-ng for --say.")] = "en-us",
    push: Annotated[bool, typer.Option("--push", help="Hold the button while there is sound.")] = False,  # noqa: FBT002 - a command-line flag
    play: Annotated[bool, typer.Option("--play", help="Play the answer through this computer's speakers.")] = False,  # noqa: FBT002 - a command-line flag
    interrupt_after: Annotated[float | None, typer.Option(help="Interrupt this many seconds into the answer.")] = None,
    seconds_limit: Annotated[float, typer.Option(help="How long the turn may take.")] = 60.0,
) -> None:
    """Say one thing to the hub as a toy would, print what happens, the answer and where the time went.

    The exit code is 0 only if the turn was answered.
    """
    if sum([say is not None, wav is not None, mic]) != 1:
        raise typer.BadParameter("one of --say, --wav and --mic is needed")
    if codec not in ("opus", "pcm16"):
        raise typer.BadParameter("opus or pcm16", param_hint="--codec")
    settings, reports = load_settings(), list[TurnReport]()
    act = _Act(settings.broker, device, "opus" if codec == "opus" else "pcm16", voice, "push" if push else "open",
               interrupt_after, seconds_limit, Loudspeaker() if play else None)  # fmt: skip
    run(lambda stop: act.run(say if say is not None else wav, reports, stop))
    if not reports:
        raise typer.Exit(130)
    if save:
        save.write_bytes(to_wav(reports[0].pcm, RATE))
        typer.echo(f"wrote {reports[0].pcm.size / RATE:.1f} s to {save}")
    wanted = interrupt_after is not None and reports[0].code == "interrupted"
    if not (reports[0].answered or wanted):
        typer.echo(f"toyhub: not answered: {reports[0].code or 'no sound came'}", err=True)
        raise typer.Exit(1)


class _Act:
    """One turn as a toy, for the command line."""

    def __init__(
        self, broker: BrokerSettings, device: str, codec: Codec, voice: str, mode: Mode,
        interrupt_after: float | None, limit_s: float, loudspeaker: Loudspeaker | None,
    ) -> None:  # fmt: skip
        self._broker, self._device, self._voice, self._mode = broker, device, voice, mode
        self._interrupt_after, self._limit_s, self._loudspeaker = interrupt_after, limit_s, loudspeaker
        self._view = ConversationView(Console(highlight=False), device)
        self._toy = Toy(device, broker, codec=codec, voice=voice, tap=self._tap)
        self._sounds = asyncio.Event()

    def _tap(self, thing: object) -> None:
        self._view.toy(thing)
        if self._toy.firmware.speaker.sounding:
            self._sounds.set()
        if self._loudspeaker:
            self._loudspeaker.take(thing)

    async def run(self, what: str | Path | None, reports: list[TurnReport], stop: asyncio.Event) -> None:
        """Watch, press, speak, hear; the report is appended to ``reports`` unless ``stop`` comes first.

        Raises:
            HubError: no broker, no hub, or nothing that can be said.
        """
        async with bus.connect(self._broker, f"eyes-{self._device}") as eyes:
            await require_hub(eyes)
            await observe(eyes, self._device, self._view.hub)
            async with self._toy as toy:
                sound = await toy.prepare(self._source(what), self._mode)
                reports.extend(await self._first(toy.say(sound, mode=self._mode, timeout_s=self._limit_s), stop))
                if reports:
                    await self._view.summary(reports[0])

    def _source(self, what: str | Path | None) -> str | Pcm | Microphone:
        if isinstance(what, str):
            return what
        if what is None:
            return SoundCard(self._toy.firmware.up)
        return read_sound(what)

    async def _first(self, saying: Coroutine[Any, Any, TurnReport], stop: asyncio.Event) -> list[TurnReport]:
        """The turn's report; none when the person at the keyboard has enough."""
        async with asyncio.TaskGroup() as tasks:
            turn = tasks.create_task(saying, name="toy-turn")
            others = [
                tasks.create_task(stop.wait(), name="toy-stop"),
                tasks.create_task(self._interrupt(), name="toy-interrupt"),
            ]
            await asyncio.wait((turn, others[0]), return_when=asyncio.FIRST_COMPLETED)
            for task in (turn, *others):
                task.cancel()
        return [] if turn.cancelled() else [turn.result()]

    async def _interrupt(self) -> None:
        if self._interrupt_after is not None:
            await self._sounds.wait()
            await asyncio.sleep(self._interrupt_after)
            self._toy.interrupt()

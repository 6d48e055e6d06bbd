"""toyhub: children's toys talk and listen, and a box in the same house answers.

The hub keeps state, workers do work: what must remember a device between two messages lives in ``hub/``, what can be
answered from one message lives in ``workers/`` and can be replicated. They know each other by topics only.

    toy ─ up/audio, event, text ─► hub ─ utterance ─► stt ─ transcript ─► memory ─ prompt ─► llm
     ▲                              ▲                                                        │ sentence, request
     └── down/audio, control ───────┴── speech ◄── tts ◄── sentence ── media ◄───────────────┘

In reading order:

    kernel      errors · topics · messages · settings · logs · audio · wire · bus (the only one that knows aiomqtt) ·
                dispatch · stage (the only consume loop) · engines · lines · store (the only one that knows SQLite)
    hub         process · session/: endpointing, playout, turn, turns (no I/O, no clock), ear, devices, sounds,
                detectors, conversation
    toy         a simulated toy that behaves like firmware: the reference of docs/protocol.md
    tools       cli and one file for each command · run · supervisor · broker · checkup · view · bench

Nothing in here imports ``workers``; the kernel imports nothing below it in this list.
"""

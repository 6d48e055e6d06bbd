"""Libraries to test on: an empty one, and one with the whole starter library."""

from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from workers.media import starter
from workers.media.catalogue import Catalogue
from workers.media.items import Item, Kind
from workers.media.library import Library
from workers.media.settings import LibrarySettings

CONFIG = Path(__file__).parents[3] / "config" / "library"

Samples = NDArray[np.int16]


@pytest.fixture(scope="session")
def starter_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library folder with the starter library, rendered once for all tests; do not change it."""
    folder = tmp_path_factory.mktemp("starter")
    assert len(list(starter.install(CONFIG, Catalogue(folder)))) >= 14
    return folder


@pytest.fixture(scope="session")
def starter_library(starter_files: Path) -> Iterator[Library]:
    with Library(LibrarySettings(folder=starter_files)) as library:
        yield library


@pytest.fixture
def own(tmp_path: Path) -> LibrarySettings:
    """An empty library with embedded Qdrant and no starter."""
    return LibrarySettings(folder=tmp_path / "library", qdrant_path=tmp_path / "qdrant", starter=False)


@pytest.fixture
def item() -> Callable[..., Item]:
    """Makes a small story with the given title."""

    def make(title: str, *, kind: Kind = "story", language: str = "en", id_: str = "", **more: object) -> Item:
        id_ = id_ or title.lower().replace(" ", "-")
        values = {"fingerprint": id_, "sentences": ("Hello.", "Goodbye."), **more}
        return Item.model_validate({"id": id_, "title": title, "kind": kind, "language": language, **values})

    return make


@pytest.fixture
def melody() -> Samples:
    """Seven seconds at 48 kHz, mono, in which no two places look alike: a rising tone over quiet noise."""
    t = np.arange(7 * 48_000) / 48_000
    noise = np.random.default_rng(7).normal(0, 200, len(t))
    return (9000 * np.sin(2 * np.pi * (200 + 60 * t) * t) + noise).astype(np.int16)


@pytest.fixture
def write_audio() -> Callable[..., Path]:
    """Writes mono samples at 48 kHz with a codec and tags into a file; its suffix picks the container."""

    def write(path: Path, samples: Samples, codec: str, **tags: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(path), "w") as container:
            container.metadata.update(tags)
            stream = container.add_stream(codec, rate=48_000)
            assert isinstance(stream, av.AudioStream)
            stream.codec_context.layout = "mono"
            formats = stream.codec_context.codec.audio_formats or []
            resampler = av.AudioResampler(formats[0].name if formats else "s16", "mono", 48_000)
            frame = av.AudioFrame.from_ndarray(samples[np.newaxis, :], format="s16", layout="mono")
            frame.sample_rate = 48_000
            fifo = av.AudioFifo()
            for converted in resampler.resample(frame):
                fifo.write(converted)
            while block := fifo.read(stream.codec_context.frame_size or 1024, partial=True):
                container.mux(stream.encode(block))
            container.mux(stream.encode(None))
        return path

    return write

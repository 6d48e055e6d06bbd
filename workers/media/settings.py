"""Settings of the media library: the key ``library`` in config/hub.yaml."""

from pathlib import Path
from typing import Self

from pydantic import ConfigDict, Field, SecretStr, model_validator

from hub.settings import Section, Settings, config_dir, validate


class LibrarySettings(Section):
    """Where the library lies and how it is searched."""

    model_config = ConfigDict(coerce_numbers_to_str=True)  # an API key of digits comes from the environment as a number

    folder: Path
    """Sidecars and audio. Replicas of the media stage share one."""
    starter_folder: Path | None = None
    """Notes and stories of the starter library."""
    starter: bool = True
    """Whether the starter library is there."""
    qdrant_path: Path | None = None
    """Embedded Qdrant keeps its index here; one process only. Neither path nor URL: in memory."""
    qdrant_url: str | None = None
    """A Qdrant server, for replicas; instead of the path."""
    qdrant_api_key: SecretStr | None = None
    """From the environment, never from a file in the repository."""
    collection: str = "toyhub-media"
    threshold: float = Field(default=0.38, gt=0, le=1)
    """Least likeness of what was said and a title. Measured: see tests/workers/media/test_titles.py."""

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.qdrant_path is not None and self.qdrant_url is not None:
            raise ValueError("qdrant_path and qdrant_url exclude each other")
        return self

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The library's part of all settings, with places in the data and config folders where none are named.

        Raises:
            SettingsError: a key that does not fit.
        """
        places = {"folder": settings.data_dir / "library", "starter_folder": config_dir() / "library"}
        if "qdrant_url" not in settings.library:
            places["qdrant_path"] = settings.data_dir / "qdrant"
        return validate(cls, {**places, **settings.library}, "library")

"""What can go wrong in the media library.

::

    StageError
    └── MediaError
        ├── MediaNotFound       no such item, or its file is gone
        ├── MediaUnreadable     a file that holds no sound we can decode
        └── IndexUnavailable    the Qdrant server does not answer
"""

from hub.errors import StageError


class MediaError(StageError):
    """The library cannot do what was asked."""

    code = "media-failed"


class MediaNotFound(MediaError):
    """The item or its file is not in the library (any more)."""

    code = "media-not-found"


class MediaUnreadable(MediaError):
    """A file that is damaged, protected or no audio at all; the message is the reason, for people."""

    code = "media-unreadable"


class IndexUnavailable(MediaError):
    """The Qdrant server cannot be reached or refused what was asked."""

    code = "media-index-unavailable"

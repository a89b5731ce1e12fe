"""Keep secrets out of tracebacks, because error reporters record the local variables of every frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType


class _OurFramesHidden:
    """Drops the frames of this package from the traceback of an error that passes through.

    The traceback then ends at the line of the caller, where the mistake is. The frame with the `with` statement is
    dropped too.
    """

    __slots__ = ()

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, traceback: TracebackType | None) -> None:
        if error is not None:
            frames: list[TracebackType] = []
            while traceback:
                frames.append(traceback)
                traceback = traceback.tb_next
            following = None
            for frame in reversed(frames):
                if not frame.tb_frame.f_globals.get("__name__", "").startswith(f"{__package__}."):
                    frame.tb_next = following
                    following = frame
            error.__traceback__ = following


our_frames_hidden = _OurFramesHidden()
"""`with our_frames_hidden:` stands in each public function that takes a secret."""

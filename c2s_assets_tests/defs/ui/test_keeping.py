"""A page that is asked for all the time is written some of the time."""

import threading

import pytest

from c2s_assets.core.errors import LakeError
from c2s_assets.defs.ui import keeping
from c2s_assets.defs.ui.keeping import KeptPage


class Clock:
    """Goes on when it is told to; half of the time is that of the processor."""

    now = 100.0

    def monotonic(self) -> float:
        """Seconds."""
        return self.now

    def thread_time(self) -> float:
        """Seconds of the processor."""
        return self.now / 2


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(keeping, "time", clock)
    return clock


def test_a_page_is_kept_for_ten_times_the_processor_time_that_it_took(clock: Clock) -> None:
    written = []

    def write() -> str:
        clock.now += 8.0
        written.append(clock.now)
        return f"as of {clock.now}"

    page = KeptPage(write)
    assert page() == "as of 108.0"
    clock.now = 147.0
    assert page() == "as of 108.0"
    clock.now = 148.0
    assert page() == "as of 156.0"
    assert len(written) == 2


def test_who_asks_while_it_is_written_gets_the_last_one(clock: Clock) -> None:
    told, may_end = threading.Event(), threading.Event()
    pages = iter(["first", "second"])

    def write() -> str:
        page = next(pages)
        if page == "second":
            told.set()
            assert may_end.wait(30)
        clock.now += 1.0
        return page

    page = KeptPage(write)
    assert page() == "first"
    clock.now += 20.0
    writing = threading.Thread(target=page)
    writing.start()
    assert told.wait(30)
    assert page() == "first"
    may_end.set()
    writing.join()
    assert page() == "second"


def test_what_could_not_be_written_is_tried_again(clock: Clock) -> None:
    pages = iter([LakeError("the record is torn"), "whole"])

    def write() -> str:
        clock.now += 1.0
        page = next(pages)
        if isinstance(page, LakeError):
            raise page
        return page

    page = KeptPage(write)
    with pytest.raises(LakeError):
        page()
    assert page() == "whole"

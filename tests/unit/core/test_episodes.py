"""Trouble is reported when it begins and when it is over, every time, and not in between."""

from processor.core.episodes import Episodes


def test_only_the_first_trouble_of_an_episode_is_reported_and_its_end_with_the_count():
    episodes = Episodes(quiet_s=30)
    assert [episodes.note("full", now_s) for now_s in (0, 10, 40)] == [True, False, False]
    assert episodes.end_quiet(60) == []
    (over,) = episodes.end_quiet(71)
    assert (over.kind, over.count, over.lasted_s) == ("full", 3, 40)
    assert not episodes
    assert episodes.note("full", 80)


def test_after_a_quiet_time_it_begins_again_although_nobody_asked_for_the_end():
    episodes = Episodes(quiet_s=30)
    assert episodes.note("full", 0)
    assert episodes.note("full", 31)


def test_kinds_are_apart_and_bounded():
    episodes = Episodes(quiet_s=30, max_kinds=2)
    assert [episodes.note(kind, 0) for kind in ("a", "b", "c", "a")] == [True, True, False, False]


def test_whoever_knows_that_it_is_over_ends_it():
    episodes = Episodes()
    episodes.note("away", 0, count=5)
    over = episodes.end("away")
    assert over is not None
    assert over.count == 5
    assert episodes.end("away") is None
    assert episodes.note("away", 1)

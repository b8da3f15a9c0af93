"""Notes of a version are cut from what is unreleased, once, and only where that makes sense."""

from datetime import date

import pytest

from release.changelog import cut, epoch_of, notes_of
from release.errors import ReleaseError

DAY = date(2026, 12, 1)
FIRST = "# Changelog\n\nNewest first.\n\n## Unreleased\n\n### New\n\n- One.\n- Two.\n"
CUT = (
    "# Changelog\n\nNewest first.\n\n## Unreleased\n\n"
    "## 1.0.0 - 2026-12-01\n\n### New\n\n- One.\n- Two.\n"
)


def test_the_notes_get_version_and_day_and_nothing_is_unreleased():
    assert cut(FIRST, "1.0.0", DAY) == CUT
    assert notes_of(CUT, "1.0.0") == "### New\n\n- One.\n- Two.\n"
    assert epoch_of(CUT, "1.0.0") == 1796083200


def test_cut_again_on_another_day_it_stays_as_it_is():
    assert cut(CUT, "1.0.0", date(2026, 12, 2)) == CUT


def test_older_notes_stay_below_the_new_ones():
    more = CUT.replace("## Unreleased\n", "## Unreleased\n\n- Three.\n")
    again = cut(more, "1.1.0", date(2027, 1, 1))
    assert again == CUT.replace("## 1.0.0", "## 1.1.0 - 2027-01-01\n\n- Three.\n\n## 1.0.0")
    assert notes_of(again, "1.1.0") == "- Three.\n"
    assert notes_of(again, "1.0.0") == notes_of(CUT, "1.0.0")


@pytest.mark.parametrize(
    ("changelog", "version", "message"),
    [
        (FIRST, "one", "is no version"),
        (FIRST, "v1.0.0", "write it as 1.0.0"),
        (FIRST, "1.0.0-rc1", "write it as 1.0.0rc1"),
        (FIRST, "1.0.0+mine", "write it as 1.0.0"),
        ("# Changelog\n", "1.0.0", "has no line '## Unreleased'"),
        (CUT, "1.1.0", "has nothing unreleased"),
        (CUT, "0.9.0", "is older than the last version, 1.0.0"),
        (CUT.replace("Unreleased\n", "Unreleased\n\n- Three.\n"), "1.0.0", "name a later version"),
    ],
)
def test_what_cannot_be_cut_is_refused_with_the_fix(changelog, version, message):
    with pytest.raises(ReleaseError, match=message):
        cut(changelog, version, DAY)


def test_a_version_that_is_not_released_has_no_day_and_no_notes():
    assert epoch_of(FIRST, "1.0.0") is None
    assert notes_of(FIRST, "1.0.0") == ""

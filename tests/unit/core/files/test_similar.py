from processor.core.files.similar import nearest


def test_nearest_word_is_found_in_any_case():
    assert nearest("europe/berln", ["Europe/Berlin", "Asia/Tokyo"]) == "Europe/Berlin"
    assert nearest("qqq", ["Europe/Berlin"]) == ""

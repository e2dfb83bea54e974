from training.emotion.card import prose


def head(shape: str, *, serve: bool = True) -> str:
    tables = {"version": "7", "provisional": False, "serve": serve, "trained_by": {"shape": shape}}
    return prose.head(tables, {"bytes": 812_345})


def test_the_card_tells_of_a_net_what_its_shape_is_named_for():
    assert "mirrored pairs" not in head("r32-48-96-256")
    assert "mirrored pairs" in head("m32-48-96-256-i192")
    assert "gates" not in head("m32-48-96-256-i192")
    assert "gates" in head("m32-48-96-256-i16-i64-i80-c5-g")


def test_the_card_of_a_version_set_aside_says_how_to_ask_for_it():
    assert "emotion=7" in head("r32", serve=False)
    assert "MIEN_MODEL_VERSIONS" not in head("r32")


def test_the_card_of_two_nets_says_that_they_are_two():
    tables = {"version": "7", "provisional": False, "trained_by": {"shape": "m1 > m2-g", "stages": [{}, {}]}}
    text = prose.head(tables, {"bytes": 2_400_000})
    assert "Two plain" in text
    assert "Two plain" not in head("m32")
    assert "2.4 MB" in text

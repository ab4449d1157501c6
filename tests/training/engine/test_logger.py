from faststyle.training.engine.logger import flatten_settings


def test_settings_are_named_as_on_the_command_line() -> None:
    config = {"loss": {"_target_": "x.Y", "style": {"relu1_2": 1.0}}, "seed": 0, "size": [1, 2]}
    expected = {"loss.style.relu1_2": 1.0, "seed": 0, "size": "[1, 2]", "init": "None"}
    assert flatten_settings(config | {"init": None}) == expected


def test_names_that_are_not_utf8_are_shown_escaped() -> None:
    assert flatten_settings({"image": "p\udce6.jpg"}) == {"image": "p\\udce6.jpg"}

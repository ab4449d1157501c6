from faststyle.training.settings import flat


def test_settings_are_named_as_on_the_command_line() -> None:
    config = {"loss": {"_target_": "x.Y", "style": {"relu1_2": 1.0}}, "seed": 0, "size": [1, 2]}
    assert flat(config) == {"loss.style.relu1_2": 1.0, "seed": 0, "size": "[1, 2]"}

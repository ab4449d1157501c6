from faststyle.core.assets import bundled_file


def test_what_ships_is_found() -> None:
    assert bundled_file("flow_field.png").is_file()
    assert not bundled_file("nothing.png").exists()

import pytest
from omegaconf import OmegaConf

from faststyle.config.compose import compose_config, instantiate
from faststyle.config.mistakes import report_config_errors
from faststyle.core.errors import UserError

"""Objects get the texts that settings hold, whatever these look like."""


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("style=stary_night", 'unknown style "stary_night": did you mean "starry_night"'),
        ("encoder=other", "choose one of: lite, vgg11,"),
        ("network=smal", 'unknown network "smal": did you mean "small"'),
        ("loss.stile_weight=3", 'unknown setting "loss.stile_weight": did you mean "loss.style_w'),
        ("trainer.max_stepz=3", 'did you mean "trainer.max_steps"'),
        ("loss.style.relu4_4=1", r"\+loss\.style\.relu4_4"),
        ("nothing_like_it=1", "choose one of: .*trainer"),
        ("trainer.max_steps", "trainer.max_steps is no setting: say KEY=VALUE"),
        ("experiment=smoke data.root=.", r"data\.root is no setting of what else is chosen"),
        ("experiment=gatys", r"gatys is for another command than train: optimize"),
    ],
)
def test_a_misspelt_override_is_named_with_the_nearest(override: str, message: str) -> None:
    with (
        pytest.raises(UserError, match=message),
        report_config_errors("train"),
    ):
        compose_config("train", override.split())


def test_a_missing_value_is_named() -> None:
    with (
        pytest.raises(UserError, match=r"image has no value"),
        report_config_errors("train"),
    ):
        _ = OmegaConf.create({"image": "???"}).image


def test_an_error_of_ours_inside_instantiate_comes_through() -> None:
    node = OmegaConf.create({"_target_": "faststyle.networks.TransformNetwork", "norm": "layer"})
    with (
        pytest.raises(UserError, match=r'network\.norm="layer"'),
        report_config_errors("train"),
    ):
        instantiate(node)


def test_a_choice_that_is_no_name_is_one_line() -> None:
    with (
        pytest.raises(UserError, match=r"a choice, as style= or encoder=, must be a name.*int"),
        report_config_errors("train"),
    ):
        compose_config("train", ["style=1"])


@pytest.mark.parametrize("text", ["a${b}", r"a\${b}", "${x}", "${", "plain"])
def test_a_text_is_not_resolved_twice(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace("${", r"\${")
    config = OmegaConf.create(
        {
            "x": escaped,
            "made": {"_target_": "builtins.dict", "direct": escaped, "by": "${x}", "in": [escaped]},
        }
    )
    made = instantiate(config.made)
    assert (made["direct"], made["by"], made["in"]) == (text, text, [text])
    assert config.made.direct == text, "what is given stays as it is"

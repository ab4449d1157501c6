"""Objects get the texts that settings hold, whatever these look like."""

import pytest
from omegaconf import OmegaConf

from faststyle.config.objects import instantiate


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

"""The loss that styles are trained with where nothing else is said.

``configs/loss/relative.yaml`` says the same, so that each weight can be set on a command line.
"""

CONTENT = {"relu3_3": 1.0}
STYLE = {"relu1_2": 0.2, "relu2_2": 0.2, "relu3_3": 1.0, "relu4_3": 1.0}
STYLE_WEIGHT = 1.0
STATISTIC = "moments"

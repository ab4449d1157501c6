import json

import torch

from faststyle.config.compose import compose_config
from faststyle.config.record import describe_run


def test_it_says_all_that_shapes_the_result_and_no_path_of_the_machine() -> None:
    cfg = compose_config(
        "train",
        [
            "data.root=/home/ann/photos",
            "encoder.weights=/home/ann/vgg19.pth",
            "style.image=/home/ann/my painting.jpg",
            "data.batch_size=6",
            "seed=7",
            "output_dir=/home/ann/run",
            "hydra.run.dir=/home/ann/run",
        ],
    )
    described = json.loads(json.dumps(describe_run(cfg)))
    assert "/home" not in str(described)
    settings = described["settings"]
    assert settings["seed"] == settings["data"]["seed"] == 7
    assert (settings["data"]["batch_size"], settings["data"]["size"]) == (6, 192)
    assert settings["encoder"]["weights"] == "vgg19.pth"
    assert settings["style"]["image"] == "my painting.jpg"
    assert settings["style"]["url"].startswith("https://")
    assert settings["model"]["photo_noise"] == 2
    assert described["versions"]["torch"] == torch.__version__.partition("+")[0]


def test_what_belongs_to_the_run_alone_is_left_out() -> None:
    cfg = compose_config("train", ["data.root=/photos", "output_dir=/tmp/a"])
    settings = describe_run(cfg)["settings"]
    assert not {"output_dir", "cache", "export", "logger", "resume"} & set(settings)

"""The command line for real: signals, processes, and mistakes."""

import functools
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from faststyle.networks import bake_style
from faststyle.optimization.paintings import load_paintings
from faststyle.styles import read_style
from faststyle.styles.predicted import predict_style
from tests.commands import Started, command, run_command, start_command
from tests.places import ASSETS, ROOT

SMOKE = ("experiment=smoke", "data=coco")


def train(
    folder: Path, *overrides: str, launcher: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    return Started([*launcher, *command("train", *SMOKE, *overrides)[1:]], folder).wait()


def _weights(path: Path) -> dict[str, torch.Tensor]:
    return read_style(path).network.state_dict()


def _runs(folder: Path) -> list[Path]:
    return sorted((folder / "outputs" / "flow_field").iterdir())


LONG = (
    "data=synthetic",
    "data.workers=1",
    "trainer.max_steps=40",
    "checkpoint_every_n_steps=1000",
    "temporal=on",
    "temporal.feature_weight=1",
)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    folder = tmp_path_factory.mktemp("undisturbed")
    assert train(folder, *LONG, "export.path=whole.safetensors").returncode == 0
    return _weights(folder / "whole.safetensors")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_resumes_to_the_same_weights_to_the_bit(
    tmp_path: Path, undisturbed: dict[str, torch.Tensor], number: signal.Signals
) -> None:
    process = start_command("train", *SMOKE, *LONG, "export.path=resumed.safetensors", cwd=tmp_path)
    outputs = tmp_path / "outputs" / "flow_field"
    deadline = time.monotonic() + 120
    while not list(outputs.glob("*/checkpoints/best.ckpt")) and time.monotonic() < deadline:
        time.sleep(0.05)
    # As terminals and schedulers do: loader processes get it too.
    process.send_signal(number, group=True)
    ended = process.wait(120)
    assert ended.returncode == 128 + number, ended.stderr
    assert "go on with resume=last" in (_runs(tmp_path)[0] / "train.log").read_text()
    assert not (tmp_path / "resumed.safetensors").exists()
    again = train(tmp_path, *LONG, "export.path=resumed.safetensors", "resume=last")
    assert again.returncode == 0, again.stderr
    assert "40/40" in again.stdout
    assert len(_runs(tmp_path)) == 1, "a resumed run goes on in its own folder"
    resumed = _weights(tmp_path / "resumed.safetensors")
    assert all(torch.equal(undisturbed[key], resumed[key]) for key in undisturbed)


DDP = ("trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2")


@pytest.mark.slow
def test_two_processes_train_several_styles_like_one(tmp_path: Path, photo_folder: Path) -> None:
    settings = (
        "styles=[flow_field,mine]",
        f"styles.mine.image={next(photo_folder.iterdir())}",
        f"data.root={photo_folder}",
        "data.val_photos=3",
        "trainer.max_steps=3",
        "trainer.val_check_interval=3",
        "trainer.precision=64-true",
        "temporal=on",
        "temporal.feature_weight=1",
        "export.path=out.safetensors",
        "export.half=false",
    )
    weights, losses = [], []
    for name, trainer in (("one", ("trainer=cpu",)), ("two", DDP)):
        folder = tmp_path / name
        folder.mkdir()
        run = train(folder, *trainer, *settings)
        assert run.returncode == 0, run.stderr
        weights.append(_weights(folder / "out.safetensors"))
        [output] = (folder / "outputs" / "styles").iterdir()
        events = EventAccumulator(str(output)).Reload()
        tags = ("train/loss", "train/loss/flow_field", "train/loss/mine")
        losses.append([event.value for tag in tags for event in events.Scalars(tag)])
    for key, expected in weights[0].items():
        torch.testing.assert_close(weights[1][key], expected, rtol=0, atol=1e-8)
    assert losses[1] == pytest.approx(losses[0], rel=1e-6)
    assert len(losses[0]) >= 6


@pytest.mark.slow
def test_photos_are_trained_on_whose_names_are_not_utf8(tmp_path: Path, photo_folder: Path) -> None:
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/\xe6")
    try:
        photo_folder.rename(folder)
    except OSError:
        pytest.skip("this disk has no such names")
    run = train(tmp_path, f"data.root={folder}", "data.val_photos=2", "trainer.max_steps=1")
    assert run.returncode == 0, run.stderr
    assert "Traceback" not in run.stderr
    [log] = (tmp_path / "outputs").rglob("train.log")
    assert "/\\udce6" in log.read_text()


@pytest.mark.slow
def test_two_processes_train_like_one_with_the_same_global_batch(
    tmp_path: Path, photo_folder: Path, free_port: Callable[[], int]
) -> None:
    results, exported = [], []
    torchrun = ("-m", "torch.distributed.run")
    endpoint = f"127.0.0.1:{free_port()}"
    of_two = ("--nnodes=2", "--rdzv_id=mine", "--rdzv_backend=c10d", f"--rdzv_endpoint={endpoint}")
    settings = (
        f"data.root={photo_folder}",
        "trainer.max_steps=3",
        "trainer.val_check_interval=3",
        # Adam's first steps turn the rounding of small gradients into whole steps.
        "trainer.precision=64-true",
        "export.path=out.safetensors",
        "export.half=false",
    )
    for name, trainer, launcher, machines in (
        ("one", ("trainer=cpu",), (), 1),
        ("two", DDP, (), 1),
        ("torchrun", DDP, (*torchrun, "--nproc_per_node=2"), 1),
        ("two machines", (*DDP, "trainer.devices=1"), (*torchrun, *of_two), 2),
    ):
        folder = tmp_path / name
        folder.mkdir()
        with ThreadPoolExecutor(machines) as pool:
            start = functools.partial(train, folder, *trainer, *settings, launcher=launcher)
            runs = [pool.submit(start) for _ in range(machines)]
        for run in runs:
            assert run.result().returncode == 0, run.result().stderr
        [output] = _runs(folder)
        assert len(list(output.glob("events.*"))) == 1
        assert [p.name for p in output.glob("*.log")] == ["train.log"]
        events = EventAccumulator(str(output)).Reload()
        results.append([e.value for tag in ("train/loss", "val/loss") for e in events.Scalars(tag)])
        exported.append(_weights(folder / "out.safetensors"))
    for other in exported[1:]:
        for key, expected in exported[0].items():
            torch.testing.assert_close(other[key], expected, rtol=0, atol=1e-8)
    assert len(results[0]) == 4
    for losses in results[1:]:
        assert losses == pytest.approx(results[0], rel=1e-6)
    _, by_lightning, by_torchrun, _ = exported
    assert results[1] == results[2]
    assert all(torch.equal(by_lightning[key], by_torchrun[key]) for key in by_lightning)


@pytest.mark.slow
def test_a_sweep_of_runs_of_two_processes_each_has_a_folder_for_each(
    tmp_path: Path, photo_folder: Path
) -> None:
    run = train(
        tmp_path,
        *DDP,
        "style.size=32,40",
        f"data.root={photo_folder}",
        "trainer.max_steps=1",
        "export.path=${output_dir}/out.safetensors",
        "-m",
    )
    assert run.returncode == 0, run.stderr
    folders = _runs(tmp_path)
    assert [path.name[-2:] for path in folders] == ["_0", "_1"]
    for folder, size in zip(folders, ("32", "40"), strict=True):
        assert read_style(folder / "out.safetensors").metadata.style_size == int(size)
        assert len(list(folder.glob("events.*"))) == 1


@pytest.mark.slow
def test_names_that_are_code_to_hydra_are_names(tmp_path: Path, photo_folder: Path) -> None:
    (tmp_path / "a${b}").symlink_to(photo_folder, target_is_directory=True)
    shutil.copy(ASSETS / "flow_field.png", tmp_path / "${name}${")
    given = ["style=by_image", "style.image=${name}${", "data.root=a${b}"]
    run = train(tmp_path, *given, "trainer.max_steps=1", r"export.path=\${out}.safetensors")
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "${out}.safetensors").is_file()


def test_a_folder_that_hydra_cannot_work_in_is_named(tmp_path: Path) -> None:
    (tmp_path / "a${b}").mkdir()
    run = train(tmp_path / "a${b}", "trainer.max_steps=1")
    assert (run.returncode, run.stderr.count("\n")) == (2, 1)
    assert "Hydra cannot work in a folder" in run.stderr


@pytest.mark.slow
def test_a_sweep_trains_every_style(tmp_path: Path, photo_folder: Path) -> None:
    image = ASSETS / "flow_field.png"
    run = train(
        tmp_path,
        "style=flow_field,mine",
        f"style.image={image}",
        f"data.root={photo_folder}",
        "trainer.max_steps=1",
        "export.path=checkpoints/${style.name}.safetensors",
        "-m",
    )
    assert run.returncode == 0, run.stderr
    assert sorted(p.name for p in (tmp_path / "checkpoints").iterdir()) == [
        "flow_field.safetensors",
        "mine.safetensors",
    ]
    assert sorted(p.name for p in (tmp_path / "outputs").iterdir() if p.is_dir()) == [
        "flow_field",
        "mine",
    ]


@pytest.mark.slow
def test_each_painting_in_a_list_becomes_a_style_though_one_is_missing(
    tmp_path: Path, photo_folder: Path
) -> None:
    paintings = [tmp_path / name for name in ("absent.jpg", "a night.jpg", "wave.jpg")]
    for painting in paintings[1:]:
        painting.write_bytes((photo_folder / "0.jpg").read_bytes())
    (tmp_path / "list.txt").write_text("\n".join(map(str, paintings)))
    run = train(
        tmp_path,
        "style=by_image",
        f"style.image=@{tmp_path / 'list.txt'}",
        f"data.root={photo_folder}",
        "trainer.max_steps=1",
        "export.path=checkpoints/${style.name}.safetensors",
        "-m",
    )
    assert run.returncode == 2
    assert "absent.jpg" in run.stderr
    assert "error: 1 of the sweep's runs failed: " in run.stderr
    assert sorted(path.stem for path in (tmp_path / "checkpoints").iterdir()) == [
        "a night",
        "wave",
    ]


def _begun(experiment: str, folder: Path) -> dict[str, torch.Tensor]:
    """The weights of a style of a flow field after a step that changes nothing."""
    image = ASSETS / "flow_field.png"
    choice = [f"style.image={image}", "style.name=own", "data.size=32", "style.size=64"]
    short = ["trainer.max_steps=1", "data.val_photos=1", "model.learning_rate=1e-9"]
    settings = (f"experiment={experiment}", *choice, *short, "export.half=false")
    run = run_command("train", *settings, cwd=folder)
    assert run.returncode == 0, run.stderr
    return _weights(folder / "checkpoints" / "own.safetensors")


def test_one_minute_begins_from_what_any_predicts_with_nothing_to_download(tmp_path: Path) -> None:
    own = _begun("one_minute", tmp_path)
    painting = load_paintings([str(ASSETS / "flow_field.png")], 64)
    predicted = predict_style(read_style(ROOT / "checkpoints" / "any.safetensors"), painting)
    expected = bake_style(predicted.network, torch.tensor([1.0, 0.0])).state_dict()
    for key, values in own.items():
        assert torch.allclose(values, expected[key], atol=1e-5), key


def test_ten_minutes_begin_from_the_gallery_with_nothing_to_download(tmp_path: Path) -> None:
    own = _begun("ten_minutes", tmp_path)
    shipped = _weights(ROOT / "checkpoints" / "gallery.safetensors")
    for key, values in own.items():
        of_styles = shipped[key].float()
        paintings = of_styles[:-1]  # the last is the photo itself
        expected = of_styles if of_styles.shape == values.shape else paintings.mean(0)
        assert torch.allclose(values, expected, atol=1e-6), key


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("style=stary_night",), 'unknown style "stary_night": did you mean "starry_night"'),
        (("style=mine",), "style.image has no value; pass style.image="),
        (("data.root=.", "export.path=/proc/x/y.safetensors"), "/proc/x"),
        (("data.root=only_broken",), "none of the 1 photos could be read"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    tmp_path: Path, overrides: tuple[str, ...], message: str
) -> None:
    (tmp_path / "only_broken").mkdir()
    (tmp_path / "only_broken" / "a.jpg").write_text("broken")
    run = train(tmp_path, *overrides)
    assert run.returncode == 2
    errors = [line for line in run.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert message in errors[0]
    assert "Traceback" not in run.stderr
    assert not list(tmp_path.rglob("*.safetensors"))

"""A clip that ends the process that it is done in ends no other."""

import os
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from faststyle.core.interrupts import Interrupts
from faststyle.files.jobs import Job
from faststyle.stylize.stylizer import Stylizer
from faststyle.video.clip_process import stylize_clips_apart
from faststyle.video.clips import ClipPipeline
from tests.commands import run_command
from tests.several import several_styles
from tests.video.made import MakeClip, frames_of
from tests.video.pipelines import clip_pipeline


@dataclass(frozen=True)
class Deadly(ClipPipeline):
    """Ends its process in the middle of a clip called so."""

    def write_clip(self, job: Job, temporary: Path, interrupts: Interrupts) -> str:
        if job.source.name.startswith("deadly"):
            temporary.write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGKILL)
        if job.source.name.startswith("slow"):
            job.source.with_suffix(".begun").touch()
            while not interrupts.received:
                time.sleep(0.05)
        return super().write_clip(job, temporary, interrupts)


def deadly(stylizer: Stylizer) -> Deadly:
    plain = clip_pipeline(stylizer, strength=0, smooth=0)
    return Deadly(plain.processor, plain.render, plain.write, plain.clip)


def test_the_clips_after_a_deadly_one_are_done_and_nothing_half_written_stays(
    tmp_path: Path, make_clip: MakeClip, stylizer: Stylizer, capfd: pytest.CaptureFixture[str]
) -> None:
    names = ["a.mp4", "deadly.mp4", "b.mp4", "absent.mp4"]
    sources = [make_clip(tmp_path / name) for name in names[:3]] + [tmp_path / names[3]]
    out = tmp_path / "out"
    jobs = [Job(source, out / source.name) for source in sources]
    assert stylize_clips_apart(deadly(stylizer), jobs) == 2
    assert sorted(path.name for path in out.iterdir()) == ["a.mp4", "b.mp4"]
    assert [len(frames_of(out / name)) for name in ("a.mp4", "b.mp4")] == [12, 12]
    said = capfd.readouterr()
    died = f"error: {sources[1]}: the process that did it has died: signal SIGKILL"
    assert died in said.err.splitlines()
    assert f"error: no such clip: {sources[3]}" in said.err.replace(f"{sources[3]}: ", "", 1)
    assert said.out.split() == [str(out / "a.mp4"), str(out / "b.mp4")]


def test_ctrl_c_ends_in_order(tmp_path: Path, make_clip: MakeClip, stylizer: Stylizer) -> None:
    names = ("slow.mp4", "b.mp4")
    clips = [make_clip(tmp_path / name, sound=False) for name in names]
    jobs = [Job(clip, tmp_path / f"out.{clip.name}") for clip in clips]

    def interrupt_once_it_has_begun() -> None:
        while not (tmp_path / "slow.begun").exists():
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt_once_it_has_begun, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        stylize_clips_apart(deadly(stylizer), jobs)
    assert len(frames_of(tmp_path / "out.slow.mp4")) == 1
    assert not (tmp_path / "out.b.mp4").exists()
    assert not list(tmp_path.glob("*.tmp"))
    assert not list(tmp_path.glob(".*"))


def test_a_clip_moves_from_one_style_to_another_there_too(
    tmp_path: Path, make_clip: MakeClip
) -> None:
    clip = make_clip(tmp_path / "a.mp4", 6, sound=False)
    here, there = [tmp_path / "h0.mkv"], [tmp_path / "t0.mkv", tmp_path / "t1.mkv"]
    for targets in (here, there):
        stylizer = Stylizer(several_styles(), device="cpu", mix={"night": 1})
        pipeline = clip_pipeline(stylizer, stylizer.move({"wave": 1}), smooth=0)
        assert stylize_clips_apart(pipeline, [Job(clip, target) for target in targets]) == 0
    for target in there:
        for found, expected in zip(frames_of(target), frames_of(here[0]), strict=True):
            assert (found == expected).all()


def test_progress_and_what_is_lost_are_shown_from_there(
    tmp_path: Path, make_clip: MakeClip
) -> None:
    names = ["a.mp4", "b.mp4"]
    for name in names:
        make_clip(tmp_path / name)
    given = ["--ckpt", "starry_night_small", *names, "--output", "out/", "--device", "cpu"]
    done = run_command("stylize", *given, "--size", "33", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for name in names:
        assert f"out/{name}: 44 x 33 pixels: what is odd" in done.stderr
    assert done.stderr.count("12/12") >= len(names)
    assert done.stdout.split() == [f"out/{name}" for name in names]

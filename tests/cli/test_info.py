import torch

from tests.commands import run_command


def test_a_report_of_a_bug_has_versions_devices_memory_and_folders() -> None:
    shown = run_command("info")
    assert (shown.returncode, shown.stderr) == (0, "")
    facts = dict(line.split(":", 1) for line in shown.stdout.splitlines())
    assert torch.__version__.split("+")[0] in facts["torch"]
    assert "bf16" in facts["processor"]
    assert facts["memory"].endswith(" free")
    assert facts["configs"].endswith("configs")
    assert {"faststyle", "Python", "system", "styles", "cache"} <= set(facts)

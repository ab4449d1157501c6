import errno
import subprocess
import sys
import textwrap

import pytest

from faststyle.core.errors import UserError, causes, nearest, problem, report_errors


def test_nearest_names_the_closest_option() -> None:
    assert nearest("relu3_5", ["relu3_3", "conv1_1"]) == 'did you mean "relu3_3"?'


def test_nearest_lists_all_options_once_when_none_is_close() -> None:
    assert nearest("xyz", ["b", "a", "b"]) == "choose one of: a, b"


def test_causes_are_what_an_error_was_raised_for_and_while_handling() -> None:
    first, second, third = KeyError("first"), ValueError("second"), TypeError("third")
    second.__cause__, third.__context__ = first, second
    assert list(causes(third)) == [third, second, first]
    assert list(causes(None)) == []


def test_causes_end_where_errors_go_round_in_a_circle() -> None:
    one, other = OSError("the disk is full"), RuntimeError("a thread has failed")
    one.__cause__, other.__context__ = other, one
    assert list(causes(one)) == [one, other]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (UserError("two\nlines"), "error: two lines\n"),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), "No space left on device: /x\n"),
        (PermissionError(errno.EACCES, "Permission denied", "/y"), "Permission denied: /y\n"),
        (OSError(errno.ENOENT, "No such file", b"/z"), "error: No such file: /z\n"),
        (OSError(errno.EIO, "Input/output error", "/usb"), "Input/output error: /usb\n"),
        (RuntimeError("Could not determine home directory."), "and paths without ~\n"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "error: too little memory: "),
        (MemoryError(), "error: too little memory: "),
    ],
)
def test_what_a_user_can_cause_is_one_line_and_status_2(
    error: Exception, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_info, report_errors():
        raise error
    assert exit_info.value.code == 2
    said = capsys.readouterr().err
    assert line in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (UserError("no such picture"), "no such picture"),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), "No space left on device: /x"),
        (MemoryError(), "too little memory: ask for fewer pixels, or fewer pictures at once"),
        (KeyError("a"), "KeyError: 'a' (a mistake of faststyle's: please report it)"),
    ],
)
def test_of_one_file_among_many_whatever_goes_wrong_is_a_line(error: Exception, line: str) -> None:
    assert problem(error) == line
    assert problem(error, "a.jpg") == f"a.jpg: {line}"
    assert problem(UserError("a.jpg is odd"), "a.jpg") == "a.jpg is odd"


def test_a_pipe_that_breaks_elsewhere_is_no_listener_who_left() -> None:
    with pytest.raises(BrokenPipeError), report_errors():
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError), report_errors():
        _ = 1 / 0


def test_an_interrupt_leaves_with_the_shells_status() -> None:
    with pytest.raises(SystemExit) as exit_info, report_errors():
        raise KeyboardInterrupt
    assert exit_info.value.code == 130


@pytest.mark.parametrize("command", [True, False])
def test_a_command_leaves_without_looking_for_garbage(command: bool) -> None:
    code = """
        from faststyle.core.errors import report_errors

        class Cycle:
            def __init__(self):
                self.me = self

            def __del__(self):
                print("found")

        def main():
            Cycle()
        """
    run = "with report_errors():\n    main()" if command else "main()"
    program = textwrap.dedent(code) + run
    found = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert (found.stdout, found.stderr) == ("" if command else "found\n", "")

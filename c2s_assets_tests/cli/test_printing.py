import pytest

from c2s_assets.cli.building import print_report
from c2s_assets.cli.printing import remark, say
from c2s_assets.defs.service import BuildReport, CheckOutcome, Step
from c2s_assets.storage.lake.layout import Layout


def test_what_is_said_is_no_command_to_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    say("title \x1b]0;owned\x07\nnext line")
    remark("donor \x1b[2Jgone\u202e")
    printed = capsys.readouterr()
    assert printed.out == "title \\x1b]0;owned\\x07\nnext line\n"
    assert printed.err == "donor \\x1b[2Jgone\\u202e\n"


def test_the_report_of_a_build_is_printed_as_text(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    steps = [Step("cell_metadata", 1.0, {}, "obs has no column \x1b[31mdonor")]
    broken = [CheckOutcome("cell_metadata", "donors_are_known", "\x9b31m is unknown", is_blocking=False)]
    print_report("a", BuildReport(succeeded=False, steps=steps, broken=broken, n_checks=1), Layout(tmp_path))
    printed = capsys.readouterr().out
    assert "FAILED: obs has no column \\x1b[31mdonor\n" in printed
    assert "donors_are_known: \\x9b31m is unknown\n" in printed

"""Numbers in options: what is wrong with one is said with the option and the entry."""

from __future__ import annotations

import pytest

from highfence.cli import main

WAYS = "Write 0.3, 3e-1, 3/10 or 30%"
LINES = ("map", "offshoring", "j_parts", "denial", "--x")
RANGE = ("tipping", "offshoring", "j_product", "--between")
GRID = ("sweep", "offshoring", "--grid")
PRECISION = ("solve", "chicken", "--concept", "logit", "--precision")
FALLBACK = ("solve", "chicken", "--concept", "bargaining", "--disagreement")
BELIEFS = ("robust", "offshoring", "--beliefs")
CORRELATE = ("robust", "offshoring", "--correlate")
FIT = ("fit", "small_yard_high_fence", "--vary")


@pytest.mark.parametrize(
    ("command", "given", "said"),
    [
        (LINES, "1,nan,3", "--x 1,nan,3: entry 2, 'nan', is not a finite number"),
        (LINES, "1,2,-inf", "--x 1,2,-inf: entry 3, '-inf', is not a finite number"),
        (LINES, "1,,3", "--x 1,,3: entry 2 is empty"),
        (LINES, "1,2,x", "--x 1,2,x: entry 3, 'x', is not a number"),
        (LINES, "1/0,2,3", "--x 1/0,2,3: entry 1, '1/0', is not a number"),
        (LINES, "1,2,1e400", "--x 1,2,1e400: entry 3, '1e400', is too large"),
        (LINES, "1,3,2", "--x 1,3,2: entry 3, 2, is not above entry 2, 3"),
        (LINES, "1,1,2", "--x 1,1,2: entry 2, 1, is not above entry 1, 1"),
        (LINES, "1,2", "--x '1,2' is neither LOW:HIGH nor three values and more"),
        (LINES, "1;2", "--x '1;2' is neither LOW:HIGH nor three values and more"),
        (LINES, "", "--x '' is neither LOW:HIGH nor three values and more"),
        (LINES, "0.3:0.1", "--x 0.3:0.1: the lower end, 0.3, is above the upper one, 0.1"),
        (LINES, "0.3:0.3", "--x 0.3:0.3: the lower end, 0.3, equals the upper one, 0.3"),
        (LINES, "0.3:", "--x '0.3:': both ends are needed"),
        (LINES, "0:nan", "--x 0:nan: the upper end, 'nan', is not a finite number"),
        (LINES, "0:0.1:3", "--x 0:0.1:3 is not LOW:HIGH"),
        (RANGE, "inf:1", "--between inf:1: the lower end, 'inf', is not a finite number"),
        (RANGE, "1:0", "--between 1:0: the lower end, 1, is above the upper one, 0"),
        (RANGE, "0.7", "--between 0.7 is not LOW:HIGH"),
        (GRID, "F=1,nan,3", "--grid F=1,nan,3: entry 2, 'nan', is not a finite number"),
        (GRID, "F=1,,3", "--grid F=1,,3: entry 2 is empty"),
        (GRID, "F=3:1:5", "--grid F=3:1:5: 3 is not below 1"),
        (PRECISION, "1,nan", "--precision 1,nan: entry 2, 'nan', is not a finite number"),
        (PRECISION, "x", "--precision x: 'x' is not a number"),
        (PRECISION, "1,", "--precision 1,: entry 2 is empty"),
        (FALLBACK, "row=1,column=inf", "the number of column, 'inf', is not a finite number"),
        (FALLBACK, "row=1,,column=2", "--disagreement row=1,,column=2: '' is not NAME=NUMBER"),
        (FALLBACK, "row=1,row=2", "--disagreement row=1,row=2: row is given twice"),
        (BELIEFS, "kl=nan", "--beliefs kl=nan: 'nan' is not a finite number"),
        (BELIEFS, "kl", "--beliefs 'kl' is not KIND=RADIUS"),
        (CORRELATE, "F,denial=x", "--correlate F,denial=x: 'x' is not a number"),
        (CORRELATE, "F=0.5", "--correlate 'F=0.5' is not A,B=R"),
        (FIT, "align=nan:2", "--vary align=nan:2: the lower end, 'nan', is not a finite number"),
        (FIT, "align=2:1", "--vary align=2:1: the lower end, 2, is above the upper one, 1"),
        (("tipping", "offshoring", "j_product", "--tolerance"), "nan", "nan is not a finite"),
        (("tipping", "offshoring", "j_product", "--tolerance"), "0", "0.0 is not in the range"),
        (("sweep", "offshoring", "--draws", "3", "--tolerance"), "nan", "nan is not a finite"),
        (("sweep", "offshoring", "--draws", "3", "--tolerance"), "inf", "inf is not a finite"),
        (("discover", "offshoring", "--condition", "x > 1", "--density"), "nan", "not a finite"),
    ],
    ids=lambda value: value if isinstance(value, str) and ":" not in value else None,
)
def test_a_wrong_number_is_named_with_its_option(command, given, said, capsys):
    assert main([*command, given]) == 2
    ended = capsys.readouterr()
    assert ended.out == ""
    assert said in ended.err
    # Nothing but the error: no note on a range that is none.
    assert len(ended.err.splitlines()) == 1


def test_what_numbers_may_be_is_said(capsys):
    main([*LINES, "1,2,x"])
    assert WAYS in capsys.readouterr().err


def test_a_count_of_plays_is_a_number_not_below_zero(tmp_path, capsys):
    file = tmp_path / "counts.csv"
    for count, said in (("nan", "the count, 'nan', is not a finite"), ("-1", "-1 is below 0")):
        file.write_text(f"player,strategy,count\nrow,swerve,{count}\n")
        assert main(["solve", "chicken", "--concept", "logit", "--counts", str(file)]) == 2
        assert said in capsys.readouterr().err

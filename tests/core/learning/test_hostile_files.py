"""Records, tickets and rosters that someone else wrote: refused with file, line, column and reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from authlens_core.learning.progress.record import LARGEST_RECORD, read_record
from authlens_core.learning.tickets import csv_row, issue, key_for_tickets, names_in, read_key, read_ticket
from authlens_core.values.errors import FileUnusable, LessonRefused

RECORD = """{"format": 1, "authlens": "0.1.0", "made_at": "2026-11-28T21:40:14Z",
 "now": {"lesson": "stolen-code", "phase": "break"},
 "lessons": [{"lesson": "stolen-code", "version": 1, "digest": "sha256:%s", "seed": 4711,
   "verdict": {"passed": true, "phases": ["run"], "right": 5},
   "tries": {"break": 2}, "hints": {"break": 1},
   "moves": [{"do": "login"},
             {"do": "call", "token": "$token"}]}]}
""" % ("0" * 64)


def test_the_record_that_the_table_below_spoils_is_one() -> None:
    record = read_record(RECORD.encode(), name="record.json")
    assert [move.verb for move in record.lessons[0].moves] == ["login", "call"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"format": 1', '"format": 2', "1:2: format 2; this version of authlens reads 1."),
        ('"format": 1', '"format": 1, "format": 1', '1:1: duplicate key "format".'),
        ('"format": 1', '"run": "rm -rf /"', "1:2: “run” means nothing here."),
        ('"format": 1, ', "", "1:1: “format” is missing."),
        ('"seed": 4711', '"seed": -1', "3:139: “lessons[0].seed”: Expected `int` >= 0."),
        ('"seed": 4711', '"seed": 1e400', "3:139: "),
        ('"seed": 4711', f'"seed": {2**32}', "3:139: “lessons[0].seed”: Expected `int` <= 4294967295."),
        ('"seed": 4711', '"seed": 4711, "path": "/etc"', "3:153: “path” means nothing here."),
        ('"passed": true', '"passed": "yes"', "4:16: “lessons[0].verdict.passed”: Expected `bool`"),
        ('"right": 5', '"right": 6', "4:51: “lessons[0].verdict.right”: Expected `int` <= 5."),
        ('["run"]', '["ran"]', "4:43: “ran” is no value of “lessons[0].verdict.phases[0]”."),
        ('{"break": 2}', '{"brake": 2}', "5:4: “brake” is no value of “lessons[0].tries”."),
        ('{"break": 2}', '{"break": -2}', "5:4: “lessons[0].tries[...]”: Expected `int` >= 0."),
        ('"do": "login"', '"do": "exec"', "6:15: there is no move “exec”."),
        ('"do": "login"', '"do": "login", "url": "https://evil.example"', "6:30: “url” means nothing here."),
        ('"$token"', '"eyJhbGciOiJub25lIn0"', "7:29: “lessons[0].moves[1].token”: a credential is named"),
        ('"$token"', '"$token\\ud800"', "7:51: no JSON: unexpected end of escaped utf-16"),
        ('"phase": "break"', '"phase": "end"', "2:35: “end” is no value of “now.phase”."),
        ('"stolen-code", "version"', f'"{"x" * 81}", "version"', "3:15: “lessons[0].lesson”: Expected `str`"),
        ('"lessons": [', f'"lessons": [{"{}, " * 64}', "3:14: “lesson” is missing."),
        ('"moves": [', f'"moves": [{", ".join(["{"] * 1)}', "6:15: no JSON: "),
        ("}]}\n", "}]} x", "7:53: no JSON: "),
        ('"authlens": "0.1.0"', '"authlens": "\x1b]0;owned\x07"', "1:28: no JSON: "),
        ('"authlens": "0.1.0"', '"\x1b[2J": 1', "1:"),
        ('"authlens": "0.1.0"', '"authlens": "\\u001b[2J"', "1:15: “authlens”: Expected `str` matching"),
        ('"stolen-code", "version"', '"a\\nb", "version"', "3:15: “lessons[0].lesson”: Expected `str` match"),
        (RECORD, "", "1:1: the file is empty, or its end is missing."),
        (RECORD, "[" * 100_000, "1:1: "),
        (RECORD, "{" + " " * LARGEST_RECORD, "1:1: the file has more than 512 KiB."),
    ],
)  # fmt: skip
def test_a_record_is_refused_at_its_place(old: str, new: str, said: str) -> None:
    assert old in RECORD
    text = RECORD.replace(old, new, 1)
    with pytest.raises(LessonRefused) as refused:
        read_record(text.encode(), name="record.json")
    assert str(refused.value).startswith(f"record.json:{said}")
    assert str(refused.value).isprintable()


def test_a_lesson_is_in_a_record_once() -> None:
    lesson = RECORD.partition('"lessons": [')[2].rpartition("]}")[0]
    with pytest.raises(LessonRefused, match=r"record\.json:\d+:3: the lesson “stolen-code” is there twice"):
        read_record(RECORD.replace("[{", f"[{lesson},\n {{", 1).encode(), name="record.json")


TICKET = str(issue(b"k" * 32, "mid-term", "Ada Lovelace"))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("authlens1", "authlens2", "1:1: a ticket has the form authlens1.EXAM.NAME.CODE."),
        ("authlens1.", "", "1:1: a ticket has the form"),
        ("mid-term", "../../etc", "1:1: a ticket has the form"),
        ("mid-term", "mid/term", "1:11: the exam of the ticket is no name."),
        ("QWRh", "QW*h", "1:20: the ticket names no student."),
        ("QWRh", "Äda", "1:20: the ticket names no student."),
        ("QWRh", "\udcff", "1:20: the ticket names no student."),
        ("QWRh", "G1sy", "1:20: the ticket names no student."),
        ("YWNl.", "YWNl=.", "1:20: the ticket names no student."),
        (TICKET[-32:], "Z" * 32, "1:37: the code of the ticket has 32 digits from 0 to f."),
        (TICKET[-32:], "0" * 600, "1:1: a ticket has the form"),
    ],
)  # fmt: skip
def test_a_ticket_is_refused_at_its_place(old: str, new: str, said: str) -> None:
    assert old in TICKET
    with pytest.raises(LessonRefused) as refused:
        read_ticket(TICKET.replace(old, new, 1), place="ada.ticket")
    assert str(refused.value).startswith(f"ada.ticket:{said}")


def test_only_the_key_and_the_name_of_the_student_make_a_ticket() -> None:
    ticket = read_ticket(TICKET)
    assert (ticket.name, ticket.exam, ticket.is_genuine(b"k" * 32)) == ("Ada Lovelace", "mid-term", True)
    assert not ticket.is_genuine(b"K" * 32)
    other = read_ticket(TICKET.replace("mid-term", "final"))
    assert not other.is_genuine(b"k" * 32)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "1:1: the first line names the columns, and one of them is “name”."),
        (b"Ada\nGrace\n", "1:1: the first line names the columns"),
        (b"name,name\nAda,Ada\n", "1:1: the first line names the columns"),
        (b"id,name\n1,Ada\n2\n", "3:1: a name has 1 to 80 printable characters"),
        (b"id,name\n1,\x1b[2J\n", "2:3: a name has 1 to 80 printable characters"),
        (b'name\n"Ada\nLovelace"\n', "3:1: a name has 1 to 80 printable characters"),
        (b"name\nAda\n\nAda\n", "4:1: “Ada” is there twice; add what tells them apart."),
        (b'name\n"Ada" Lovelace\n', "2:1: no CSV: "),
        (b"name\rAda\rAda\r", "3:1: “Ada” is there twice; add what tells them apart."),
        (b'"name', "1:1: no CSV: unexpected end of data."),
        (b'name\n"Ada\n', "2:1: no CSV: unexpected end of data."),
        (b"name\n\xff\n", "2:1: not UTF-8."),
        (b"name\n", "1:1: the roster has no students."),
    ],
)
def test_a_roster_is_refused_at_its_place(data: bytes, said: str, tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_bytes(data)
    with pytest.raises(LessonRefused) as refused:
        names_in(roster)
    assert str(refused.value).startswith(f"roster.csv:{said}")
    assert str(refused.value).isprintable()


def test_the_key_of_an_exam_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "key"
    key, is_new = key_for_tickets(path)
    assert (is_new, path.stat().st_mode & 0o777) == (True, 0o600)
    assert key_for_tickets(path) == (key, False)
    path.chmod(0o644)
    with pytest.raises(FileUnusable, match="can be read by others"):
        read_key(path)
    path.chmod(0o600)
    path.write_text("secret")
    with pytest.raises(FileUnusable, match="is no key of an exam"):
        read_key(path)


@pytest.mark.parametrize(
    ("cells", "row"),
    [
        (["Ada, L.", 'a"b', ""], '"Ada, L.","a""b",'),
        (['=HYPERLINK("https://evil.example")', "x"], '"\'=HYPERLINK(""https://evil.example"")",x'),
        (["@SUM(1)", "+1", "-1", "＝1"], "'@SUM(1),'+1,'-1,'＝1"),
        (["Ada;=1+1", "x"], '"Ada;=1+1","x"'),
        (["\t=1"], "'\t=1"),
    ],
)
def test_no_cell_of_a_table_becomes_a_formula(cells: list[str], row: str) -> None:
    assert csv_row(cells) == row

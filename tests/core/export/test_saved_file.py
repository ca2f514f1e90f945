"""An export in a file is the owner's alone, replaces nothing unasked, and is read as a stranger's."""

import os
import stat
from pathlib import Path

import pytest
from msgspec.structs import replace

from authlens_core.export.formats import FORMATS, file_name
from authlens_core.export.redaction import redacted_trace
from authlens_core.export.saved_file import open_session_file, typed_path, write_export
from authlens_core.export.session_file import MAX_SESSION_BYTES, session_json
from authlens_core.trace.record import Trace
from authlens_core.values.check import Diagnosis
from authlens_core.values.errors import FileExists, FileUnusable
from support.driven_login import Recorded, leaks
from support.hostile_folder import AT_PARENT, HostileFolder, snapshot
from support.hostile_trace import CANARY


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_the_file_is_its_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    """0600 from its first moment."""
    before = os.umask(0)
    try:
        write_export(tmp_path / "a", "x")
        write_export(tmp_path / "a", "y", force=True)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600


def test_no_file_is_replaced_unasked(tmp_path: Path) -> None:
    """O_EXCL: neither a file nor where a link points to."""
    there, link = tmp_path / "there", tmp_path / "link"
    there.write_text("mine")
    link.symlink_to(tmp_path / "nowhere")
    for path in (there, link):
        with pytest.raises(FileExists, match="was not changed"):
            write_export(path, "x")
    assert there.read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


def test_force_replaces_a_link_and_not_what_it_points_to(tmp_path: Path) -> None:
    """The file goes whole, and nothing is left beside it."""
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("mine")
    link.symlink_to(target)
    write_export(link, "x", force=True)
    assert (link.read_text(), target.read_text(), link.is_symlink()) == ("x", "mine", False)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link", "target"]


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("name", AT_PARENT)
def test_a_file_is_saved_nowhere_that_a_link_in_the_current_directory_leads_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, force: bool, whole: bool
) -> None:
    """H331, H335: from the dialogs of the app as from the command line; a whole path is no other."""
    folder = HostileFolder.below(tmp_path)
    monkeypatch.chdir(folder.project)
    AT_PARENT[name](folder, folder.project / "sub")
    before = snapshot(tmp_path)
    path = Path("sub") / "saved.svg"
    with pytest.raises(FileUnusable) as refused:
        write_export(path.absolute() if whole else path, "x", force=force)
    assert "sub is " in refused.value.cause
    assert snapshot(tmp_path) == before


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """Cause and cure, no traceback."""
    with pytest.raises(FileUnusable) as refused:
        write_export(tmp_path / "no" / "such", "x")
    assert refused.value.cure


def test_what_cannot_be_replaced_is_not_offered_to_be(tmp_path: Path) -> None:
    """A FIFO stays one with `--force`, too."""
    os.mkfifo(tmp_path / "fifo")
    for force in (False, True):
        with pytest.raises(FileUnusable, match="is a FIFO"):
            write_export(tmp_path / "fifo", "x", force=force)


def test_a_name_that_is_too_long_is_said(tmp_path: Path) -> None:
    path = typed_path(str(tmp_path / ("a" * 300)))
    with pytest.raises(FileUnusable, match="too long"):
        write_export(path, "x")
    with pytest.raises(FileUnusable, match="too long"):
        open_session_file(path)


@pytest.mark.parametrize("name", ["", "  ", "a\0b", "~nobody-of-this-name/x", "."])
def test_what_names_no_file_is_refused(name: str) -> None:
    with pytest.raises(FileUnusable):
        typed_path(name)


def test_what_is_no_plain_file_is_not_read(tmp_path: Path) -> None:
    """A FIFO without a writer does not hang, a directory and a missing file are said."""
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", tmp_path, tmp_path / "none"):
        with pytest.raises(FileUnusable):
            open_session_file(path)


def test_a_file_without_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(MAX_SESSION_BYTES * 40)
    with pytest.raises(FileUnusable, match="larger than 32 MiB"):
        open_session_file(path)


@pytest.mark.parametrize("name", FORMATS)
def test_every_form_hides_the_secrets_and_says_that_it_was_tampered_with(name: str, hostile: Trace) -> None:
    """V-7, and a tampered trace is marked as such everywhere; evidence is exported."""
    words = f"the verifier {CANARY} was changed"
    found = Diagnosis(CANARY, CANARY, CANARY, ("HTTP/1.1 400", CANARY), CANARY)
    record = replace(hostile.records[0], tampering=(words,), diagnosis=found)
    text = FORMATS[name].write(replace(hostile, records=(record, *hostile.records[1:])))
    assert leaks(text, CANARY) == []
    assert "tampering" in text or "TAMPERED" in text
    assert "was changed" in text
    assert name == "curl" or "HTTP/1.1 400" in text


@pytest.mark.parametrize("name", FORMATS)
def test_an_honest_trace_is_not_called_tampered(name: str, login: Recorded) -> None:
    assert "TAMPERED" not in FORMATS[name].write(login.trace)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://wiki.example.com/a", "wiki.example.com"),
        ("https://../../etc/passwd", "authlens"),
        ("https://[::1]:80/", "1"),
        ("\x1b]0;x\x07", "authlens"),
        ("https://[", "authlens"),
        ("https://" + "a" * 500, "a" * 80),
    ],
)
def test_the_name_of_a_file_is_harmless(login: Recorded, url: str, host: str) -> None:
    """No path, nothing that a shell, a terminal or Windows reads as its own."""
    day = f"{login.trace.started_at:%Y%m%d}"
    trace = replace(login.trace, resource_url=url)
    assert file_name(trace, FORMATS["session"]) == f"{host}-login-{day}.authlens.json"


def test_a_session_file_opens_again(login: Recorded, tmp_path: Path) -> None:
    path = tmp_path / "login.authlens.json"
    write_export(path, session_json(login.trace))
    assert open_session_file(path) == redacted_trace(login.trace)

"""The pages in the browser: constant, accessible, and allowed to load nothing."""

import base64
import hashlib
from html.parser import HTMLParser

import pytest

from authlens_core.login.callback.browser_pages import CONTENT_SECURITY_POLICY, STYLE, Page, render

EVERY_PAGE = list(Page)


class Outline(HTMLParser):
    """The elements of a page, their attributes and their text."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str | None]] = []
        self.text: dict[str, str] = {}
        self.feed(page.decode("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the element and its attributes."""
        self.elements.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in {"meta", "link"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.text[self.open[-1]] = self.text.get(self.open[-1], "") + data


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_style_is_the_one_that_the_policy_allows(page: Page) -> None:
    """LB-11: the hash in the header is the hash of the style in the page, or the browser drops the style."""
    style = Outline(render(page)).text["style"]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in CONTENT_SECURITY_POLICY


def test_policy_allows_nothing_else() -> None:
    """LB-11: no source but the one style, no base, no form, no frame."""
    directives = dict(each.strip().split(" ", 1) for each in CONTENT_SECURITY_POLICY.split(";"))
    assert directives.pop("style-src").startswith("'sha256-")
    assert directives.pop("img-src") == "data:"
    assert directives == dict.fromkeys(
        ("default-src", "base-uri", "form-action", "frame-ancestors"), "'none'"
    )


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_page_loads_nothing_and_runs_nothing(page: Page) -> None:
    """BC-4, LB-11: no script, no address of any kind but the empty icon, no inline style or handler."""
    outline = Outline(render(page))
    assert set(outline.elements) == {
        *("html", "head", "meta", "title", "link", "style", "body", "main", "h1", "p")
    }
    linked = [(name, value) for tag, name, value in outline.attributes if tag == "link"]
    assert linked == [("rel", "icon"), ("href", "data:,")]
    names = {name for tag, name, _ in outline.attributes if tag != "link"}
    assert names <= {"lang", "charset", "name", "content", "class"}
    assert b"://" not in render(page)
    assert b"&" not in render(page)  # its words need no escape
    assert "url(" not in STYLE
    assert "@import" not in STYLE


@pytest.mark.parametrize("page", EVERY_PAGE)
def test_page_can_be_read_by_everybody(page: Page) -> None:
    """A language, a title that says the same as the one heading, one main part, and every element closed."""
    outline = Outline(render(page))
    assert ("html", "lang", "en") in outline.attributes
    assert outline.text["title"] == f"{outline.text['h1']} · authlens"
    assert [outline.elements.count(each) for each in ("main", "h1", "title")] == [1, 1, 1]
    assert outline.open == []


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_contrast_is_at_least_seven_to_one(scheme: int) -> None:
    """WCAG 2.2 §1.4.6 in both colour schemes, for the text and for the line below it."""
    block = STYLE.split(":root{")[1 + scheme]
    colours = dict(each.split(":") for each in block.split("}")[0].split(";") if each.startswith("--"))
    paper = luminance(colours["--paper"])
    for name in ("--ink", "--soft"):
        ink = luminance(colours[name])
        assert (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) >= 7


@pytest.mark.parametrize("page", [Page.SUCCESS, Page.DENIED, Page.OUTDATED, Page.ERROR, Page.RECEIVED])
def test_page_says_to_close_the_tab_and_go_to_the_terminal(page: Page) -> None:
    """LB-11: no script can clear the address bar, so the page says what to do."""
    text = Outline(render(page)).text["p"].lower()
    assert "close this tab" in text
    assert "terminal" in text


def test_each_page_has_words_of_its_own() -> None:
    assert len({Outline(render(page)).text["h1"] for page in Page}) == len(Page)

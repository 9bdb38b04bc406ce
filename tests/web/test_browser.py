"""The page in a real browser: under its policy, in three languages, by keyboard, with hostile data and with none."""

from __future__ import annotations

import pytest

from api.fake_node import HOSTILE_TEXT, FakeNode
from web.chromium import Page
from web.conftest import Start

pytestmark = pytest.mark.tool("chromium")
ENTER, TAB = ("Enter", 13), ("Tab", 9)


def sign_in(page: Page, token: str = "a" * 40) -> None:
    """Type the token where the focus is, and press Enter."""
    page.until("document.activeElement.id === 'token'")
    page.type(token)
    page.press(*ENTER)


def test_signing_in_shows_the_node_without_a_complaint(browser: Page, serve: Start) -> None:
    """By keyboard alone: a wrong token is told, the right one shows warnings, events and peers; the policy holds."""
    browser.open(serve(FakeNode()))
    sign_in(browser, "wrong")
    browser.until("document.querySelector('#login-error').innerText.includes('not valid')")
    sign_in(browser)
    browser.until("!document.querySelector('#view').hidden")
    assert "2,400,000" in browser.text("#figures")
    assert browser.evaluate("document.querySelectorAll('#warnings tbody tr').length") == 4
    assert "5 h" in browser.text("#warnings")
    assert browser.evaluate("document.querySelectorAll('#events rect.cell title').length") == 24 * 6
    assert "harbour" in browser.text("#peers")
    assert "verified" in browser.text("#peers")
    assert "tw-kr" in browser.text("#circles")
    assert browser.complaints() == []


def test_hostile_values_stay_text(browser: Page, serve: Start) -> None:
    """Markup in a warning's value is shown as it is and never becomes an element."""
    browser.open(serve(FakeNode()))
    sign_in(browser)
    browser.until("document.querySelector('#warnings table') !== null")
    assert HOSTILE_TEXT in browser.text("#warnings")
    assert browser.evaluate("document.querySelectorAll('main img').length") == 0
    assert browser.complaints() == []


def test_the_policy_really_bites(browser: Page, serve: Start) -> None:
    """Markup sinks, inline scripts and styles, and other hosts are stopped by the browser itself."""
    browser.open(serve(FakeNode()))
    assert browser.evaluate(
        "(() => { try { document.body.innerHTML = '<b>x</b>'; return false } catch { return true } })()"
    )
    browser.evaluate(
        "(() => { const s = document.createElement('style'); s.textContent = 'p{}'; document.head.append(s) })()"
    )
    browser.until("window.violations.some((v) => v.startsWith('style-src'))")
    assert browser.evaluate("fetch('http://192.0.2.1/').then(() => false, () => true)")
    browser.until("window.violations.some((v) => v.startsWith('connect-src'))")


@pytest.mark.parametrize(
    ("tag", "place", "expected"),
    [
        ("en", "#warnings-title", "Warnings"),
        ("zh-Hant", "#warnings-title", "預警"),
        ("ko", "#warnings-title", "조기경보"),
    ],
)
def test_the_page_speaks_three_languages(browser: Page, serve: Start, tag: str, place: str, expected: str) -> None:
    """Choosing a language changes every sentence, the lang attribute and the figures, and is remembered."""
    address = serve(FakeNode())
    browser.open(address)
    sign_in(browser)
    browser.until("document.querySelector('#warnings table') !== null")
    browser.evaluate(f"document.querySelector('#languages [lang=\"{tag}\"]').click()")
    assert browser.evaluate("document.documentElement.lang") == tag
    assert browser.text(place) == expected
    assert "undefined" not in browser.text("body")
    assert "{" not in browser.text("main")
    browser.open(address)
    assert browser.evaluate("document.documentElement.lang") == tag
    assert browser.complaints() == []


def test_a_first_day_is_not_a_blank_page(browser: Page, serve: Start) -> None:
    """A node without data says so in each part, and what to do about it."""
    browser.open(serve(FakeNode(empty=True)) + "/?lang=en")
    sign_in(browser)
    browser.until("!document.querySelector('#view').hidden")
    assert browser.evaluate("document.querySelectorAll('.empty').length") == 3
    assert "seawall ingest eve.json" in browser.text("#events")
    assert "Nothing ingested yet" in browser.text("#updated")
    assert browser.complaints() == []


def test_the_chart_has_a_table_and_a_sentence(browser: Page, serve: Start) -> None:
    """Who cannot see the drawing gets a sentence about it and the same figures as a table; hostile events apart."""
    browser.open(serve(FakeNode()) + "/?lang=en")
    sign_in(browser)
    browser.until("document.querySelector('#events svg') !== null")
    assert "events in 6 sectors over 24 hours" in browser.evaluate("document.querySelector('#events svg').ariaLabel")
    browser.evaluate("document.querySelector('#events summary').click()")
    assert browser.evaluate("document.querySelectorAll('#events tbody tr').length") == 6
    browser.evaluate("document.querySelectorAll('#events-choices button')[1].click()")
    browser.until("document.querySelector('#events svg.hostile') !== null")
    assert browser.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
    assert browser.evaluate("document.querySelector('#events details').open") is True


def test_every_control_can_be_reached_and_named(browser: Page, serve: Start) -> None:
    """Tab goes through skip link, languages, theme, sign out and the tables; each control has a name."""
    browser.open(serve(FakeNode()) + "/?lang=en")
    sign_in(browser)
    browser.until("document.querySelector('#warnings table') !== null")
    assert browser.evaluate("document.activeElement.id") == "content"
    browser.open(browser.evaluate("location.href"))
    browser.until("document.querySelector('#warnings table') !== null")
    reached = []
    for _ in range(14):
        browser.press(*TAB)
        reached.append(
            browser.evaluate(
                "(document.activeElement.innerText || document.activeElement.ariaLabel || '').split('\\n')[0]"
            )
        )
    assert reached[0] == "Skip to content"
    for name in ("한국어", "Light / dark", "Sign out", "All events", "Show as a table"):
        assert name in reached
    nameless = (
        "[...document.querySelectorAll('button, a, input, summary')].filter((e) => !e.innerText && !e.labels?.length)"
    )
    assert browser.evaluate(f"{nameless}.length") == 0


def test_signing_out_forgets(browser: Page, serve: Start) -> None:
    """After signing out the token is gone and nothing is left to read."""
    browser.open(serve(FakeNode()))
    sign_in(browser)
    browser.until("!document.querySelector('#view').hidden")
    browser.evaluate("document.querySelector('#sign-out').click()")
    assert browser.evaluate("sessionStorage.length") == 0
    assert browser.evaluate("document.querySelector('#view').hidden") is True


def test_a_silent_node_is_told(browser: Page, serve: Start) -> None:
    """When the node does not answer, the page says so instead of showing nothing."""
    browser.open(serve(FakeNode()) + "/?lang=en")
    browser.evaluate("window.fetch = () => Promise.reject(new TypeError('x'))")
    sign_in(browser)
    browser.until("document.querySelector('#login-error').innerText.includes('does not answer')")

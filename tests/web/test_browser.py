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
    assert browser.evaluate("document.querySelectorAll('.empty').length") == 5
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
    for _ in range(14 + 2 + 5 + 4 * 3):  # two tables of orders, and the desk: five lists, three answers to each of four
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


ROWS = "document.querySelectorAll('#warnings tbody tr').length"


def click(page: Page, label: str, place: int = 0) -> None:
    """Press the button with this text."""
    page.evaluate(
        f"[...document.querySelectorAll('main button')].filter((e) => e.innerText === {label!r})[{place}].click()"
    )


def test_a_warning_is_answered_on_the_page(browser: Page, serve: Start) -> None:
    """Confirmed, it leaves the open ones and the page says where the answer goes; it can be taken back."""
    browser.open(serve(FakeNode()) + "/?lang=en")
    sign_in(browser)
    browser.until(f"{ROWS} === 4")
    assert "4 of 20 groups raised today. 3 wait below the budget." in browser.text("#desk-budget")
    assert "7 of 10 answers were false alarms (40–89 %)." in browser.text("#desk-budget")
    assert "Critical" in browser.text("#warnings tbody tr")
    assert "storm: 4 values here" in browser.text("#warnings")
    click(browser, "Confirm")
    browser.until(f"{ROWS} === 3")
    browser.until("document.activeElement.id === 'desk-said'")
    assert browser.text("#desk-said") == "203.0.113.7: Confirmed harbour: It goes with the next exchange."
    click(browser, "Sleep one day")
    browser.until(f"{ROWS} === 2")
    click(browser, "Answered")
    browser.until(f"{ROWS} === 1")
    assert "Confirmed" in browser.text("#warnings")
    click(browser, "Take back")
    browser.until("document.querySelector('#warnings .empty') !== null")
    assert "No warning is in this state." in browser.text("#warnings")
    click(browser, "All")
    browser.until(f"{ROWS} === 4")
    assert browser.complaints() == []


def test_the_order_book_stands_on_the_page(browser: Page, serve: Start) -> None:
    """Points with their agents and drift, what acts where and why, how to take it back, and a thrown kill switch."""
    node = FakeNode()
    browser.open(serve(node) + "/?lang=en")
    sign_in(browser)
    browser.until("document.querySelector('#orders table') !== null")
    assert "Holds 2. 4 changes behind. 1 differences repaired." in browser.text("#points")
    assert "No agent has reported from here." in browser.text("#points")
    assert "Switched off" in browser.text("#points")
    assert "edge: blocked" in browser.text("#orders")
    assert "edge: watched" in browser.text("#orders")
    assert HOSTILE_TEXT in browser.text("#orders")
    assert "seawall protect undo 0011223344556677" in browser.text("#orders")
    assert browser.evaluate("document.querySelectorAll('main img').length") == 0
    node.orders.killed = {"by": "ann", "at": "2026-03-14T09:00:00Z", "reason": ""}
    browser.open(browser.evaluate("location.href"))
    browser.until("document.querySelector('#orders-killed').innerText !== ''")
    assert "thrown, by ann" in browser.text("#orders-killed")
    assert browser.complaints() == []


def test_a_reader_may_look_and_is_told_why_not_more(browser: Page, serve: Start) -> None:
    """The node's own sentence stands on the page, and nothing changes."""
    browser.open(serve(FakeNode()) + "/?lang=en")
    sign_in(browser, "r" * 40)
    browser.until(f"{ROWS} === 4")
    click(browser, "False alarm")
    browser.until("document.querySelector('#problem').innerText.includes('rita may not answer')")
    assert browser.evaluate(ROWS) == 4


def test_the_page_hears_of_changes_by_itself(browser: Page, serve: Start) -> None:
    """Somebody else answers: within seconds the row is gone here too, without a click."""
    node = FakeNode()
    browser.open(serve(node) + "/?lang=en")
    sign_in(browser)
    browser.until(f"{ROWS} === 4")
    node.desk.said["203.0.113.7"] = {"state": "answered", "answer": "refuted"}
    browser.until(f"{ROWS} === 3")
    assert browser.complaints() == []


def test_signing_out_forgets(browser: Page, serve: Start) -> None:
    """After signing out the token is gone and nothing is left to read."""
    browser.open(serve(FakeNode()))
    sign_in(browser)
    browser.until("!document.querySelector('#view').hidden")
    browser.evaluate("document.querySelector('#sign-out').click()")
    assert browser.evaluate("sessionStorage.length") == 0
    assert browser.evaluate("document.querySelector('#view').hidden") is True


SLOW = """(() => {
    const real = window.real ??= window.fetch;
    const held = window.held = { asked: 0, arrived: 0 };
    const gate = new Promise((open) => { window.open_gate = open; });
    window.fetch = async (address, ...rest) => {
        if (address.endsWith('changes')) return real(address, ...rest);
        held.asked += 1;
        const told = real(address.replace('limit=50', 'limit=2'), ...rest)
            .then(async (answer) => ({ ok: answer.ok, status: answer.status, body: await answer.json() }));
        await told.catch(() => null);
        held.arrived += 1;
        await gate;
        const { ok, status, body } = await told;
        return { ok, status, json: async () => body };
    };
    window.unhandled ??= [];
    window.onunhandledrejection = (event) => window.unhandled.push(String(event.reason));
})()"""
"""From now on answers arrive, but are read only when the gate opens; lists come in pages of two."""


def test_answers_that_come_after_signing_out_are_nobodys(browser: Page, serve: Start) -> None:
    """Signed out while an answer is on its way: it shows nothing, whatever was asked; the next to sign in sees all."""
    browser.open(serve(FakeNode()) + "/?lang=en")
    browser.evaluate(SLOW)
    browser.evaluate("window.open_gate()")
    for label in ("All", "Show more", "Sleep one day"):
        sign_in(browser)
        browser.until("!document.querySelector('#view').hidden")
        browser.evaluate(SLOW)
        click(browser, label)
        browser.until("held.asked > 0 && held.arrived === held.asked")
        browser.evaluate("document.querySelector('#sign-out').click()")
        browser.evaluate("window.open_gate()")
        assert browser.evaluate("document.querySelector('#view').hidden") is True, label
        assert browser.evaluate("document.querySelector('#login').hidden") is False, label
        assert browser.evaluate("document.querySelector('#desk-said').innerText") == "", label
        assert browser.evaluate("window.unhandled") == [], label
    assert browser.complaints() == []


def test_an_old_refusal_does_not_sign_the_next_person_out(browser: Page, serve: Start) -> None:
    """A token is refused after its holder left and another person signed in: that one stays, and sees their own."""
    browser.open(serve(FakeNode()) + "/?lang=en")
    browser.evaluate(SLOW.replace("return { ok, status, json", "return { ok, status: 401, json"))
    sign_in(browser)
    browser.until("held.asked > 0 && held.arrived === held.asked")
    browser.evaluate("window.fetch = window.real")
    browser.evaluate("document.querySelector('#token').value = ''")
    browser.evaluate("document.querySelector('#token').focus()")
    sign_in(browser, "r" * 40)
    browser.until("!document.querySelector('#view').hidden")
    browser.evaluate("window.open_gate()")
    assert browser.evaluate("sessionStorage.getItem('seawall-token')") == "r" * 40
    assert browser.evaluate("document.querySelector('#view').hidden") is False


def test_a_silent_node_is_told(browser: Page, serve: Start) -> None:
    """When the node does not answer, the page says so instead of showing nothing."""
    browser.open(serve(FakeNode()) + "/?lang=en")
    browser.evaluate("window.fetch = () => Promise.reject(new TypeError('x'))")
    sign_in(browser)
    browser.until("document.querySelector('#login-error').innerText.includes('does not answer')")

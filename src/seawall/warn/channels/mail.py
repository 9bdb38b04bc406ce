"""The text of a mail about a group of warnings, in the reader's language; every value defanged."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from seawall.messages import mark, translate
from seawall.model import ObservableType, Recorded, Release
from seawall.warn.channels.message import GroupMessage, message_of

SUBJECT_GROUP = 60  # characters of a group's name in a subject
Defang = Callable[[ObservableType, str], str]
LEVELS = {
    "info": mark("info"), "low": mark("low"), "medium": mark("medium"), "high": mark("high"),
    "critical": mark("critical"),
}  # fmt: skip


def mail_text(released: Recorded[Release], lang: str, defang: Defang) -> tuple[str, str]:
    """(subject, text). The marking stands first in both; nothing in them can be clicked."""
    message = message_of(released)
    level = translate(LEVELS.get(message.severity, message.severity), lang)
    tlp = f"TLP:{message.tlp.upper()}"
    if message.test:
        subject = translate("Test of a channel", lang)
        text = translate("This is a test of a channel for warnings. There is nothing to do.", lang)
        return f"[{tlp}] Seawall: {subject}", f"{tlp}\n\n{text}\n"
    count = len(message.values) + message.more
    about = translate("{level}: {count} values of {group}", lang, level=level, count=count, group=_group(message))
    return f"[{tlp}] Seawall: {about}", "\n".join([tlp, "", about, "", *_lines(message, lang, defang)])


def _lines(message: GroupMessage, lang: str, defang: Defang) -> list[str]:
    lines: list[str] = []
    for one in message.values:
        lines.append(f"- {_plain(defang(one.type, one.value))} ({one.type.value})")
        first = translate("First seen {moment} by {side}.", lang, moment=one.first_seen, side=_plain(one.first_side))
        also = translate("Both sides are hit.", lang) if one.met_here else translate("Not met here yet.", lang)
        sure = translate("Confidence {confidence} of 100.", lang, confidence=one.confidence)
        lines.append(f"  {first} {also} {sure}")
        if one.sectors:
            sectors = ", ".join(map(_plain, one.sectors))
            lines.append("  " + translate("Sectors: {sectors}.", lang, sectors=sectors))
        if one.action is not None:
            action = translate({"block": mark("block"), "watch": mark("watch")}.get(one.action, one.action), lang)
            lines.append("  " + translate("Proposal: {action}.", lang, action=action))
        lines += [f"  {translate(reason, lang)}" for reason in one.reasons]
        lines += [f"  seawall warnings show {shlex.quote(_plain(defang(one.type, one.value)))}", ""]
    if message.more:
        lines.append(translate("{count} more values are on the page.", lang, count=message.more))
    if message.left_out:
        lines.append(
            translate("{count} values are marked too strictly for this channel.", lang, count=message.left_out)
        )
    lines.append(translate("Answer with 'seawall warnings confirm' or 'refute', or on the page.", lang))
    return [*lines, f"id {message.id}", ""]


def _group(message: GroupMessage) -> str:
    return _plain(message.group.partition(":")[2] or message.group)[:SUBJECT_GROUP].replace(".", "[.]")


def _plain(text: str) -> str:
    """Without what could end a line or turn its direction."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)

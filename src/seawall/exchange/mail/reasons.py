"""Why a mail is not believed, and the polite answer that is ready for its sender. The answer quotes nothing."""

from __future__ import annotations

from enum import StrEnum

from seawall.messages import mark, translate
from seawall.model import Refused


class Reason(StrEnum):
    """Stable names, as on the books and in ``--json``."""

    TOO_LARGE = "too-large"
    MALFORMED = "malformed"
    UNKNOWN_SENDER = "unknown-sender"
    NOT_VERIFIED = "peer-not-verified"
    NO_CIRCLE = "no-circle"
    PLAINTEXT = "plaintext"
    NOT_FOR_US = "other-recipient"
    DAMAGED = "damaged"
    EXPANDS = "expands-too-far"
    UNSIGNED = "unsigned"
    OTHER_KEY = "other-key"
    BAD_SIGNATURE = "bad-signature"
    EXPIRED_KEY = "expired-key"
    REVOKED_KEY = "revoked-key"
    EXPIRED_SIGNATURE = "expired-signature"
    OTHER_HEADERS = "headers-differ"
    REPLAYED = "replayed"


SENTENCES: dict[Reason, str] = {
    Reason.TOO_LARGE: mark("The mail is larger than this node reads."),
    Reason.MALFORMED: mark("The mail is not built as mail is, or of more parts than anybody sends."),
    Reason.UNKNOWN_SENDER: mark("Nobody we know as a mail peer writes from this address."),
    Reason.NOT_VERIFIED: mark("Two people have not compared this peer's key, or the peer is suspended."),
    Reason.NO_CIRCLE: mark("The sender sits in no circle of ours."),
    Reason.PLAINTEXT: mark("The mail is not encrypted, so others may have read and changed it."),
    Reason.NOT_FOR_US: mark("The mail is encrypted to another key than ours."),
    Reason.DAMAGED: mark("The mail was changed on its way, or is cut short."),
    Reason.EXPANDS: mark("Far more comes out of the encrypted mail than its size tells; it was not read on."),
    Reason.UNSIGNED: mark("The mail is encrypted but nobody signed it."),
    Reason.OTHER_KEY: mark("The mail is signed by another key than the one two people compared."),
    Reason.BAD_SIGNATURE: mark("The signature does not fit the text."),
    Reason.EXPIRED_KEY: mark("The key that signed the mail has expired."),
    Reason.REVOKED_KEY: mark("The key that signed the mail was revoked."),
    Reason.EXPIRED_SIGNATURE: mark("The signature has expired."),
    Reason.OTHER_HEADERS: mark("The signed mail names another sender than its envelope."),
    Reason.REPLAYED: mark("This mail came before; somebody sent it again."),
}
_ASKS: dict[Reason, str] = {
    Reason.TOO_LARGE: mark("Please send it in smaller parts."),
    Reason.PLAINTEXT: mark("Please send it again, encrypted to our key and signed with yours."),
    Reason.NOT_FOR_US: mark("Please encrypt it to our present key and send it again."),
    Reason.DAMAGED: mark("Please send it again; it did not arrive whole."),
    Reason.EXPANDS: mark("Please send it in smaller parts."),
    Reason.UNSIGNED: mark("Please sign it with your key and send it again."),
    Reason.OTHER_KEY: mark("Please sign it with the key that we compared, or call us to compare the new one."),
    Reason.BAD_SIGNATURE: mark("Please send it again; it did not arrive whole."),
    Reason.EXPIRED_KEY: mark("Please extend the life of your key, send us the public key, and send the mail again."),
    Reason.REVOKED_KEY: mark("Please call us to compare your new key."),
    Reason.EXPIRED_SIGNATURE: mark("Please sign it with your key and send it again."),
    Reason.OTHER_HEADERS: mark("Please send it from the address that your key names."),
}


class NotBelieved(Refused):
    """A mail that goes into quarantine; ``reason`` says why."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason
        super().__init__(
            "E-MAIL-020", "The mail is not taken in ({reason}); see 'seawall mail quarantine'.", reason=reason
        )


def ready_answer(reason: Reason, lang: str, *, fingerprint: str, sender: str, phone: str = "") -> str | None:
    """A text that a person may send back; None where an answer would only help an attacker."""
    if reason not in _ASKS:
        return None
    lines = [
        translate("Thank you for your mail. We could not take it in.", lang),
        translate(SENTENCES[reason], lang),
        translate(_ASKS[reason], lang),
        translate("Our key has the fingerprint {fingerprint}.", lang, fingerprint=fingerprint),
    ]
    if phone:
        lines.append(translate("By telephone, day and night: {phone}.", lang, phone=phone))
    return "\n".join([*lines, sender]) + "\n"

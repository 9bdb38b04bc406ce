"""A PKCS#11 token as a way to the vault: an AES key that never leaves it encrypts what the wrap's key is made of.

Only CKM_AES_CBC_PAD is asked of the token, which smart cards, network HSMs and SoftHSM all offer; that nothing was
altered is told by the wrap's own tag. Needs the extra ``seawall[vault]`` (python-pkcs11).
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from seawall.identity.vault import Record, Vault, Way, Wrap, unwrap
from seawall.model import Fault, Refused, Unavailable

if TYPE_CHECKING:
    import pkcs11

MODULE_VARIABLE = "SEAWALL_PKCS11_MODULE"  # the library on this machine, when it is elsewhere than where it was
KEY_BITS = 256
IV_BYTES = 16


def wrap_by_token(vault: Vault, *, module: str, label: str, pin: str) -> Wrap:
    """The data key under a new key on the token ``label``. Raises what ``by_token`` does."""
    name = f"seawall-{vault.id[:8]}-{secrets.token_hex(4)}"
    with _session(module, label, pin) as (session, lib):
        session.generate_key(
            lib.KeyType.AES,
            KEY_BITS,
            label=name,
            store=True,
            template={
                lib.Attribute.SENSITIVE: True,
                lib.Attribute.EXTRACTABLE: False,
                lib.Attribute.ENCRYPT: True,
                lib.Attribute.DECRYPT: True,
            },
        )
        secret, iv = secrets.token_bytes(32), secrets.token_bytes(IV_BYTES)
        hidden = bytes(
            _key(session, lib, name).encrypt(secret, mechanism=lib.Mechanism.AES_CBC_PAD, mechanism_param=iv)
        )
    return vault.wrap(
        Way.TOKEN,
        _made_of(secret),
        module=module,
        label=label,
        key_label=name,
        secret=base64.b64encode(hidden).decode(),
        nonce=base64.b64encode(iv).decode(),
    )


def by_token(record: Record, wrap: Wrap, pin: str) -> Vault:
    """The open vault.

    Raises Fault E-IDENTITY-130 without the extra, Unavailable E-IDENTITY-131 when the token or its library is not
    there, Refused E-IDENTITY-132 for a wrong PIN, Fault E-IDENTITY-133 when the key on it is gone or another one.
    """
    with _session(wrap.module, wrap.label, pin) as (session, lib):
        key = _key(session, lib, wrap.key_label)
        iv = base64.b64decode(wrap.nonce)
        secret = bytes(key.decrypt(base64.b64decode(wrap.secret), mechanism=lib.Mechanism.AES_CBC_PAD,
                                   mechanism_param=iv))  # fmt: skip
    opened = unwrap(record, wrap, _made_of(secret))
    if opened is None:
        raise _other_key(wrap.label)
    return opened


def forget_on_token(wrap: Wrap, pin: str) -> None:
    """Delete the key from the token. Raises what ``by_token`` does."""
    with _session(wrap.module, wrap.label, pin) as (session, lib):
        _key(session, lib, wrap.key_label).destroy()


@contextmanager
def _session(module: str, label: str, pin: str) -> Iterator[tuple[pkcs11.Session, Any]]:
    try:
        import pkcs11 as lib
        from pkcs11 import exceptions
    except ModuleNotFoundError:
        raise Fault(
            "E-IDENTITY-130", "A token needs python-pkcs11; install it with 'pip install seawall[vault]'."
        ) from None
    module = os.environ.get(MODULE_VARIABLE) or module
    absent = Unavailable(
        "E-IDENTITY-131",
        "The token {label} is not there ({module}); plug it in, or open the vault by another of its ways.",
        label=ascii(label[:64]),
        module=module,
    )
    try:
        with lib.lib(module).get_token(token_label=label).open(rw=True, user_pin=pin) as session:
            yield session, lib
    except (exceptions.PinIncorrect, exceptions.PinLenRange, exceptions.PinInvalid, exceptions.PinLocked) as error:
        raise Refused(
            "E-IDENTITY-132",
            "The token {label} refuses this PIN ({reason}).",
            label=ascii(label[:64]),
            reason="locked" if isinstance(error, exceptions.PinLocked) else "wrong",
        ) from None
    except (exceptions.NoSuchKey, exceptions.EncryptedDataInvalid, exceptions.EncryptedDataLenRange):
        raise _other_key(label) from None
    except (exceptions.PKCS11Error, RuntimeError, OSError):
        raise absent from None


def _key(session: pkcs11.Session, lib: Any, name: str) -> Any:
    return session.get_key(object_class=lib.ObjectClass.SECRET_KEY, label=name)


def _made_of(secret: bytes) -> bytes:
    return hashlib.sha256(b"seawall vault token 1\0" + secret).digest()


def _other_key(label: str) -> Fault:
    return Fault(
        "E-IDENTITY-133",
        "The token {label} no longer holds the key of this vault; use a copy of the token, or another way.",
        label=ascii(label[:64]),
    )

"""How large and how old a sealed message may be (rule 10). Sizes in bytes, times in microseconds."""

from __future__ import annotations

from seawall.exchange.sizes import padme
from seawall.identity.prekeys import KEPT_AFTER_END

DAY = 86_400_000_000

VERSION = 1  # of the envelope; it names the suite too: HPKE(MLKEM768_X25519, HKDF-SHA256, ChaCha20-Poly1305)
HEADER_BYTES = 42  # magic 4, version 2, recipient key 16, mailbox 16, length 4
KEM_BYTES = 1_120  # ML-KEM-768 ciphertext 1,088 and X25519 share 32 (draft-connolly-cfrg-xwing-kem section 5)
TAG_BYTES = 16  # Poly1305
MAX_BODY_BYTES = 8 * 1024 * 1024  # larger things are cut into parts by their owner
MAX_STATEMENT_BYTES = 8 * 1024  # signed it takes 850; with a shared key and the prekey 3,750
MIN_ENVELOPE_BYTES = 8_192  # the smallest class: an answer, an empty day and a question look alike, with either proof
OVERHEAD_BYTES = HEADER_BYTES + KEM_BYTES + 4 + TAG_BYTES
MAX_ENVELOPE_BYTES = padme(OVERHEAD_BYTES + MAX_STATEMENT_BYTES + MAX_BODY_BYTES, least=MIN_ENVELOPE_BYTES)

MAX_LIFE = KEPT_AFTER_END  # no message outlives the key that opens it
MAX_AHEAD = DAY  # a moment further ahead of our clock is not believed; as for notices
MAX_NUMBER = 1 << 53  # what every JSON reader holds exactly

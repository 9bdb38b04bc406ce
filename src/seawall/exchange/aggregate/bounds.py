"""How large a round may be: every size that another member controls."""

from __future__ import annotations

MAX_MEMBERS = 32  # a community's inner circle; more would make one drop-out in every round likely
MAX_BINS = 4_096  # 53 weeks of 64 classes, and some air: two vectors of 32 KiB each
MAX_DOCUMENT_BYTES = 160 * 1024  # a signed contribution of MAX_BINS bins, base64 twice, takes 120 KiB
MAX_BUNDLE_BYTES = 8 * 1024 * 1024  # what one message carries; contributions of MAX_MEMBERS take half of it
MAX_DOCUMENTS = 3 * MAX_MEMBERS + 1  # a proposal; of each member an agreement, a set-up and a contribution
MAX_DAYS = 60  # that a round may stay open

"""The tables, as SQLAlchemy Core sees them. ``migrations/`` creates them; a test compares the two.

Times are microseconds UTC. Markings are their integer levels, so that "at most" is a comparison. Raw JSON bytes stand
beside extracted columns. Lists that are only read whole (sectors, basis, exclusions) are JSON text.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()
Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite's rowid must be declared INTEGER

counters = sa.Table(
    "counters",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
)

notes = sa.Table(
    "notes",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

objects = sa.Table(
    "objects",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("id_hash", sa.BigInteger, nullable=False),  # CRC-32 of the id: its index stays small, so writes stay fast
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("version_at", sa.BigInteger, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("created_by", sa.Text),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("tlp", sa.Integer, nullable=False),
    sa.Column("pap", sa.Integer, nullable=False),
    sa.Column("origin", sa.Text),
    sa.Column("source", sa.Text),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("stored_at", sa.BigInteger, nullable=False),
    sa.Column("revoked", sa.Boolean, nullable=False),
    sa.Column("inputs", sa.Text),
    sa.Column("excluded", sa.Text),
    sa.Column("latest", sa.Boolean, nullable=False),
    sa.Index("objects_by_id", "id_hash", "version_at"),
    sa.Index("objects_by_sequence", "sequence", unique=True),
    sa.Index("objects_by_type", "type", "sequence"),
)

conflicts = sa.Table(  # what others say of an object that is held, beside it
    "conflicts",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("digest", sa.LargeBinary, nullable=False),  # of the claim: it is kept once
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("id_hash", sa.BigInteger, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("created_by", sa.Text),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("tlp", sa.Integer, nullable=False),
    sa.Column("pap", sa.Integer, nullable=False),
    sa.Column("origin", sa.Text),
    sa.Column("source", sa.Text),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Index("conflicts_by_digest", "digest", unique=True),
    sa.Index("conflicts_by_id", "id_hash"),
)

object_inputs = sa.Table(
    "object_inputs",
    metadata,
    sa.Column("input_id", sa.Text, primary_key=True),
    sa.Column("derived_id", sa.Text, primary_key=True),
    sqlite_with_rowid=False,
)

object_origins = sa.Table(  # every peer whose knowledge stands in the object, directly or through its inputs
    "object_origins",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("origin", sa.Text, primary_key=True),
    sqlite_with_rowid=False,
)

received = sa.Table(
    "received",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("circle", sa.Text, nullable=False),
    sa.Column("object_id", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Index("received_once", "origin", "circle", "object_id", "version", unique=True),
    sa.Index("received_by_object", "object_id"),
)

indicators = sa.Table(
    "indicators",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("twin", sa.Integer, nullable=False),  # 0; more when one source has several indicators on one value
    sa.Column("indicator_id", sa.Text, nullable=False),
    sa.Column("id_hash", sa.BigInteger, nullable=False),  # as in objects
    sa.Column("campaign", sa.Text),
    sa.Column("description", sa.Text),
    sa.Column("confidence", sa.Integer),
    sa.Column("tlp", sa.Integer, nullable=False),
    sa.Column("pap", sa.Integer, nullable=False),
    sa.Column("valid_from", sa.BigInteger),
    sa.Column("valid_until", sa.BigInteger),
    sa.Column("origin", sa.Text),
    sa.Column("external_id", sa.Text),
    sa.Column("change", sa.BigInteger, nullable=False),
    sa.Column("stored_at", sa.BigInteger, nullable=False),
    sa.Index("indicators_by_value", "type", "value", "twin", unique=True),
    sa.Index("indicators_by_change", "change"),
    sa.Index("indicators_by_id", "id_hash"),
)

indicator_bodies = sa.Table(  # apart, so that reading all keys does not read all bodies
    "indicator_bodies",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
)

indicator_sources = sa.Table(
    "indicator_sources",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),  # 0: the first source, whose id and body the entry carries
    sa.Column("content", sa.BigInteger, nullable=False),
    sa.Column("tlp", sa.Integer, nullable=False),
    sa.Column("pap", sa.Integer, nullable=False),
    sa.Column("origin", sa.Text),
    sa.Column("confidence", sa.Integer),
    sa.Column("valid_from", sa.BigInteger),
    sa.Column("valid_until", sa.BigInteger),
    sa.Column("external_id", sa.Text),
    # peers' words only: the id under which each of them speaks of the value
    # (the migration says so to both engines; to say it here of the other one would load its dialect at every start)
    sa.Index("indicator_sources_by_name", "external_id", sqlite_where=sa.text("origin IS NOT NULL")),
    sqlite_with_rowid=False,
)

sightings = sa.Table(
    "sightings",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("side", sa.Text, nullable=False),
    sa.Column("origin", sa.Text, nullable=False),  # empty: our own sensors
    sa.Column("first_seen", sa.BigInteger, nullable=False),
    sa.Column("last_seen", sa.BigInteger, nullable=False),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("sectors", sa.Text, nullable=False),
    sa.Column("indicator_id", sa.Text),
    sa.Column("basis", sa.Text, nullable=False),
    sa.Column("tlp", sa.Integer, nullable=False),
    sa.Column("pap", sa.Integer, nullable=False),
    sa.Column("excluded", sa.Text),
    sa.Column("told_at", sa.BigInteger),
    sa.Column("change", sa.BigInteger, nullable=False),
    sa.Index("sightings_by_value", "type", "value", "side", "origin", unique=True),
    sa.Index("sightings_by_change", "change"),
)

hits = sa.Table(
    "hits",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("identity", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("side", sa.Text, nullable=False),
    sa.Column("sector", sa.Text, nullable=False),
    sa.Column("first_seen", sa.BigInteger, nullable=False),
    sa.Column("last_seen", sa.BigInteger, nullable=False),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("indicator_id", sa.Text),
    sa.Column("basis", sa.Text, nullable=False),
    sa.Column("reported_by", sa.Text, nullable=False),
    sa.Column("reported_at", sa.BigInteger, nullable=False),
    sa.Index("hits_by_identity", "identity", unique=True),
    sa.Index("hits_by_value", "type", "value", "side"),
)

warnings = sa.Table(
    "warnings",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("first_seen", sa.BigInteger, nullable=False),
    sa.Column("confidence", sa.Integer, nullable=False),
    sa.Column("both_hit", sa.Boolean, nullable=False),
    sa.Column("tlp", sa.Integer, nullable=False),
    sa.Column("pap", sa.Integer, nullable=False),
    sa.Column("body", sa.Text, nullable=False),  # the whole warning as JSON
    sa.Column("change", sa.BigInteger, nullable=False),
    sa.Index("warnings_by_value", "type", "value", unique=True),
    sa.Index("warnings_by_change", "change"),
)

warning_origins = sa.Table(
    "warning_origins",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("origin", sa.Text, primary_key=True),
    sqlite_with_rowid=False,
)

users = sa.Table(
    "users",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("person", sa.Text, nullable=False),  # the name folded: one person cannot be two by upper case
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("token_sha256", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("revoked_at", sa.BigInteger),
    sa.Column("circles", sa.Text),  # JSON list: the only circles this user reads over TAXII; NULL: all that seat it
    sa.Column("expires_at", sa.BigInteger),
    sa.Index("users_by_person", "person", unique=True),
    sa.Index("users_by_token", "token_sha256", unique=True),
)

approvals = sa.Table(
    "approvals",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("requester", sa.Text, sa.ForeignKey("users.name"), nullable=False),
    sa.Column("requested_at", sa.BigInteger, nullable=False),
    sa.Column("approver", sa.Text, sa.ForeignKey("users.name")),
    sa.Column("approved_at", sa.BigInteger),
    sa.CheckConstraint("approver IS NULL OR approver <> requester", name="approvals_two_people"),
    sa.Index("approvals_by_subject", "kind", "subject"),
)

peers = sa.Table(
    "peers",
    metadata,
    sa.Column("code_name", sa.Text, primary_key=True),
    sa.Column("node_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("certificate_sha256", sa.Text, nullable=False),
    sa.Column("signing_key", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("card", sa.LargeBinary, nullable=False),
    sa.Index("peers_by_certificate", "certificate_sha256"),
)

circles = sa.Table(
    "circles",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True),
    sa.Column("terms", sa.LargeBinary, nullable=False),
    sa.Column("saved_at", sa.BigInteger, nullable=False),
)

outboxes = sa.Table(
    "outboxes",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("circle", sa.Text, nullable=False, unique=True),
    sa.Column("last_added", sa.BigInteger, nullable=False),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("circle", sa.BigInteger, sa.ForeignKey("outboxes.number"), nullable=False),
    sa.Column("added", sa.BigInteger, nullable=False),
    sa.Column("object_id", sa.Text, nullable=False),
    sa.Column("id_hash", sa.BigInteger, nullable=False),  # as in objects
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("version_at", sa.BigInteger, nullable=False),
    sa.Column("spec_version", sa.Text, nullable=False),
    sa.Column("recipients", sa.Text),  # JSON list of names, sorted; NULL: every member
    sa.Column("withdrawn_at", sa.BigInteger),
    sa.Column("body", sa.LargeBinary, nullable=False),
    # whether the circle may hold another row of this object: only then is it worth asking which one is the latest
    sa.Column("in_company", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Index("outbox_by_added", "circle", "added", unique=True),
    sa.Index("outbox_by_object", "id_hash", "circle", "version_at", "added"),
)

cursors = sa.Table(
    "cursors",
    metadata,
    sa.Column("peer", sa.Text, primary_key=True),
    sa.Column("circle", sa.Text, primary_key=True),
    sa.Column("direction", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

misp_events = sa.Table(
    "misp_events",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("uuid", sa.Text, nullable=False),
    sa.Column("timestamp", sa.BigInteger, nullable=False),  # seconds, as MISP counts
    sa.Column("publish_timestamp", sa.BigInteger, nullable=False),  # seconds; 0: never published
    sa.Column("published", sa.Boolean, nullable=False),
    sa.Column("date", sa.Text, nullable=False),  # YYYY-MM-DD
    sa.Column("info", sa.Text, nullable=False),  # in lower case, for searches
    sa.Column("tlp", sa.Integer, nullable=False),
    sa.Column("pap", sa.Integer, nullable=False),
    sa.Column("origin", sa.Text),  # the MISP it came from; NULL: added here
    sa.Column("deleted", sa.Boolean, nullable=False),
    sa.Column("change", sa.BigInteger, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),  # JSON without attributes
    sa.Index("misp_events_by_uuid", "uuid", unique=True),
    sa.Index("misp_events_by_change", "change"),
    sa.Index("misp_events_by_timestamp", "timestamp"),
)

misp_attributes = sa.Table(
    "misp_attributes",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("uuid", sa.Text, nullable=False),
    sa.Column("event", sa.BigInteger, nullable=False),
    sa.Column("object", sa.Text),  # UUID of the MISP object it stands in
    sa.Column("object_name", sa.Text),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("category", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),  # in lower case, for searches; the body holds it as written
    sa.Column("hash1", sa.BigInteger, nullable=False),  # CRC-32 of the value, or of its part before "|"
    sa.Column("hash2", sa.BigInteger, nullable=False),  # of the part behind "|"; 0: none
    sa.Column("to_ids", sa.Boolean, nullable=False),
    sa.Column("deleted", sa.Boolean, nullable=False),
    sa.Column("timestamp", sa.BigInteger, nullable=False),
    sa.Column("tlp", sa.Integer, nullable=False),  # the event's and its own, the stricter
    sa.Column("pap", sa.Integer, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Index("misp_attributes_by_uuid", "uuid", unique=True),
    sa.Index("misp_attributes_by_event", "event", "number"),
    sa.Index("misp_attributes_by_hash1", "hash1"),
    sa.Index("misp_attributes_by_hash2", "hash2"),
    sa.Index("misp_attributes_by_type", "type", "number"),
    sa.Index("misp_attributes_by_timestamp", "timestamp"),
)

misp_tags = sa.Table(
    "misp_tags",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("event", sa.BigInteger, primary_key=True),
    sa.Column("attribute", sa.BigInteger, primary_key=True),  # 0: the event itself
    sa.Index("misp_tags_by_event", "event"),
    sqlite_with_rowid=False,
)

misp_known = sa.Table(  # each event as a MISP was last known to hold it: what two sides changed since is told from it
    "misp_known",
    metadata,
    sa.Column("misp", sa.Text, primary_key=True),
    sa.Column("uuid", sa.Text, primary_key=True),
    sa.Column("timestamp", sa.BigInteger, nullable=False),  # seconds, as that MISP last told it
    sa.Column("body", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

statuses = sa.Table(  # what became of each POST over TAXII, for the one who made it
    "statuses",
    metadata,
    sa.Column("actor", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Index("statuses_by_time", "actor", "at"),
)

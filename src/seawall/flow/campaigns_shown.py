"""Campaigns as the doors show them: lists, one with its reasons, why a value stands where it does."""

from __future__ import annotations

from collections.abc import Iterable

from seawall.codec.values import detect, refang
from seawall.flow.authority import require
from seawall.flow.campaigns import BUILT_AT
from seawall.flow.excluded import read_value
from seawall.flow.listing import Listing
from seawall.flow.node import Node
from seawall.messages import translate
from seawall.model import Actor, NotFound, ObservableType, rfc3339, to_microseconds
from seawall.model.campaign import Campaign, Kind, Member, Reason
from seawall.model.moments import parse_moment
from seawall.policy import visibility

MAX_PAGE = 10_000  # rows of one answer
SHOWN_MEMBERS = 200  # of one campaign on one screen

SENTENCES = {
    Kind.LABEL: "Indicators name the campaign {value}.",
    Kind.RELATION: "Imported relationships point to {value}.",
    Kind.EVENT: "They stand in one and the same record.",
    Kind.REGISTERED: "They stand under the registered domain {value}.",
    Kind.PATTERN: "Their names are built alike ({value}).",
    Kind.ADDRESS: "They were met at the address {value}.",
    Kind.RANGE: "They stand in the range {value}.",
    Kind.AS: "They stand in the network AS{value}.",
    Kind.CERTIFICATE: "They showed the certificate {value}.",
    Kind.JA3: "They were met with the fingerprint {value}.",
    Kind.JA4: "They were met with the fingerprint {value}.",
    Kind.HASSH: "They were met with the fingerprint {value}.",
    Kind.MALWARE: "They belong to the tool {value}.",
    Kind.SIGNATURE: "They raised the alarm {value}.",
    Kind.FILE_NAME: "They came with the file name {value}.",
    Kind.TECHNIQUE: "They were met with the technique {value}.",
    Kind.VICTIM: "They met the same machine of ours.",
    Kind.SECTORS: "They were met in the same sectors: {value}.",
}
"""What a reason says: ``{value}`` is what they share."""


def list_campaigns(
    node: Node,
    *,
    since: str | None = None,
    sector: str | None = None,
    side: str | None = None,
    limit: int = 100,
    after: int = 0,
    lang: str = "en",
    actor: Actor | None = None,
) -> Listing:
    """Standing campaigns, newest change last."""
    who = node.require("read") if actor is None else actor
    require(who, "read")
    moment = None if since is None else to_microseconds(parse_moment(since))
    page = node.store.campaigns.list(
        visibility(who), since=moment, side=side, sector=sector, after=after, limit=max(1, min(limit, MAX_PAGE))
    )
    return Listing([campaign_row(one, lang) for one in page.items], page.next)


def grouped_at(node: Node) -> str | None:
    """When campaigns were last grouped; None: never."""
    moment = node.store.notes.get(BUILT_AT)
    return None if moment is None else rfc3339(int(moment))


def show_campaign(
    node: Node, id: str, *, limit: int = SHOWN_MEMBERS, after: int = 0, lang: str = "en", actor: Actor | None = None
) -> dict[str, object]:
    """One campaign: members with reasons, timeline, sides, sectors, possible links, history. Raises NotFound."""
    who = node.require("read") if actor is None else actor
    require(who, "read")
    campaign = node.store.campaigns.get(id, visibility=visibility(who))
    members = node.store.campaigns.members(campaign.id, after=after, limit=max(1, min(limit, MAX_PAGE)))
    return {
        **campaign_row(campaign, lang),
        "founders": list(campaign.founders),
        "timeline": [
            {
                "side": one.side,
                "sector": one.sector,
                "first_seen": rfc3339(one.first_seen),
                "last_seen": rfc3339(one.last_seen),
                "values": one.values,
            }
            for one in campaign.arrivals
        ],
        "techniques": list(campaign.techniques),
        "possible_links": [
            {
                "object_id": link.object_id,
                "name": link.name,
                "kind": link.kind,
                "possible": True,
                "reasons": reason_rows(link.reasons, lang),
            }
            for link in campaign.links
        ],
        "history": [
            {"at": rfc3339(one.at), "kind": one.kind.value, "other": one.other, "values": one.values}
            for one in node.store.campaigns.history(campaign.id)
        ],
        "members": [member_row(one, lang) for one in members.items],
        "next": members.next,
    }


def explain_value(
    node: Node, value: str, *, type: str | None = None, lang: str = "en", actor: Actor | None = None
) -> dict[str, object]:
    """Why a value stands in its campaign. Raises NotFound E-FLOW-805 alike when it is in none or may not be seen."""
    who = node.require("read") if actor is None else actor
    require(who, "read")
    seen = visibility(who)
    for member in node.store.campaigns.members_of(_keys(value, type)):
        try:
            campaign = node.store.campaigns.get(member.campaign, visibility=seen)
        except NotFound:
            continue
        return {
            **member_row(member, lang),
            "campaign": campaign.id,
            "campaign_name": campaign.name,
            "campaign_values": campaign.values,
            "campaign_reasons": reason_rows(campaign.reasons, lang),
        }
    raise NotFound("E-FLOW-805", "{value} stands in no campaign here.", value=ascii(value[:100]))


def _keys(value: str, type: str | None) -> list[tuple[ObservableType, str]]:
    """What may be meant: without a type one digest is a file's or a certificate's, and any name may be a domain."""
    if type is not None:
        wanted = read_value(value, type)
        return [(wanted.type, wanted.value)]
    plain = refang(value.strip())
    found = detect(plain)
    texts = [plain, plain.lower()] if found is None else [found.value]
    return [(kind, text) for kind in ObservableType for text in texts]


def campaign_row(campaign: Campaign, lang: str = "en") -> dict[str, object]:
    """One campaign as lists show it."""
    return {
        "id": campaign.id,
        "name": campaign.name,
        "first_seen": rfc3339(campaign.first_seen),
        "last_seen": rfc3339(campaign.last_seen),
        "sides": list(campaign.sides),
        "sectors": list(campaign.sectors),
        "values": campaign.values,
        "reasons": reason_rows(campaign.reasons, lang),
        "merged_into": campaign.merged_into,
        "split_from": campaign.split_from,
        "only_from": campaign.only_from,
        "tlp": campaign.tlp.label,
        "pap": campaign.pap.label,
    }


def member_row(member: Member, lang: str = "en") -> dict[str, object]:
    """One value of a campaign."""
    return {
        "type": member.type.value,
        "value": member.value,
        "first_seen": rfc3339(member.first_seen),
        "last_seen": rfc3339(member.last_seen),
        "sides": list(member.sides),
        "weight": member.weight,
        "only_from": member.only_from,
        "reasons": reason_rows(member.reasons, lang),
    }


def reason_rows(reasons: Iterable[Reason], lang: str = "en") -> list[dict[str, object]]:
    """Reasons with their sentence in the reader's language."""
    return [
        {
            "kind": reason.kind.value,
            "family": reason.family.value,
            "value": reason.value,
            "weight": reason.weight,
            "members": reason.members,
            "text": translate(SENTENCES[reason.kind], lang, value=reason.value),
        }
        for reason in reasons
    ]

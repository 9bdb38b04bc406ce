"""``seawall overlap`` and ``ask``: what both sides hold, without showing the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from seawall.cli.app import app, context
from seawall.cli.output import Cost
from seawall.cli.paging import After, Limit
from seawall.cli.peers import peers
from seawall.model import Fault

COLUMNS = ["type", "value", "ours_as", "theirs_as", "ours_said", "theirs_said", "given", "taken", "evidence", "reason"]


@app.command
def overlap(
    peer: str,
    /,
    *,
    type: Annotated[str | None, Parameter(help="Only this type, for example ipv4 or domain.")] = None,
    explain: Annotated[
        bool,
        Parameter(help="Say what would go in, what stays out and why, and every bound; nothing leaves.", negative=""),
    ] = False,
    reveal: Annotated[
        int | None, Parameter(help="Tell the peer more of what both hold: 2 when, 3 in which sectors, 4 details.")
    ] = None,
    value: Annotated[str | None, Parameter(help="With --reveal: only this value.")] = None,
    limit: Limit = 1000,
    after: After = 0,
) -> None:
    """Find what you and a peer both hold, without showing the rest.

    Over the line the run ends within this command; through a relay it goes as far as messages came, and every
    further delivery takes it on. JSON: peer, state (complete or waiting), waiting, epoch, mine, theirs (points, with
    padding), common, budget_left (points that the peer still answers), bytes, size_checked_first, types, items (type,
    value, found_at, ours_said, theirs_said, permitted, permitted_by, given, taken, evidence, reason), next, problems,
    and the cost. With --explain: peer, state, circles, agreed, epoch, types, bounds, leaks. With --reveal: peer, tier,
    values, told, waiting, held_back, approved_by, items, next, problems.
    """
    from seawall.flow.node import Node
    from seawall.flow.overlap import TYPES, parse_type, run_overlap
    from seawall.flow.overlap_explain import explain_overlap
    from seawall.flow.overlap_reveal import reveal as reveal_tier

    if value is not None and reveal is None:
        raise Fault("E-CLI-080", "--value goes with --reveal and a tier.")
    if explain and reveal is not None:
        raise Fault("E-CLI-081", "Give either --explain or --reveal.")
    chosen = None if type is None else parse_type(type)
    cost = Cost()
    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        if explain:
            types = TYPES if chosen is None else (chosen,)
            _explained(explain_overlap(node, peer, types, lang=context.out.lang, limit=limit))
            return
        with context.out.progress("comparing", rows=True) as bar:
            steps = iter(range(1, 1_000_000))

            def on_step() -> None:
                bar.show(next(steps))

            if reveal is not None:
                done = reveal_tier(node, peer, reveal, value=value, type=chosen, on_step=on_step)
            else:
                done = run_overlap(node, peer, type=chosen, limit=limit, after=after, on_step=on_step)
    _shown({**done, **cost.as_dict()}, "Nothing is held by both.")


@app.command
def ask(
    value: Annotated[str | None, Parameter(help="An address, name, hash, wallet ...")] = None,
    /,
    *,
    peer: Annotated[str, Parameter(help="Whom to ask.")],
    file: Annotated[Path | None, Parameter(help="A list with one value a line.")] = None,
    type: Annotated[str | None, Parameter(help="The type, where the value does not tell.")] = None,
    force: Annotated[
        bool, Parameter(help="Also about own assets, victims and what is kept out of comparisons.", negative="")
    ] = False,
) -> None:
    """Ask a peer whether it knows a value, without saying which.

    The peer learns that so many questions of a type were asked, and takes them off your budget. JSON items: value,
    type, known (null: no answer yet), state, answered_at, budget_left, reason; and peer, problems and the cost.
    """
    from seawall.flow.ask import ask_peer
    from seawall.flow.excluded import values_in
    from seawall.flow.node import Node
    from seawall.flow.overlap import parse_type

    if (value is None) == (file is None):
        raise Fault("E-CLI-082", "Give either a value or --file with a list.")
    values = [value] if value is not None else values_in(file) if file is not None else []
    chosen = None if type is None else parse_type(type)
    cost = Cost()
    with Node.open(context.node, token=context.token) as node:
        done = ask_peer(node, peer, values, type=chosen, force=force)
    done |= cost.as_dict()
    if context.out.json:
        context.out.result(done)
        return
    items = done["items"]
    columns = ["type", "value", "known", "state", "budget_left", "reason"]
    context.out.table(items if isinstance(items, list) else [], columns, empty="Nothing was asked.")
    _notes(done)


@peers.command(name="counter")
def counter(
    code_name: str,
    /,
    *,
    url: Annotated[str | None, Parameter(help="The relay that counts, https://host:8702.")] = None,
    pin: Annotated[str, Parameter(help="SHA-256 of its key; left out behind a public certificate.")] = "",
    token_file: Annotated[Path | None, Parameter(help="File with our token of this pair.")] = None,
    off: Annotated[bool, Parameter(help="Count no more.", negative="")] = False,
) -> None:
    """Set, show or forget the relay that counts what we and a peer both hold before it is compared.

    The peer sets the same relay with the other token of the pair. JSON: peer, url, set.
    """
    from seawall.flow.node import Node
    from seawall.flow.overlap_counter import remove_counter, set_counter, show_counter

    if (url is None) != (token_file is None) or (off and url is not None):
        raise Fault("E-CLI-083", "Give --url with --token-file, or --off, or neither to see what is set.")
    with Node.open(context.node, token=context.token) as node:
        if url is not None and token_file is not None:
            context.out.pairs(set_counter(node, code_name, url=url, pin=pin, token_file=token_file))
        elif off:
            context.out.pairs(remove_counter(node, code_name))
        else:
            context.out.pairs(show_counter(node, code_name))


def _shown(done: dict[str, object], empty: str) -> None:
    if context.out.json:
        context.out.result(done)
        return
    items, following = done.pop("items"), done.pop("next")
    types = done.pop("types", {})
    problems = done.pop("problems")
    context.out.pairs(done)
    if isinstance(types, dict) and types:
        rows = [{"type": name, **told} for name, told in types.items()]
        context.out.table(rows, ["type", "state", "mine", "theirs", "common", "budget_left", "reason"], empty="")
    context.out.table(items if isinstance(items, list) else [], COLUMNS, empty=empty, following=following)
    _notes({"problems": problems})


def _notes(done: dict[str, object]) -> None:
    problems = done["problems"]
    for problem in problems if isinstance(problems, list) else []:
        context.out.note("{problem}", problem=problem)


def _explained(told: dict[str, object]) -> None:
    if context.out.json:
        context.out.result(told)
        return
    types, bounds, leaks = told.pop("types"), told.pop("bounds"), told.pop("leaks")
    context.out.pairs(told)
    rows = [{**row, "met": row.get("met", {"entering": 0})} for row in types] if isinstance(types, list) else []
    flat = [{**row, "met": row["met"]["entering"]} for row in rows]
    columns = ["type", "entering", "young", "met", "decoys", "points", "peer_may_ask"]
    context.out.table(flat, columns, empty="Nothing of ours is committed to yet; 'seawall run commitments' does it.")
    lists = [(row["type"], name, held) for row in rows for name, held in (("suspects", row), ("met", row["met"]))]
    outside = [{"type": type, "list": name, **one} for type, name, held in lists for one in held.get("left_out", [])]
    if outside:
        context.out.table(outside, ["type", "list", "reason", "count", "meaning", "sample"], empty="")
    for title, lines in (("What holds:", bounds), ("What leaks even so:", leaks)):
        context.out.result(None, [context.out.tr(title), *(f"  {line}" for line in _lines(lines))])


def _lines(found: object) -> list[str]:
    return [str(line) for line in found] if isinstance(found, list) else []

"""The real agent with the real packet filter: what it may do, how fast it acts, and what is left when it is killed."""

from __future__ import annotations

import pytest

from enforce.agent_scenes import SCENE
from enforce.spaces import inside

pytestmark = [pytest.mark.tool("nft"), pytest.mark.tool("ip"), pytest.mark.tool("unshare")]


def test_a_change_in_the_book_stops_a_packet_at_once_with_one_privilege() -> None:
    """Blocked and freed well within a second each; the process and all its threads hold CAP_NET_ADMIN and no more.

    What the packet filter counts while the agent is dead is told once it is back, each packet once: killed right after
    packets, dead while they came, and with a table that was made anew meanwhile.
    """
    seen = inside(
        SCENE
        + """
enroll()
agent = start_agent()
put(node, *blocks(["203.0.113.1"]))
began, came = soon(lambda: stopped("203.0.113.1"), 20), []
for number in range(2, 22):
    one = blocks([f"203.0.113.{number}"])
    put(node, *one)
    came.append(soon(lambda: stopped(one[0].value), 20))
remove(node, *one)
freed = soon(lambda: not stopped(one[0].value), 5)
threads = [line for task in Path(f"/proc/{agent.pid}/task").iterdir()
           for line in (task / "status").read_text().splitlines() if line.startswith(("Cap", "NoNewPrivs"))]
soon(lambda: status()["sequence"] == node.store.orders.last(), 5)
told = status()
def met():
    found = node.store.orders.hits_of([(counted.type, counted.value)])
    return found.get((counted.type, counted.value), (0, 0))[0]
def packets(count):
    for _ in range(count):
        stopped(counted.value)
say(node, "203.0.113.99")
(counted,) = blocks(["203.0.113.99"])
orders_for(node, [Observable(counted.type, counted.value)])
soon(lambda: counted.value in held(), 10)
packets(3)
hits = [soon(lambda: met() == 3, 15)]
packets(2)
agent.kill(); agent.wait()
packets(5)
agent = start_agent()
hits.append(soon(lambda: met() == 10, 20))
agent.kill(); agent.wait()
nft("delete", "table", "inet", "seawall")
agent = start_agent()
soon(lambda: counted.value in held(), 20)
packets(12)
hits.append(soon(lambda: met() == 22, 15))
time.sleep(1)
hits.append(met())
agent.terminate()
print(json.dumps([hits, began, came, freed, sorted(set(line.replace("\\t", " ") for line in threads)), told,
                  agent.wait(10), stopped("203.0.113.1"), stopped("198.51.100.1")]))
"""
    )
    hits, began, came, freed, privileges, told, ended, still, clean = seen
    assert hits == [True, True, True, 22]
    assert came == [True] * 20
    assert (began, freed, ended, still, clean) == (True, True, 0, True, False)
    one = "0000000000001000"
    assert privileges == [
        *(f"{name}: {one}" for name in ("CapAmb", "CapBnd", "CapEff", "CapInh", "CapPrm")),
        "NoNewPrivs: 1",
    ]
    assert told["only_net_admin"] is True
    assert [tool["condition"] for tool in told["tools"]] == ["ok"]


@pytest.mark.long
def test_without_its_node_blocks_stay_and_end_and_a_killed_agent_finds_its_way_back() -> None:
    """The door closed: what stands stays, short blocks end by the kernel. The agent killed: the same. The rule set
    flushed meanwhile: whole again after the start. Changes made meanwhile: caught up with."""
    seen = inside(
        SCENE
        + """
enroll()
agent = start_agent()
put(node, *blocks(["203.0.113.1"]), *blocks(["203.0.113.2"], seconds=6))
up = soon(lambda: stopped("203.0.113.1") and stopped("203.0.113.2"), 20)
door.stop()
alone = [stopped("203.0.113.1"), soon(lambda: not stopped("203.0.113.2"), 10)]
agent.kill(); agent.wait()
killed = stopped("203.0.113.1")
put(node, *blocks(["203.0.113.3"]))
remove(node, *blocks(["203.0.113.1"]))
door = AgentDoor(node, host="127.0.0.1", port=port)
door.start()
nft("flush", "ruleset")
agent = start_agent()
back = soon(lambda: stopped("203.0.113.3"), 20), soon(lambda: not stopped("203.0.113.1"), 5)
nft("delete", "table", "inet", "seawall")
mended = soon(lambda: stopped("203.0.113.3"), 10)
nft("add", "element", "inet", "seawall", "block4", "{ 198.51.100.9 timeout 1h }")
foreign = soon(lambda: not stopped("198.51.100.9"), 10)
soon(lambda: status()["tools"][0]["unexpected"] >= 1, 5)
told = status()
agent.kill(); agent.wait()
tool = told["tools"][0]
print(json.dumps([up, alone, killed, back, mended, foreign, tool["missing"], tool["unexpected"]]))
"""
    )
    up, alone, killed, back, mended, foreign, missing, unexpected = seen
    assert (up, alone, killed, back) == (True, [True, True], True, [True, True])
    assert (mended, foreign, missing >= 1, unexpected >= 1) == (True, True, True, True)


def test_limits_kill_switch_and_clear_hold_on_real_packets() -> None:
    """A protected network is never blocked though the node says so; the kill switch and a clear at the gateway let
    everything pass, and what comes meanwhile; afterwards it is blocked again."""
    seen = inside(
        SCENE
        + """
path = write_config('zone = "internet-edge"\\nnever_block = ["198.51.100.0/24"]\\nmost = { ipv4 = 3 }')
enroll()
agent = start_agent()
put(node, *blocks(["198.51.100.7", "198.51.0.0/16", "127.0.0.1", "192.0.2.1", "203.0.113.1"]))
first = soon(lambda: stopped("203.0.113.1"), 20), stopped("198.51.100.7"), stopped("192.0.2.1")
put(node, *blocks([f"203.0.113.{n}" for n in range(2, 12)]))
soon(lambda: len(held()) == 3, 5)
capped = len(held())
from seawall.flow.agent_reports import standing
soon(lambda: standing(node, "gw-1") is not None and len(standing(node, "gw-1").problems) >= 12, 10)
sentences = sorted({one.problem.format(detail=one.detail) for one in standing(node, "gw-1").problems})
node.store.orders.throw(Kill("gw-1", now(), "eve")); wake()
start = time.monotonic()
killed = soon(lambda: not stopped("203.0.113.1"), 5), time.monotonic() - start
put(node, *blocks(["203.0.113.60"]))
time.sleep(0.5)
quiet = stopped("203.0.113.60"), nft("list", "tables").strip()
node.store.orders.lift("gw-1", now()); wake()
lifted = soon(lambda: len(held()) == 3, 5)
done = cli("agent", "clear", "--config", str(path))
cleared = nft("list", "tables").strip()
time.sleep(1.5)
after = nft("list", "tables").strip()
cli("agent", "clear", "--resume", "--config", str(path))
resumed = soon(lambda: len(held()) == 3, 5)
agent.kill(); agent.wait()
alone = cli("agent", "clear", "--config", str(path)), nft("list", "tables").strip()
print(json.dumps([first, capped, sentences, killed, quiet, lifted, done, cleared, after, resumed, alone]))
"""
    )
    first, capped, sentences, killed, quiet, lifted, done, cleared, after, resumed, alone = seen
    assert (first, capped) == ([True, False, False], 3)
    assert "This gateway holds as many as it may: 3 x ipv4." in sentences
    assert "It touches 198.51.100.0/24, which this gateway never blocks." in sentences
    assert "It touches 192.0.2.1, which this gateway never blocks." in sentences  # its own address
    assert killed[0]
    assert killed[1] < 2
    assert (quiet, lifted, resumed) == ([False, ""], True, True)
    assert (done["problems"], cleared, after) == ([], "", "")
    assert (alone[0]["problems"], alone[1]) == ([], "")


@pytest.mark.long
def test_killed_at_random_moments_the_gateway_is_never_left_with_half_a_rule_set() -> None:
    """Agent, door and table are killed again and again under a stream of changes: at every look the rules are whole or
    not there, nothing stands that the book never held, every element ends by itself, and in the end all is right."""
    seen = inside(
        SCENE
        + """
enroll()
agent = start_agent()
dice = random.Random(int(sys.argv[1]))
book, ever, wrong, looks = {}, set(), [], 0
rules = None
def look():
    global rules, looks
    looks += 1
    shape = nft("-t", "list", "ruleset")
    count = shape.count("@")  # rules that look a set up
    if shape and rules is None and count:
        rules = count
    if shape and count != rules:
        wrong.append(["half", count, rules])
    found = elements_now()
    elements = {e["elem"]["val"] if isinstance(e, dict) else e for e in found}
    if elements - ever:
        wrong.append(["never in the book", sorted(elements - ever)])
    if any(not isinstance(e, dict) or not 0 < e["elem"]["timeout"] <= 3_600 for e in found):
        wrong.append(["without an end", found])
soon(lambda: (put(node, *blocks(["203.0.113.250"])), ever.add("203.0.113.250"), stopped("203.0.113.250"))[2], 20)
book["203.0.113.250"] = blocks(["203.0.113.250"])[0]
look()
for step in range(120):
    number = f"203.0.113.{dice.randrange(1, 200)}"
    if number in book and dice.random() < 0.5:
        remove(node, book.pop(number))
    else:
        ever.add(number)
        book[number] = blocks([number])[0]
        put(node, book[number])
    fate = dice.random()
    if fate < 0.06:
        agent.kill(); agent.wait(); agent = start_agent()
    elif fate < 0.09:
        door.stop(); door = AgentDoor(node, host="127.0.0.1", port=port); door.start()
    elif fate < 0.12:
        nft("flush", "ruleset")
    time.sleep(dice.random() * 0.1)
    if step % 5 == 0:
        look()
right = soon(lambda: held() == set(book), 40)
look()
difference = sorted(held() ^ set(book))
agent.kill(); agent.wait()
print(json.dumps([right, difference, wrong, looks, len(book)]))
""",
        "23",
        seconds=200,
    )
    right, difference, wrong, looks, _ = seen
    assert (right, difference, wrong) == (True, [], [])
    assert looks > 20


@pytest.mark.long
def test_behind_a_plant_nothing_is_dropped_whatever_the_node_says_until_its_owner_opens_a_window() -> None:
    """The node believes the gateway to stand at the Internet's edge and sends blocks: none acts, each is refused with
    its sentence; in a window that the owner opened on the gateway itself it does, and with its end no more."""
    seen = inside(
        SCENE
        + """
path = write_config('zone = "ot"')
enroll()
agent = start_agent()
put(node, *blocks(["203.0.113.1", "203.0.113.0/28"], seconds=60))
soon(lambda: status()["refused"] == 2, 20)
first = status(), stopped("203.0.113.1"), sorted(held())
agent.terminate(); agent.wait(10)
moment = lambda seconds: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
write_config(f'zone = "ot"\\nwindow = {{ owner = "Plant owner", begins = {moment(-60)}, ends = {moment(3600)} }}')
agent = start_agent()
opened = soon(lambda: stopped("203.0.113.1"), 20)
agent.terminate(); agent.wait(10)
write_config('zone = "ot"')
agent = start_agent()
closed = soon(lambda: not stopped("203.0.113.1"), 20)
agent.kill(); agent.wait()
print(json.dumps([first, opened, closed]))
"""
    )
    (told, dropped, elements), opened, closed = seen
    assert (told["refused"], told["orders"], dropped, elements) == (2, 0, False, [])
    assert {one["sentence"] for one in told["refused_items"]} == {
        "Behind this gateway is a plant (ot): it blocks only in a window that its owner opened here."
    }
    assert (opened, closed) == (True, True)

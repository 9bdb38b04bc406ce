"""Journey: two nodes that never share a network converge by carrying files both ways."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from journey.carrying import Shores, agreed_shores, two_shores
from journey.command_line import SeawallNode, eve, here

pytestmark = pytest.mark.xdist_group("drops")
ATTACKER, SECRET, HIT = "203.0.113.77", "198.51.100.44", "203.0.113.200"


@pytest.fixture(scope="module")
def shores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shores]:
    """Two nodes that agreed on their circle; while they are used, no socket may be opened."""
    with agreed_shores(tmp_path_factory.mktemp("shores")) as made:
        yield made


def listed(node: SeawallNode, folder: Path, *values: str, tlp: str = "amber") -> None:
    """Import a small list of addresses."""
    file = folder / f"{'-'.join(values)}.csv"
    file.write_text("type,value\n" + "".join(f"ipv4,{value}\n" for value in values))
    node.here("intel", "import", file, "--tlp", tlp, "--source", "ours")


def held(node: SeawallNode, folder: Path) -> str:
    """All values that a node holds, as CSV."""
    node.here("intel", "export", "--to", "csv", "-o", folder / "held.csv")
    return (folder / "held.csv").read_text()


def state(node: SeawallNode) -> dict[str, Any]:
    """The one row of ``drop status``."""
    found: dict[str, Any] = node.here("drop", "status")["items"][0]
    return found


def test_the_first_round_agrees_the_circle_and_the_second_carries(tmp_path: Path) -> None:
    """Terms travel with the files; AMBER arrives, RED stays and arrives once it was lowered."""
    shores = two_shores(tmp_path)
    listed(shores.taipei, tmp_path, ATTACKER)
    listed(shores.taipei, tmp_path, SECRET, tlp="red")
    assert state(shores.taipei)["agreed"] == []
    shores.rounds(2)
    assert state(shores.taipei)["agreed"] == state(shores.seoul)["agreed"] == ["tw-kr"]
    text = held(shores.seoul, tmp_path)
    assert ATTACKER in text
    assert SECRET not in text
    listed(shores.taipei, tmp_path, SECRET, tlp="green")
    assert shores.carry(shores.taipei)["received"] == 1
    assert SECRET in held(shores.seoul, tmp_path)


def test_a_sighting_becomes_a_warning_on_both_sides(shores: Shores, tmp_path: Path) -> None:
    """As by sync: what Taipei saw warns Seoul, and Seoul's confirmation comes back."""
    for node, hour, network in ((shores.taipei, "03", "10.1.0.5"), (shores.seoul, "08", "10.2.0.9")):
        file = tmp_path / f"{hour}.json"
        file.write_text(eve(f"2026-03-14T{hour}:12:00.000000+0000", HIT, network, sensor=f"s-{hour}") + "\n")
        node.here("ingest", file)
    for _ in range(2):
        for node in (shores.taipei, shores.seoul):
            node.here("match")
            shores.carry(node)
    for node in (shores.taipei, shores.seoul):
        node.here("match")
        warning = {item["value"]: item for item in node.here("warnings")["items"]}[HIT]
        assert warning["first_seen"] == "2026-03-14T03:12:00.000000Z"
        assert warning["other_first_seen"] == "2026-03-14T08:12:00.000000Z"


def test_a_recall_is_carried(shores: Shores, tmp_path: Path) -> None:
    """What was taken back on one side leaves the other with the next drop."""
    listed(shores.taipei, tmp_path, "203.0.113.90")
    shores.carry(shores.taipei)
    assert "203.0.113.90" in held(shores.seoul, tmp_path)
    shores.taipei.here("intel", "export", "--to", "stix", "-o", tmp_path / "all.json")
    bundle = json.loads((tmp_path / "all.json").read_text())
    wrong = next(item["id"] for item in bundle["objects"] if "203.0.113.90" in item.get("pattern", ""))
    shores.taipei.here("recall", wrong)
    shores.carry(shores.taipei)
    assert "203.0.113.90" not in held(shores.seoul, tmp_path)


def test_no_network_is_tried(shores: Shores) -> None:
    """A peer without an address is left out by the schedule, by doctor and by sync, which says what to do."""
    assert "E-FLOW-126" in here("--node", shores.taipei.folder, "sync", "seoul").err
    assert shores.taipei.here("run", "sync")["result"] == "no verified peer"
    assert shores.taipei.here("doctor")["endpoints"] == []
    (peer,) = shores.taipei.here("peers", "list")["items"]
    assert (peer["health"], peer["waiting"], peer["last_sync"] is not None) == ("ok", 0, True)


def three(shores: Shores, folder: Path, network: str) -> list[Path]:
    """Three drops of Taipei that nobody has carried yet."""
    outbox = folder / "outbox"
    outbox.mkdir()
    for number in range(3):
        listed(shores.taipei, folder, f"{network}.{number + 1}")
        shores.taipei.here("export-drop", "seoul", "-o", outbox)
    return sorted(outbox.iterdir())


def test_files_of_one_command_are_taken_in_order(shores: Shores, tmp_path: Path) -> None:
    """However they are named on the command line; a second time nothing changes."""
    files = three(shores, tmp_path, "203.0.113")
    done = shores.seoul.here("import-drop", files[2], files[0], files[1])
    assert [item["status"] for item in done["items"]] == ["imported"] * 3
    again = shores.seoul.here("import-drop", files[0].parent)
    assert [item["status"] for item in again["items"]] == ["repeated"] * 3
    assert (again["received"], again["rejected"]) == (0, 0)
    assert again["unchanged"] == done["received"] + done["unchanged"]


def test_every_order_of_arrival_ends_alike(shores: Shores, tmp_path: Path) -> None:
    """What comes too early is turned away by name of what is missing, and taken when its turn has come."""
    for turn, order in enumerate(permutations(range(3))):
        folder = tmp_path / str(turn)
        folder.mkdir()
        files = three(shores, folder, f"198.18.{turn}")
        before = state(shores.seoul)["received"]
        for place in [*order, *order, *order]:
            answer = here("--node", shores.seoul.folder, "import-drop", files[place], "--json")
            if answer.status:
                assert answer.status == 2
                assert f"before drop {state(shores.seoul)['received'] + 1}" in answer.err
        assert state(shores.seoul)["received"] == before + 3
        assert state(shores.seoul)["we_miss"] == []


def test_a_lost_drop_is_noticed_on_both_sides_and_written_again(shores: Shores, tmp_path: Path) -> None:
    """Seoul names the number, Taipei hears it with the next file, writes it again, and the rest fits behind it."""
    first, second, third = three(shores, tmp_path, "198.51.100")
    lost = state(shores.taipei)["sent"] - 1
    shores.seoul.here("import-drop", first)
    second.unlink()
    answer = here("--node", shores.seoul.folder, "import-drop", third)
    assert f"E-EXCHANGE-213: Drop {lost + 1} from taipei cannot be taken in before drop {lost}" in answer.err
    shores.carry(shores.seoul)
    told = state(shores.taipei)
    assert (told["acknowledged"], told["they_miss"]) == (lost - 1, [lost])
    written = shores.taipei.here("export-drop", "seoul", "-o", tmp_path, "--again", str(lost))
    assert [(item["number"], item["again"]) for item in written["items"]] == [(lost, True)]
    done = shores.seoul.here("import-drop", third, written["items"][0]["file"])
    assert [item["status"] for item in done["items"]] == ["imported", "imported"]
    for number in (1, 2, 3):
        assert f"198.51.100.{number}" in held(shores.seoul, tmp_path)
    shores.carry(shores.seoul)
    assert state(shores.taipei)["they_miss"] == []
    assert state(shores.taipei)["acknowledged"] == lost + 1


def test_what_was_recalled_is_not_written_again(shores: Shores, tmp_path: Path) -> None:
    """A lost drop comes back without what policy took back since."""
    listed(shores.taipei, tmp_path, "203.0.113.111")
    sent = shores.taipei.here("export-drop", "seoul", "-o", tmp_path)["items"][0]
    shores.taipei.here("intel", "export", "--to", "stix", "-o", tmp_path / "all.json")
    bundle = json.loads((tmp_path / "all.json").read_text())
    wrong = next(item["id"] for item in bundle["objects"] if "203.0.113.111" in item.get("pattern", ""))
    shores.taipei.here("recall", wrong)
    again = shores.taipei.here("export-drop", "seoul", "-o", tmp_path, "--again", str(sent["number"]))["items"][0]
    assert (sent["objects"], again["objects"]) == (1, 0)
    shores.seoul.here("import-drop", again["file"])
    shores.carry(shores.taipei)
    assert "203.0.113.111" not in held(shores.seoul, tmp_path)


def test_a_tampered_or_misdirected_drop_changes_nothing(shores: Shores, tmp_path: Path) -> None:
    """One altered byte, half a file, our own file, a file for somebody else: refused, with the reason."""
    listed(shores.taipei, tmp_path, "203.0.113.121")
    file = Path(shores.taipei.here("export-drop", "seoul", "-o", tmp_path)["items"][0]["file"])
    before = state(shores.seoul)["received"]
    whole = file.read_bytes()
    broken = tmp_path / "broken.drop.zst"
    for data in (whole[:-9], whole[: len(whole) // 2], whole[:700] + bytes([whole[700] ^ 1]) + whole[701:]):
        broken.write_bytes(data)
        answer = here("--node", shores.seoul.folder, "import-drop", broken)
        assert answer.status in (2, 3)
        assert "E-EXCHANGE-20" in answer.err
    assert "E-FLOW-124" in here("--node", shores.taipei.folder, "import-drop", file).err
    assert state(shores.seoul)["received"] == before
    assert "203.0.113.121" not in held(shores.seoul, tmp_path)
    done = shores.seoul.here("import-drop", broken, file)
    assert [item["status"] for item in done["items"]] == ["imported", "refused"]
    assert len(done["problems"]) == 1


def test_nothing_new_needs_no_file(shores: Shores, tmp_path: Path) -> None:
    """With --if-new two nodes do not thank each other for ever."""
    shores.rounds(2)
    for node, name in ((shores.taipei, "seoul"), (shores.seoul, "taipei")):
        done = node.here("export-drop", name, "-o", tmp_path, "--if-new")
        assert (done["items"], done["sent"]) == ([], 0)
    assert list(tmp_path.iterdir()) == []


def test_a_node_that_lost_its_books_gets_everything_anew(shores: Shores, tmp_path: Path) -> None:
    """A new chain begins at one and carries all that stands; files of the old chain are refused."""
    listed(shores.taipei, tmp_path, *(f"198.18.9.{number}" for number in range(1, 8)))
    shores.carry(shores.taipei)
    old = shores.taipei.here("export-drop", "seoul", "-o", tmp_path)["items"][0]["file"]
    shutil.copy(old, tmp_path / "old")
    done = shores.carry(shores.taipei, "--restart")
    assert done["items"][0]["number"] == 1
    assert done["unchanged"] > 5
    assert "E-EXCHANGE-211" in here("--node", shores.seoul.folder, "import-drop", tmp_path / "old").err
    shores.carry(shores.seoul)
    assert state(shores.taipei)["acknowledged"] == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("export-drop", "nobody", "-o", "{tmp}"), "E-STORE-051"),
        (("export-drop", "seoul", "-o", "{tmp}/no/such/file"), "E-FLOW-120"),
        (("export-drop", "seoul", "-o", "{tmp}", "--again", "9999"), "E-FLOW-121"),
        (("export-drop", "seoul", "-o", "{tmp}/one", "--again", "1", "--again", "2"), "E-FLOW-122"),
        (("import-drop", "{tmp}"), "E-FLOW-123"),
        (("import-drop", "{tmp}/none"), "E-EXCHANGE-202"),
        (("drop", "status", "nobody"), "E-STORE-051"),
    ],
)
def test_wrong_usage_is_one_sentence(shores: Shores, tmp_path: Path, arguments: tuple[str, ...], code: str) -> None:
    """Each mistake has its code."""
    answer = here("--node", shores.taipei.folder, *(word.replace("{tmp}", str(tmp_path)) for word in arguments))
    assert code in answer.err
    assert len(answer.err.strip().splitlines()) == 1


def test_the_ledgers_verify(shores: Shores) -> None:
    """Every object that left by file left a leaf."""
    for node in (shores.taipei, shores.seoul):
        assert node.here("ledger", "verify")["valid"] is True

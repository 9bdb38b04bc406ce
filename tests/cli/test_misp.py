"""MISP at the command line: events in, events and feeds out."""

from __future__ import annotations

import json
from pathlib import Path

from cli.scenes import Shop
from codec.misp.scenes import attribute, document, uuid


def test_an_event_goes_in_and_comes_out(shop: Shop, tmp_path: Path) -> None:
    """Each part is counted once, a second import changes nothing, the export holds the event as it was."""
    file = shop.write("event.json", document(attribute("domain", "misp.example", uuid=uuid(1))).decode())
    first = shop.here("intel", "import", file)
    assert (first["objects"], first["new"], first["by_type"]) == (2, 2, {"indicator": 1, "report": 1})
    assert shop.here("intel", "import", file)["unchanged"] == 2
    out, loss = tmp_path / "out.json", tmp_path / "loss.json"
    summary = shop.here("intel", "export", "--to", "misp", "-o", out, "--loss", loss)
    events = [one["Event"] for one in json.loads(out.read_text())["response"]]
    (back,) = [one for one in events if one["info"] == "Green Wave"]
    assert [one["value"] for one in back["Attribute"]] == ["misp.example"]
    assert summary["not_carried"] == len(json.loads(loss.read_text()))


def test_a_feed_is_a_folder_that_follows_what_there_is(shop: Shop, tmp_path: Path) -> None:
    """Events that are gone leave it, other files stay; it can be imported; without a folder it is refused."""
    folder = tmp_path / "feed"
    shop.here("intel", "export", "--to", "misp-feed", "-o", folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert {path.name for path in folder.iterdir()} == {f"{one}.json" for one in manifest} | {
        "hashes.csv",
        "manifest.json",
    }
    old = uuid(77)
    (folder / "manifest.json").write_text(json.dumps({**manifest, old: {}}))
    (folder / f"{old}.json").write_text("{}")
    (folder / "readme.txt").write_text("ours")
    shop.here("intel", "export", "--to", "misp-feed", "-o", folder)
    assert not (folder / f"{old}.json").exists()
    assert (folder / "readme.txt").exists()
    (folder / "readme.txt").unlink()
    taken = shop.here("intel", "import", folder, "--source", "feed")
    assert (taken["rejected"], taken["by_type"]["report"]) == (0, len(manifest))
    assert "E-FLOW-085" in shop.refused("intel", "export", "--to", "misp-feed")
    assert "E-FLOW-084" in shop.refused("intel", "export", "--to", "misp-feed", "-o", folder / "manifest.json")

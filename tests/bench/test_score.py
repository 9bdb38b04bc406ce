"""``bench/score.py``: an outsider's case, graded through the command line."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

PATH = Path(__file__).parents[2] / "bench" / "score.py"


@pytest.fixture
def score() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("bench_score", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_grades_what_the_node_answers(score: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All pages of warnings are read, and the truth only afterwards."""
    truth = tmp_path / "truth.csv"
    asked: list[tuple[str, ...]] = []

    def answer(_node: Path, *arguments: Any) -> dict[str, object]:
        asked.append(tuple(map(str, arguments)))
        if arguments[0] == "warnings":
            if not truth.exists():
                truth.write_text("type,value\nipv4,240.0.0.1\nipv4,240.0.0.2\n")
            page = int(arguments[arguments.index("--after") + 1])
            item = {"type": "ipv4", "value": f"240.0.0.{page + 1}", "first_side": "TW", "other_first_seen": "x"}
            return {"items": [item], "next": 1 if page == 0 else None}
        return {"events": 5, "stored": 5, "rejected": 0, "hits": 0}

    monkeypatch.setattr(score, "seawall", answer)
    result = score.score([tmp_path], truth, tmp_path / "node", sensors=tmp_path / "sensors.csv")
    assert (result["events"], result["recall"], result["precision"]) == (5, 1.0, 1.0)
    assert [command[0] for command in asked] == ["init", "sensors", "ingest", "match", "warnings", "warnings"]


def test_wrong_use_is_one_sentence(score: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A log folder without a truth file is wrong usage."""
    with pytest.raises(SystemExit) as ended:
        score.main([str(tmp_path)])
    assert ended.value.code == 2
    assert "--truth" in capsys.readouterr().err


def test_an_outsiders_case_end_to_end(score: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Logs of two sides, sensors and a two-column truth file: the attacker of both is found, the visitor is not."""
    logs = tmp_path / "logs"
    logs.mkdir()
    with (logs / "eve.json").open("w") as file:
        for minute, (sensor, own) in enumerate([("a-1", "10.0.0.5"), ("b-1", "10.0.0.9")] * 3):
            for kind, source in (("alert", "240.0.0.1"), ("flow", "240.0.0.2")):
                event: dict[str, object] = {
                    "timestamp": f"2026-03-16T0{minute}:00:00.000000+0000", "flow_id": minute + 1, "event_type": kind,
                    "src_ip": source, "src_port": 40_000, "dest_ip": own, "dest_port": 22, "proto": "TCP",
                    "host": sensor,
                }  # fmt: skip
                if kind == "alert":
                    event["alert"] = {"action": "allowed", "gid": 1, "signature_id": 7, "rev": 1, "signature": "x",
                                      "category": "Misc Attack", "severity": 1}  # fmt: skip
                file.write(json.dumps(event) + "\n")
    (tmp_path / "sensors.csv").write_text("sensor,side,sector\na-1,TW,water\nb-1,KR,health\n")
    (tmp_path / "truth.csv").write_text("type,value\nipv4,240.0.0.1\n")
    arguments = [str(logs), "--truth", str(tmp_path / "truth.csv"), "--sensors", str(tmp_path / "sensors.csv")]
    assert score.main(arguments) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["events"], result["recall"], result["precision"], result["warnings"]) == (12, 1.0, 1.0, 1)

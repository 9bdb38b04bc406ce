"""The contact directory and what is said on the telephone about a warning."""

from __future__ import annotations

import pytest

from cli.scenes import ATTACKER, Shop, furnished
from mail_scenes import Team
from seawall.messages import translate

SECONDS = 20
DIRECTORY = """name,short_name,timezone,phone_24x7,email,fingerprints,languages,head,deputy,deputy_phone,peer
Korea Internet Security Center,KrCERT,Asia/Seoul,+82 2 123 4567,cert@team.example,,ko;en,Lee,Kim,+82 10 1234 5678,kr
Our desk,TWCERT,Asia/Taipei,+886 2 2345 6789,desk@node.example,,zh-Hant;en,Chen,Lin,+886912345678,
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A node with a warning, a directory and its own entry in it."""
    made = furnished(tmp_path_factory.mktemp("shop"))
    with (made.folder / "seawall.toml").open("a") as file:
        file.write('\n[mail]\nfrom_address = "desk@node.example"\ncontact = "Our desk"\n')
    team = Team(tmp_path_factory.mktemp("t") / "g")
    key = made.files / "k.asc"
    key.write_bytes(team.public())
    team.close()
    made.here("mail", "peers", "add", "kr", "--address", team.address, "--key", key)
    return made


@pytest.mark.tool("gpg")
def test_the_directory_is_kept_and_shown(shop: Shop) -> None:
    """An import is all or nothing, a second one changes nothing, and a peer's name finds its entry."""
    file = shop.write("directory.csv", DIRECTORY)
    assert shop.here("contacts", "import", file)["new"] == 2
    assert shop.here("contacts", "import", file)["unchanged"] == 2
    assert [item["name"] for item in shop.here("contacts", "list")["items"]][1] == "Our desk"
    shown = shop.here("contacts", "show", "kr")
    assert (shown["short_name"], shown["phone_24x7"], shown["deputy"]) == ("KrCERT", "+822 123 45 67", "Kim")
    said = shop.refused("contacts", "import", shop.write("bad.csv", "name,peer\nx,nobody\n"))
    assert said.startswith("E-FLOW-280")
    assert shop.refused("contacts", "show", "nobody").startswith("E-STORE-165")


@pytest.mark.tool("gpg")
@pytest.mark.parametrize("lang", ["en", "zh-Hant", "ko"])
def test_every_warning_can_be_said_in_twenty_seconds(shop: Shop, lang: str) -> None:
    """The marking comes first, the value is spelled, whom to call comes last, and the whole fits the time."""
    shop.here("contacts", "import", shop.write("directory.csv", DIRECTORY))
    items = shop.here("warnings", "--lang", lang)["items"]
    assert items
    for item in items:
        assert item["read_out_seconds"] <= SECONDS
        assert item["read_out"].index("AMBER") < 12
    about = next(item for item in items if item["value"] == ATTACKER)
    dot = translate("dot", lang)
    assert f"2 0 3 {dot} 0 {dot} 1 1 3 {dot} 7 7" in about["read_out"]
    assert about["read_out"].rstrip(".。").endswith("+886 223 456 789")
    assert shop.here("warnings", ATTACKER, "--lang", lang)["read_out"] == about["read_out"]
    printed = shop.say("warnings", "--read-out", "--lang", lang).out.splitlines()
    assert about["read_out"] in printed


def test_a_value_without_warning_is_said_so(shop: Shop) -> None:
    """Asking for a value that no warning is about is one sentence."""
    assert shop.refused("warnings", "192.0.2.1").startswith("E-FLOW-281")

"""Links ask before they are opened, and people are mentioned by a few letters; found wherever a line is broken."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from kivy.core.clipboard import Clipboard

from miss_app.engine.saying import Manner
from miss_app.ui import driver
from miss_app.ui.measure import wrap
from miss_app.ui.rich_text import address_of, host_of, links_in, spans_in
from ui.cast import CAMILLE, ME, NADIA, fill
from ui.rehearsal import Rehearsal, opened
from ui.stage import Scene
from ui.talk_scenes import chat


def test_links_are_found_without_the_sentence_around_them() -> None:
    text = "Voir https://has-sante.example/guide?x=1. Ou (www.exemple.fr), « http://a.example/b » ; pas www. ni c.fr"
    assert links_in(text) == ["https://has-sante.example/guide?x=1", "www.exemple.fr", "http://a.example/b"]
    assert address_of("www.exemple.fr") == "https://www.exemple.fr"
    assert host_of("https://chu-lille.fr@mechant.example/chu") == "mechant.example"
    assert host_of("https://[") == ""
    assert links_in("ftp://x.example javascript:alert(1)") == []


@pytest.mark.parametrize("width", [90, 140, 220, 600])
def test_what_leads_somewhere_is_found_in_every_breaking_of_its_line(width: int) -> None:
    link = "https://has-sante.example/jcms/c_272462/fr/pansements-et-escarres-du-talon"
    text = f"Bonjour @{CAMILLE.display_name}, lire [b]{link}[/b] ? Merci @{NADIA.display_name} 🙏"
    people = [(CAMILLE.display_name, "c", False), (NADIA.display_name, "n", True)]
    broken = wrap(text, 15.5, width).text
    spans = spans_in(broken, text, people)
    said = [(one.kind, " ".join(broken[one.start : one.end].replace("\u00a0", " ").split())) for one in spans]
    assert said[0] == ("mention", f"@{CAMILLE.display_name}")
    assert (said[1][0], said[1][1].replace(" ", "")) == ("link", link)
    assert said[2] == ("me", f"@{NADIA.display_name}")


@pytest.fixture
def play(rehearse: Callable[..., Rehearsal]) -> Rehearsal:
    scene = opened(fill(Scene()))
    made = rehearse(scene)
    chat(made)
    made.pump(4)
    return made


def test_a_link_says_where_it_leads_before_it_is_opened(play: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    talk, opened_at = play.scene.talks[0].conversation_id, []
    link = "https://chu-lille.fr@mechant.example/protocole"
    line = play.scene.new_message(talk, "text", text=f"Le protocole : {link} ⚠️", author=CAMILLE)
    play.scene.lines[talk].append(line)
    play.app.shell.stack[-1].pages.load_end()
    play.pump(4)
    monkeypatch.setattr(type(play.app.device), "open_browser", lambda _self, at: bool(opened_at.append(at)) or True)
    driver.tap(f"message-{line.message_id.hex()[:8]}", "span-0")
    play.until(lambda: play.sees("link-open"))
    assert opened_at == []
    assert "mechant.example" in play.read("link-host")
    assert "chu-lille" not in play.read("link-host")
    play.tap("link-copy")
    assert Clipboard.paste() == link
    driver.tap(f"message-{line.message_id.hex()[:8]}", "span-0")
    play.tap("link-open")
    assert opened_at == [link]


def test_somebody_is_mentioned_by_a_few_letters(play: Rehearsal) -> None:
    play.type("composer", "Un avis, @")
    play.until(lambda: play.sees("mention-2"))
    assert play.read("mention-0").startswith(CAMILLE.display_name)
    driver.type_into("fict")
    play.until(lambda: not play.sees("mention-1"))
    driver.key("enter")
    play.pump(3)
    assert play.read("composer") == f"Un avis, @{NADIA.display_name} "
    assert not play.sees("mention-0")
    driver.type_into("et @exe")
    play.until(lambda: play.sees("mention-0"))
    play.tap("mention-0")
    driver.type_into("?")
    play.pump(3)
    text = f"Un avis, @{NADIA.display_name} et @{CAMILLE.display_name} ?"
    assert play.read("composer") == text
    driver.key("enter")
    talk = play.scene.talks[0].conversation_id
    assert play.did("send_text") == ("send_text", talk, text, Manner(mentions=(CAMILLE.person_id, NADIA.person_id)))
    play.type("composer", "@")
    play.until(lambda: play.sees("mention-0"))
    driver.key("escape")
    play.pump(3)
    assert not play.sees("mention-0")
    assert play.read("composer") == "@", "escape says no to the names, not to the text"
    assert play.sees("composer")


def test_a_mention_is_seen_in_the_list_and_leads_to_the_person(play: Rehearsal) -> None:
    talk = play.scene.talks[0].conversation_id
    text = f"@{ME.display_name} et @{CAMILLE.display_name}, qui passe ?"
    line = play.scene.new_message(talk, "text", text=text, author=NADIA, mentions=(ME, CAMILLE))
    play.scene.lines[talk].append(line)
    play.app.shell.stack[-1].pages.load_end()
    play.pump(4)
    view = driver.find(f"message-{line.message_id.hex()[:8]}")
    assert [one.kind for one in view.row.shape.spans] == ["me", "mention"]
    driver.tap(f"message-{line.message_id.hex()[:8]}", "span-1")
    play.until(lambda: play.sees("identity-name") or type(play.app.shell.front).__name__ == "IdentityScreen")
    play.tap("back")
    play.tap("back")
    muted = replace(play.scene.talks[0], muted_until_ms=1 << 52, unread=3, mentions=1)
    play.scene.talks[0] = muted
    play.app.shell.front.refresh()
    play.pump(3)
    row = driver.find("conversation-0").row
    assert row.named
    assert not row.quiet
    play.scene.talks[0] = replace(muted, mentions=0)
    play.app.shell.front.refresh()
    play.pump(3)
    assert driver.find("conversation-0").row.quiet

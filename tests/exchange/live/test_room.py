"""Waiting at a node's door: who is answered, when, and what the answer says."""

from __future__ import annotations

import asyncio
import threading

from seawall.exchange.live import MARK_LENGTH, WaitingRoom


def test_a_peer_is_answered_when_something_waits_for_it_and_not_before() -> None:
    """A word from another thread wakes the one it is for; the other waits on."""

    async def scene() -> tuple[str, str, str, str]:
        room = WaitingRoom()
        first, other = room.mark("seoul"), room.mark("tokyo")
        seoul = asyncio.create_task(room.wait("seoul", first, 10))
        tokyo = asyncio.create_task(room.wait("tokyo", other, 0.2))
        while len(room.waiting()) < 2:
            await asyncio.sleep(0.001)
        threading.Thread(target=room.tell, args=({"seoul"},)).start()
        return first, await seoul, other, await tokyo

    before, after, other, still = asyncio.run(scene())
    assert after != before
    assert still == other


def test_a_word_that_comes_before_the_question_is_not_missed() -> None:
    """Who asks with an older mark is answered at once, in every order of word and question."""

    async def scene() -> bool:
        room = WaitingRoom()
        known = room.mark("seoul")
        room.tell({"seoul"})
        room.tell({"seoul"})  # two at once are one
        fresh = await room.wait("seoul", known, 10)
        return fresh == room.mark("seoul") != known

    assert asyncio.run(asyncio.wait_for(scene(), 5))


def test_a_mark_says_nothing() -> None:
    """Marks are random digits of one length: no number in them rises, none is like another peer's."""
    room = WaitingRoom()
    seen = set()
    for _ in range(200):
        room.tell({"seoul", "tokyo"})
        seen |= {room.mark("seoul"), room.mark("tokyo")}
    assert len(seen) == 400
    assert {len(mark) for mark in seen} == {MARK_LENGTH}
    assert len({mark[0] for mark in seen}) > 8


def test_a_second_request_of_one_peer_takes_the_place_of_the_first() -> None:
    """A connection that died without a word does not keep its peer from waiting again."""

    async def scene() -> tuple[str, str, int]:
        room = WaitingRoom()
        known = room.mark("seoul")
        first = asyncio.create_task(room.wait("seoul", known, 10))
        while not room.waiting():
            await asyncio.sleep(0.001)
        second = asyncio.create_task(room.wait("seoul", known, 10))
        answered = await asyncio.wait_for(first, 5)
        waiting = len(room.waiting())
        room.tell({"seoul"})
        return answered, await asyncio.wait_for(second, 5), waiting

    first, second, waiting = asyncio.run(scene())
    assert waiting == 1
    assert second != first


def test_the_room_has_so_many_places_and_no_more() -> None:
    """Who finds it full is answered at once, with the mark as it is."""

    async def scene() -> tuple[bool, int]:
        room = WaitingRoom(most=3)
        waiting = [asyncio.create_task(room.wait(f"p{n}", room.mark(f"p{n}"), 10)) for n in range(3)]
        while len(room.waiting()) < 3:
            await asyncio.sleep(0.001)
        known = room.mark("late")
        same = await asyncio.wait_for(room.wait("late", known, 10), 1) == known
        held = len(room.waiting())
        room.close()
        await asyncio.gather(*waiting)
        return same, held

    assert asyncio.run(scene()) == (True, 3)


def test_who_asked_a_moment_ago_is_near() -> None:
    """A peer that is fetching what it was told will be back: nobody has to call it."""

    async def scene() -> tuple[bool, bool]:
        room = WaitingRoom()
        before = room.is_near("seoul")
        await room.wait("seoul", "", 1)
        return before, room.is_near("seoul")

    assert asyncio.run(scene()) == (False, True)


def test_a_closed_room_lets_nobody_wait() -> None:
    """The end of the process answers everybody at once."""

    async def scene() -> bool:
        room = WaitingRoom()
        known = room.mark("seoul")
        task = asyncio.create_task(room.wait("seoul", known, 30))
        while not room.waiting():
            await asyncio.sleep(0.001)
        room.close()
        first = await asyncio.wait_for(task, 5)
        return first == known == await asyncio.wait_for(room.wait("seoul", known, 30), 5)

    assert asyncio.run(scene())

"""A queue for threads that wait at a pipe."""

import threading
from concurrent.futures import ThreadPoolExecutor

from key_value.aio.stores.base.inbox import Inbox

ITEMS = 20_000


def test_items_are_taken_in_their_order() -> None:
    inbox = Inbox[int](1)
    assert all(map(inbox.put, range(5)))
    assert inbox.take(3) == [0, 1, 2]
    assert inbox.take(3) == [3, 4]


def test_what_was_put_before_the_end_is_taken() -> None:
    inbox = Inbox[int](1)
    inbox.put(1)
    inbox.end()
    assert inbox.put(2) is False
    assert inbox.take(10) == [1]
    assert inbox.take(10) == []


def test_all_that_wait_learn_of_the_end() -> None:
    inbox = Inbox[int](3)
    with ThreadPoolExecutor(3) as threads:
        waiting = [threads.submit(inbox.take, 1) for _ in range(3)]
        inbox.end()
        assert [waiter.result(timeout=10) for waiter in waiting] == [[]] * 3


def test_nothing_is_lost_or_taken_twice() -> None:
    inbox = Inbox[int](2)

    def take() -> list[int]:
        taken: list[int] = []
        while some := inbox.take(7):
            taken += some
        return taken

    def put(first: int) -> None:
        for item in range(first, first + ITEMS):
            inbox.put(item)
            if item % 1000 == 0:
                turn.wait(10)

    turn = threading.Barrier(2)
    with ThreadPoolExecutor(4) as threads:
        takers = [threads.submit(take) for _ in range(2)]
        for putter in [threads.submit(put, first) for first in (0, ITEMS)]:
            putter.result(timeout=60)
        inbox.end()
        taken = [item for taker in takers for item in taker.result(timeout=60)]
    assert sorted(taken) == list(range(2 * ITEMS))

"""Tests of a client of shop.example, which does not exist: recorded answers stand in its place."""

import concurrent.futures
import urllib.error

import pytest

from conftest import Session

CART = "https://shop.example/api/cart"
EMPTY = {"items": [], "total": 0}
FILLED = {"items": [{"product": 7, "count": 2}], "total": 6980}


def test_an_order_is_found(session):
    order = session.get("http://shop.example/api/orders/1042")
    assert order == {"id": 1042, "state": "shipped", "total": 6980}
    hits = {exchange["request"]: exchange["hits"] for exchange in session.report()["exchanges"]}
    assert hits["GET http://shop.example/api/orders/1042"] == 1


@pytest.mark.parametrize("visitor", ["first", "second"])
def test_every_test_finds_the_cart_empty(session, visitor):
    assert session.get(CART) == EMPTY
    assert session.get(CART) == FILLED


def test_after_a_reset_all_begins_anew(session):
    assert session.get(CART) == EMPTY
    session.reset()
    assert session.get(CART) == EMPTY


def test_a_miss_says_what_was_recorded_instead(session):
    with pytest.raises(urllib.error.HTTPError, match="404"):
        session.get("http://shop.example/api/orders/7")
    [miss] = session.report()["misses"]
    nearest = miss["data"]["nearest"][0]
    assert nearest["request"] == "GET http://shop.example/api/orders/1042"
    assert [difference["part"] for difference in nearest["differences"]] == ["path"]
    # It was asked for, so that it fails neither this test nor the run.
    session.reset()


def test_sessions_in_parallel_do_not_disturb_each_other(proxy):
    def visit(number):
        session = Session(proxy, f"parallel-{number}")
        return [session.get(CART), session.get(CART)]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(visit, range(16))) == [[EMPTY, FILLED]] * 16

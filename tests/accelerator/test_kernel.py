"""The kernel by itself: the same products as libsodium, byte for byte, and nothing read that should not be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from absent import needed
from accelerator.built import driven, driver
from exchange.psi.points import NOT_POINTS
from seawall.exchange.psi import group
from seawall.exchange.psi.group import ORDER

package = needed("seawall_accelerator")
KERNELS: tuple[str, ...] = package.kernels()
pytestmark = pytest.mark.tool("libsodium")

P = 2**255 - 19
EDGES = [
    0,
    1,
    2,
    19,
    P - 1,
    P,
    P + 1,
    P + 18,
    2**255 - 1,
    2**256 - 1,
    2**255,
    (P - 1) // 2,
    (P + 1) // 2,
    2**51,
    2**204,
]


def halved(scalar: int) -> bytes:
    """Half of a scalar modulo the order, as the kernel wants it."""
    return (scalar * pow(2, -1, ORDER) % ORDER).to_bytes(32, "little")


def mapped(uniform: bytes) -> list[bytes]:
    """The points of uniform bytes, by libsodium."""
    return [group.to_point(element) for element in group.split(uniform, 64)]


def products(scalar: int, points: list[bytes]) -> bytes:
    """By libsodium."""
    return b"".join(group.multiply(scalar.to_bytes(32, "little"), point) for point in points)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("count", [1, 7, 8, 9, 255, 256, 257, 1030])
def test_products_are_those_of_libsodium(kernel: str, count: int) -> None:
    """Points and uniform bytes, whole vectors and parts of one, within a batch and beyond it."""
    scalar, uniform = int.from_bytes(group.to_scalar(os.urandom(64)), "little"), os.urandom(64 * count)
    points = mapped(uniform)
    wanted = products(scalar, points)
    assert package.times(halved(scalar), uniform, uniform=True, kernel=kernel) == wanted
    assert package.times(halved(scalar), b"".join(points), kernel=kernel) == wanted


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("scalar", [1, 2, 3, 7, 8, 9, 15, 16, 17, 2**251, 2**252 - 1, ORDER - 2, ORDER - 1])
def test_scalars_at_the_edges(kernel: str, scalar: int) -> None:
    """The least and the largest scalars, and those whose digits carry."""
    points = mapped(os.urandom(64 * 9))
    assert package.times(halved(scalar), b"".join(points), kernel=kernel) == products(scalar, points)
    assert package.times(halved(2 * scalar % ORDER), b"".join(points), kernel=kernel) == products(
        2 * scalar % ORDER, points
    )


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_digit_of_every_kind_in_every_place(kernel: str) -> None:
    """Powers of two and their neighbours, all over the length of a scalar, by one point each."""
    point = mapped(os.urandom(64))
    for bit in range(1, 252, 3):
        for scalar in (2**bit - 1, 2**bit, 2**bit + 1, 9 * 2**bit % ORDER):
            if scalar:
                assert package.times(halved(scalar), point[0], kernel=kernel) == products(scalar, point), scalar


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("low", EDGES)
def test_uniform_bytes_at_the_edges_of_the_field(kernel: str, low: int) -> None:
    """Halves that are 0, p, above p, or have bit 255 set are mapped as libsodium maps them."""
    elements = [(low % 2**256).to_bytes(32, "little") + (high % 2**256).to_bytes(32, "little") for high in EDGES]
    for element in elements:
        point = group.to_point(element)
        if not any(point):  # the identity: nobody multiplies it
            with pytest.raises(package.NotPointsError):
                package.times(halved(5), element, uniform=True, kernel=kernel)
            continue
        assert package.times(halved(5), element, uniform=True, kernel=kernel) == products(5, [point])


@pytest.mark.parametrize("kernel", KERNELS)
@settings(max_examples=40, deadline=None)
@given(seed=st.binary(min_size=64, max_size=64), element=st.binary(min_size=64, max_size=64), keep=st.integers(1, 32))
def test_any_element_by_any_scalar(kernel: str, seed: bytes, element: bytes, keep: int) -> None:
    """Whatever bytes come, the products and their first bytes are libsodium's, or both refuse."""
    scalar = group.to_scalar(seed)
    point = group.to_point(element)
    half = group.product(scalar, halved(1))
    if not any(point) or not any(scalar):
        return
    wanted = group.multiply(scalar, point)
    assert package.times(half, element, uniform=True, keep=keep, kernel=kernel) == wanted[:keep]
    assert package.times(half, point + wanted, keep=keep, kernel=kernel)[:keep] == wanted[:keep]


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("bad", NOT_POINTS.values(), ids=NOT_POINTS)
def test_one_bad_point_refuses_all(kernel: str, bad: bytes) -> None:
    """What libsodium refuses is refused in every lane, in the last vector, and beyond the first batch."""
    points = mapped(os.urandom(64 * 520))
    for place in (*range(9), 255, 256, 519):
        spoilt = [*points[:place], bad, *points[place + 1 :]]
        with pytest.raises(package.NotPointsError):
            package.times(halved(7), b"".join(spoilt), kernel=kernel)


@pytest.mark.parametrize("kernel", KERNELS)
@settings(max_examples=200, deadline=None)
@given(bytes_=st.binary(min_size=32, max_size=32))
def test_random_bytes_are_points_exactly_where_libsodium_says_so(kernel: str, bytes_: bytes) -> None:
    """About one in sixteen is; those that are give the same product."""
    valid = any(bytes_) and bytes_[31] < 0x80 and bool(group.library().crypto_core_ristretto255_is_valid_point(bytes_))
    if not valid:
        with pytest.raises(package.NotPointsError):
            package.times(halved(3), bytes_, kernel=kernel)
    else:
        assert package.times(halved(3), bytes_, kernel=kernel) == products(3, [bytes_])


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_product_that_is_the_identity_is_refused(kernel: str) -> None:
    """As libsodium does: a scalar of zero."""
    with pytest.raises(package.NotPointsError):
        package.times(bytes(32), b"".join(mapped(os.urandom(64 * 9))), kernel=kernel)


def test_wrong_lengths_and_kernels_are_said() -> None:
    """A scalar of another length, a piece of a point, too many bytes to keep, a kernel that nobody knows."""
    point = mapped(os.urandom(64))[0]
    for half, packed, keep, kernel in (
        (bytes(31), point, 32, ""),
        (halved(1), point[:-1], 32, ""),
        (halved(1), point, 33, ""),
        (halved(1), point, 0, ""),
        (halved(1), point, 32, "abacus"),
    ):
        with pytest.raises(ValueError, match=r"bytes|kernel"):
            package.times(half, packed, keep=keep, kernel=kernel)
    assert package.times(halved(1), b"") == b""


@pytest.mark.tool("cc")
@pytest.mark.timeout(500)
def test_sanitizers_find_nothing(tmp_path: Path) -> None:
    """Compiled with address and undefined-behaviour sanitizers: right on lists of all lengths, quiet on garbage."""
    program = [str(driver(tmp_path, "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"))]
    for kernel in KERNELS:
        for count in (1, 8, 9, 520):
            uniform = os.urandom(64 * count)
            points = mapped(uniform)
            for packed, is_uniform in ((uniform, True), (b"".join(points), False)):
                done = driven(program, kernel, halved(11), packed, uniform=is_uniform, keep=16)
                assert (done.returncode, done.stderr) == (0, b"")
                assert done.stdout == b"".join(one[:16] for one in group.split(products(11, points)))
        for garbage in (os.urandom(32 * 9), b"".join(NOT_POINTS.values()), b"\xff" * 32 * 20, bytes(32)):
            done = driven(program, kernel, os.urandom(32), garbage)
            assert (done.returncode, done.stderr) == (1, b"")
        assert driven(program, kernel, halved(1), b"").stdout == b""


@pytest.mark.tool("cc")
@pytest.mark.tool("valgrind")
@pytest.mark.timeout(500)
@pytest.mark.parametrize("leak", [False, True], ids=["as it is", "with a leak"])
def test_no_branch_and_no_address_depends_on_the_scalar(tmp_path: Path, leak: bool) -> None:
    """Valgrind follows the scalar's bits through the portable kernel, and finds a leak that was put in.

    It knows no AVX-512; the wide kernel is the same files over other limbs.
    """
    built = driver(tmp_path, "-O3", "-g", "-DSEAWALL_WATCHED", *(["-DLEAK"] if leak else []))
    program = ["valgrind", "--quiet", "--error-exitcode=7", str(built)]
    uniform = os.urandom(64 * 3)
    points = mapped(uniform)
    for packed, is_uniform in ((uniform, True), (b"".join(points), False)):
        done = driven(program, "portable", halved(13), packed, uniform=is_uniform)
        if leak:
            assert done.returncode == 7
            assert b"depends on uninitialised value" in done.stderr
        else:
            assert (done.returncode, done.stderr) == (0, b"")
            assert done.stdout == products(13, points)

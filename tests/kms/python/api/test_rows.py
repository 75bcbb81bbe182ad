"""Every row of tests/kms/rows.tsv has a test that names it, or a place in the documentation."""

import re

import pytest

import front as fronts

KMS = fronts.ROOT / "tests" / "kms"
ROWS = [line.split("\t") for line in (KMS / "rows.tsv").read_text().splitlines()]


def named_rows():
    """The rows that tests name: `test_k35_k96_...`."""
    rows = set()
    for file in KMS.rglob("test_*.py"):
        for name in re.findall(r"def test((?:_k\d+)+)_", file.read_text()):
            rows |= {row.upper() for row in re.findall(r"k\d+", name)}
    return rows


def test_rows_are_there_once_and_in_order():
    assert [row for row, *_ in ROWS] == [f"K{number}" for number in range(1, len(ROWS) + 1)]


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_every_row_has_a_test(row):
    number, promise, *place = row
    if place:
        file, _, heading = place[0].partition("#")
        text = (fronts.ROOT / file).read_text()
        assert f"\n## {heading}\n" in text or not heading, f"{number} ({promise}) is said to be in {place[0]}"
    else:
        assert number in named_rows(), f"{number}: {promise}"

from pathlib import Path

import pytest

from docextract.counting.expected import Expected, load_expected
from docextract.errors import UsageError
from docextract.records import Count


def expected(tmp_path: Path, text: str, *objects: str) -> Expected:
    path = tmp_path / "expected.csv"
    path.write_text(text, "utf-8")
    return load_expected(path, objects)


def counted(file: str, name: str, number: int = 3, **others: object) -> Count:
    return Count(file, name, 1, number, "ok", **others)  # type: ignore[arg-type]


def test_a_count_gets_its_number_and_its_difference(tmp_path: Path) -> None:
    one = expected(tmp_path, "file,object,sku,expected\nshelf.jpg,Bottle,00417,5\n")
    beside = one.beside(counted("shop/shelf.jpg", "bottle"))
    assert (beside.sku, beside.expected, beside.difference) == ("00417", 5, -2)
    assert one.beside(counted("shop/shelf.jpg", "can")).expected is None
    assert one.beside(counted("shop/other.jpg", "bottle")).expected is None


def test_semicolons_a_mark_of_order_and_other_columns_are_no_obstacle(tmp_path: Path) -> None:
    text = "\ufeffSKU;Shop;Object;File;Expected\n007;B;can;a.jpg;2\n\n;;;;\n"
    one = expected(tmp_path, text)
    assert one.beside(counted("a.jpg", "can")).sku == "007"
    assert one.objects("a.jpg") == ["can"] and one.objects("b.jpg") == []


def test_a_line_without_an_object_is_about_the_only_one_or_its_number(tmp_path: Path) -> None:
    text = "file,sku,expected\na.jpg,007,2\n"
    assert expected(tmp_path, text, "can").beside(counted("a.jpg", "can")).expected == 2
    known = "file,object,sku,expected\n,can,007,\na.jpg,,007,2\n"
    assert expected(tmp_path, known).beside(counted("a.jpg", "can")).expected == 2
    with pytest.raises(UsageError, match="line 2: what object"):
        expected(tmp_path, text)


def test_the_nearest_entry_counts(tmp_path: Path) -> None:
    text = "file,page,zone,object,expected\n,,,can,1\na.jpg,,,can,2\nx/a.jpg,,,can,3\n,1,left,can,9"
    one = expected(tmp_path, text)
    assert one.beside(counted("b.jpg", "can")).expected == 1
    assert one.beside(counted("a.jpg", "can")).expected == 2
    assert one.beside(counted("x/a.jpg", "can")).expected == 3
    assert one.beside(counted("x/a.jpg", "can", zone="left")).expected == 9


def test_what_is_expected_of_a_picture_is_not_expected_of_its_zones(tmp_path: Path) -> None:
    one = expected(tmp_path, "file,object,sku,expected\na.jpg,can,007,5\n")
    zone = one.beside(counted("a.jpg", "can", zone="left"))
    assert (zone.sku, zone.expected) == ("007", None)


def test_entries_that_no_count_tells_of_are_known(tmp_path: Path) -> None:
    one = expected(tmp_path, "file,object,expected\na.jpg,can,5\nb.jpg,can,5\nc.jpg,can,\n")
    assert [entry.file for entry in one.unmet([counted("x/a.jpg", "can")])] == ["b.jpg"]


def test_what_cannot_be_told_apart_is_refused(tmp_path: Path) -> None:
    text = "file,object,sku,expected\na.jpg,can,1,4\na.jpg,can,2,5\n"
    with pytest.raises(UsageError, match="line 3: a second line about 'can'"):
        expected(tmp_path, text)


@pytest.mark.parametrize(
    "text", ["", "a,b\n1,2\n", "object,expected\n", "object,expected\ncan,x\n"]
)
def test_what_is_no_list_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"expected\.csv"):
        expected(tmp_path, text)

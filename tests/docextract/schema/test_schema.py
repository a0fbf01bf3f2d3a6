from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, Field

from docextract.errors import SchemaError
from docextract.prompt import compact_question
from docextract.rules import Rules, adds_up
from docextract.schema import bundled_schemas, load_schema
from docextract.types import Money


class Ticket(BaseModel):
    total: str


def test_the_bundled_schemas_have_the_published_keys() -> None:
    items = [{"description": None, "quantity": None, "unit_price": None, "amount": None}]
    receipt, invoice = load_schema("receipt"), load_schema("invoice")
    assert ",".join(receipt.tree) == (
        "merchant_name,merchant_address,date,time,currency,subtotal,tax,total,payment_method,"
        "line_items"
    )
    assert ",".join(invoice.tree) == (
        "invoice_number,issue_date,due_date,purchase_order,seller_name,seller_address,"
        "seller_tax_id,buyer_name,buyer_address,currency,net_total,tax_total,total,iban,line_items"
    )
    for schema in (receipt, invoice):
        assert schema.tree["line_items"] == items
        assert [key for key, field in schema.fields.fields.items() if field.required] == ["total"]


def test_the_papers_of_trade_have_a_schema_each() -> None:
    assert set(bundled_schemas()) == {
        "bank_statement",
        "credit_note",
        "delivery_note",
        "invoice",
        "packing_list",
        "purchase_order",
        "receipt",
        "utility_bill",
    }


def test_every_bundled_schema_loads_and_says_what_it_is() -> None:
    for name, summary in bundled_schemas().items():
        assert load_schema(name).reference == name
        assert summary.endswith(".")
        assert load_schema(name).grammar


class Ruled(BaseModel):
    net: Money
    total: Money
    rules: ClassVar[Rules] = (adds_up("net", to="total"),)


def test_a_class_declares_its_rules() -> None:
    schema = load_schema(Ruled)
    assert schema.rules == Ruled.rules
    assert list(schema.tree) == ["net", "total"]
    assert load_schema(Ticket).rules == ()


class Sheaf(BaseModel):
    main: Ruled
    others: list[Ruled] | None = Field(None, alias="more")


def test_the_rules_of_nested_classes_hold_for_each_of_their_records() -> None:
    rules = load_schema(Sheaf).rules
    assert [rule.paths for rule in rules] == [
        ("main.net", "main.total"),
        ("more.*.net", "more.*.total"),
    ]
    one, other = Decimal(1), Decimal(2)
    values = {"main.net": one, "main.total": one, "more.0.net": one, "more.0.total": one}
    values |= {"more.1.net": one, "more.1.total": other}
    verdicts = [verdict for rule in rules for verdict in rule.judge(values)]
    assert [(verdict.path, verdict.passed) for verdict in verdicts] == [
        ("main.total", True),
        ("more.0.total", True),
        ("more.1.total", False),
    ]
    assert verdicts[-1].involved == ("more.1.net", "more.1.total")
    assert verdicts[-1].message == "more.1: net is 1, total is 2"


def test_a_rule_about_no_field_is_refused() -> None:
    class Wrong(Ruled):
        rules: ClassVar[Rules] = (adds_up("rows.*.price", to="total"),)

    with pytest.raises(SchemaError, match=r"a rule names rows\.\*\.price, which is no field"):
        load_schema(Wrong)


def test_one_schema_in_every_form(tmp_path: Path) -> None:
    described = '{"title": "Ticket", "properties": {"total": {"type": "string"}}}'
    (tmp_path / "ticket.json").write_text(described)
    (tmp_path / "ticket.py").write_text(
        "from pydantic import BaseModel\nclass Ticket(BaseModel):\n    total: str\n"
    )
    specs: list[Any] = [
        Ticket,
        described,
        str(tmp_path / "ticket.json"),
        tmp_path / "ticket.py",
        str(tmp_path / "ticket.py:Ticket"),
        "total text",
    ]
    questions = {compact_question(load_schema(spec).tree) for spec in specs}
    assert questions == {"<|extract|>total"}
    assert [load_schema(spec).name for spec in specs] == ["Ticket"] * 5 + ["Record"]


def test_a_loaded_schema_is_taken_as_it_is() -> None:
    schema = load_schema("receipt")
    assert load_schema(schema) is schema


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(SchemaError, match="no schema 'recipt'") as caught:
        load_schema("recipt")
    assert "did you mean receipt?" in caught.value.hint
    assert "invoice, packing_list" in caught.value.hint


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ('{"a": }', "line 1, column 7"),
        ("missing.json", "missing.json cannot be read"),
        ("missing.py:Ticket", "missing.py cannot be read"),
        ("", "no schema ''"),
        ("{" * 100_000, "line 1"),
    ],
)
def test_a_broken_spec_is_a_schema_error(spec: str, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        load_schema(spec)


def test_json_files_may_hold_anything(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    for content in (b"[]", b"3", b"\xff\xfe\xff", b""):
        path.write_bytes(content)
        with pytest.raises(SchemaError, match=r"x\.json"):
            load_schema(str(path))


def test_a_class_that_is_no_pydantic_model_is_a_schema_error() -> None:
    with pytest.raises(SchemaError, match="is no Pydantic model"):
        load_schema(Path)  # type: ignore[type-var]

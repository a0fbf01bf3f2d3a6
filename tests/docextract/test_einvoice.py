import pytest

from docextract.einvoice import MOST_BYTES, read_einvoice

CII = """<?xml version="1.0" encoding="UTF-8"?>
<rsm:CrossIndustryInvoice xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
    xmlns:ram="urn:ram" xmlns:udt="urn:udt">
  <rsm:ExchangedDocument>
    <ram:ID>R-17</ram:ID>
    <ram:IssueDateTime><udt:DateTimeString format="102">20240131</udt:DateTimeString></ram:IssueDateTime>
  </rsm:ExchangedDocument>
  <rsm:SupplyChainTradeTransaction>
    <ram:IncludedSupplyChainTradeLineItem>
      <ram:BuyerOrderReferencedDocument><ram:IssuerAssignedID>no</ram:IssuerAssignedID></ram:BuyerOrderReferencedDocument>
    </ram:IncludedSupplyChainTradeLineItem>
    <ram:ApplicableHeaderTradeAgreement>
      <ram:SellerTradeParty>
        <ram:Name>Lampen &amp; Söhne</ram:Name>
        <ram:SpecifiedTaxRegistration><ram:ID schemeID="FC">201/113/40209</ram:ID></ram:SpecifiedTaxRegistration>
        <ram:SpecifiedTaxRegistration><ram:ID schemeID="VA">DE123456789</ram:ID></ram:SpecifiedTaxRegistration>
      </ram:SellerTradeParty>
      <ram:BuyerTradeParty><ram:Name>Hotel</ram:Name></ram:BuyerTradeParty>
    </ram:ApplicableHeaderTradeAgreement>
    <ram:ApplicableHeaderTradeSettlement>
      <ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>
      <ram:SpecifiedTradeSettlementPaymentMeans>
        <ram:PayeePartyCreditorFinancialAccount><ram:IBANID>DE02120300000000202051</ram:IBANID></ram:PayeePartyCreditorFinancialAccount>
      </ram:SpecifiedTradeSettlementPaymentMeans>
      <ram:SpecifiedTradePaymentTerms>
        <ram:DueDateDateTime><udt:DateTimeString>20240229</udt:DateTimeString></ram:DueDateDateTime>
      </ram:SpecifiedTradePaymentTerms>
      <ram:SpecifiedTradeSettlementHeaderMonetarySummation>
        <ram:TaxBasisTotalAmount>100.00</ram:TaxBasisTotalAmount>
        <ram:TaxTotalAmount currencyID="EUR">19.00</ram:TaxTotalAmount>
        <ram:GrandTotalAmount>119.00</ram:GrandTotalAmount>
        <ram:DuePayableAmount>19.00</ram:DuePayableAmount>
      </ram:SpecifiedTradeSettlementHeaderMonetarySummation>
    </ram:ApplicableHeaderTradeSettlement>
  </rsm:SupplyChainTradeTransaction>
</rsm:CrossIndustryInvoice>"""  # noqa: E501 (as such files are written)

UBL = """<Invoice xmlns="urn:oasis:names:specification:ubl:Invoice-2" xmlns:cbc="urn:cbc">
  <cbc:ID>R-17</cbc:ID><cbc:IssueDate>2024-01-31</cbc:IssueDate><cbc:DueDate>2024-02-29</cbc:DueDate>
  <cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
  <OrderReference><cbc:ID>PO 5</cbc:ID></OrderReference>
  <AccountingSupplierParty><Party>
    <PartyTaxScheme><cbc:CompanyID>DE123456789</cbc:CompanyID></PartyTaxScheme>
    <PartyLegalEntity><cbc:RegistrationName>Lampen</cbc:RegistrationName></PartyLegalEntity>
  </Party></AccountingSupplierParty>
  <PaymentMeans><PayeeFinancialAccount><cbc:ID>DE02120300000000202051</cbc:ID></PayeeFinancialAccount></PaymentMeans>
  <TaxTotal><cbc:TaxAmount>19.00</cbc:TaxAmount></TaxTotal>
  <LegalMonetaryTotal><cbc:TaxInclusiveAmount>119.00</cbc:TaxInclusiveAmount></LegalMonetaryTotal>
  <InvoiceLine><cbc:ID>1</cbc:ID></InvoiceLine>
</Invoice>"""


def test_a_cross_industry_invoice() -> None:
    assert read_einvoice(CII.encode()) == {
        "invoice_number": ("R-17",),
        "issue_date": ("20240131",),
        "seller_name": ("Lampen & Söhne",),
        "seller_tax_id": ("201/113/40209", "DE123456789"),
        "buyer_name": ("Hotel",),
        "currency": ("EUR",),
        "iban": ("DE02120300000000202051",),
        "due_date": ("20240229",),
        "net_total": ("100.00",),
        "tax_total": ("19.00",),
        "total": ("119.00", "19.00"),
    }


def test_a_ubl_invoice() -> None:
    assert read_einvoice(UBL.encode()) == {
        "invoice_number": ("R-17",),
        "issue_date": ("2024-01-31",),
        "due_date": ("2024-02-29",),
        "currency": ("EUR",),
        "purchase_order": ("PO 5",),
        "seller_tax_id": ("DE123456789",),
        "seller_name": ("Lampen",),
        "iban": ("DE02120300000000202051",),
        "tax_total": ("19.00",),
        "total": ("119.00",),
    }


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"%PDF-1.7",
        b"<html><ID>1</ID></html>",
        b"<Invoice><ID>1</Invoice>",
        b'<!DOCTYPE Invoice [<!ENTITY a "b">]><Invoice><ID>&a;</ID></Invoice>',
        b'<!DOCTYPE Invoice SYSTEM "http://localhost/x.dtd"><Invoice><ID>1</ID></Invoice>',
        b'<?xml version="1.0" encoding="no-such"?><Invoice><ID>1</ID></Invoice>',
        b"<Invoice>" + b"<a>" * 100_000,
        b"<Invoice><ID>1</ID>" + b" " * MOST_BYTES + b"</Invoice>",
    ],
)
def test_what_is_no_plain_invoice_is_none(content: bytes) -> None:
    assert read_einvoice(content) is None


def test_a_long_value_is_cut() -> None:
    found = read_einvoice(b"<Invoice><ID>" + b"7" * 100_000 + b"</ID></Invoice>")
    assert found and len(found["invoice_number"][0]) == 1000

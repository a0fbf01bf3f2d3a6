"""The invoice that a PDF carries as XML: ZUGFeRD, Factur-X and XRechnung, in either syntax.

UN/CEFACT Cross Industry Invoice (and its draft of ZUGFeRD 1.0) or OASIS UBL. Whoever wrote the PDF
wrote the XML too, so that it is a witness and no more: what page and XML say is compared, and
neither replaces the other.

Read with expat and nothing resolved: a document type, and with it any entity, is refused.
"""

from collections import defaultdict
from collections.abc import Mapping
from xml.parsers import expat

MOST_BYTES = 8 * 2**20
"""Of an attachment. Real ones have some ten thousand."""

_DEEPEST = 32
_MOST_LETTERS = 1000  # of one value

# For each key of the bundled invoice where its value may stand, from the end of the path. What
# stands within a position of the invoice is none of its head.
_PATHS: Mapping[str, tuple[str, ...]] = {
    "invoice_number": (
        "ExchangedDocument/ID",
        "HeaderExchangedDocument/ID",
        "Invoice/ID",
        "CreditNote/ID",
    ),
    "issue_date": (
        "ExchangedDocument/IssueDateTime/DateTimeString",
        "Invoice/IssueDate",
        "CreditNote/IssueDate",
    ),
    "due_date": (
        "SpecifiedTradePaymentTerms/DueDateDateTime/DateTimeString",
        "Invoice/DueDate",
        "PaymentMeans/PaymentDueDate",
    ),
    "purchase_order": ("BuyerOrderReferencedDocument/IssuerAssignedID", "OrderReference/ID"),
    "seller_name": (
        "SellerTradeParty/Name",
        "AccountingSupplierParty/Party/PartyLegalEntity/RegistrationName",
        "AccountingSupplierParty/Party/PartyName/Name",
    ),
    "seller_tax_id": (
        "SellerTradeParty/SpecifiedTaxRegistration/ID",
        "AccountingSupplierParty/Party/PartyTaxScheme/CompanyID",
    ),
    "buyer_name": (
        "BuyerTradeParty/Name",
        "AccountingCustomerParty/Party/PartyLegalEntity/RegistrationName",
        "AccountingCustomerParty/Party/PartyName/Name",
    ),
    "currency": ("InvoiceCurrencyCode", "DocumentCurrencyCode"),
    "net_total": (
        "MonetarySummation/TaxBasisTotalAmount",
        "LegalMonetaryTotal/TaxExclusiveAmount",
    ),
    "tax_total": ("MonetarySummation/TaxTotalAmount", "Invoice/TaxTotal/TaxAmount"),
    "total": (
        "MonetarySummation/GrandTotalAmount",
        "MonetarySummation/DuePayableAmount",
        "LegalMonetaryTotal/TaxInclusiveAmount",
        "LegalMonetaryTotal/PayableAmount",
    ),
    "iban": (
        "PayeePartyCreditorFinancialAccount/IBANID",
        "PaymentMeans/PayeeFinancialAccount/ID",
    ),
}
_ROOTS = ("CrossIndustryInvoice", "CrossIndustryDocument", "Invoice", "CreditNote")
_POSITIONS = ("LineItem", "InvoiceLine", "CreditNoteLine")


def read_einvoice(content: bytes) -> dict[str, tuple[str, ...]] | None:
    """The values of an invoice in XML by the keys of the bundled schema, or None if it is none.

    A key may have several values: the sum and what is left to pay, a tax and a VAT number.
    """
    if len(content) > MOST_BYTES:
        return None
    reader = _Reader()
    try:
        reader.read(content)
    except (expat.ExpatError, _RefusedError, ValueError, LookupError):
        # Not well-formed, not decodable, or not what an invoice is like.
        return None
    return {key: tuple(dict.fromkeys(values)) for key, values in reader.values.items()}


class _RefusedError(Exception):
    """The XML has what no invoice needs."""


class _Reader:
    """Gathers the texts of the paths that matter while expat goes through."""

    def __init__(self) -> None:
        self.values: dict[str, list[str]] = defaultdict(list)
        self._path: list[str] = []
        self._text = ""

    def read(self, content: bytes) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._letters
        parser.Parse(content, True)

    def _refuse(self, *_: object) -> None:
        raise _RefusedError

    def _start(self, name: str, _: object) -> None:
        name = name.rpartition(" ")[2]
        if (not self._path and name not in _ROOTS) or len(self._path) >= _DEEPEST:
            raise _RefusedError
        self._path.append(name)
        self._text = ""

    def _letters(self, text: str) -> None:
        self._text = (self._text + text)[:_MOST_LETTERS]

    def _end(self, _: str) -> None:
        text = " ".join(self._text.split())
        if text and not any(step.endswith(_POSITIONS) for step in self._path):
            path = "/".join(self._path)
            for key, ends in _PATHS.items():
                if path.endswith(ends):
                    self.values[key].append(text)
        self._path.pop()
        self._text = ""

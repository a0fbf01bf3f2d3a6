"""Companies, people and addresses that do not exist, in the manner of several countries."""

import numpy as np

from training.synthetic.values import COUNTRIES, chance, digits, letters, pick
from training.synthetic.words import Words, chinese_sounding, malay_sounding


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_TRADES = _split(
    "TRADING ENTERPRISE HARDWARE STATIONERY RESTAURANT RESTORAN CAFE SUPERMARKET PHARMACY "
    "BAKERY MOTOR ELECTRICAL MART STORE BOOKS GIFT DECO MACHINERY TOOLS SEAFOOD KITCHEN "
    "BISTRO TEXTILE OPTICAL FURNITURE MARKETING INDUSTRIES SUPPLY SERVICES FRESH FOOD CENTRE "
    "PETROL STATION HOTEL PARKING CLINIC SALON TRANSPORT FASHION SPORTS TOYS COFFEE GRILL "
    "PIZZA NOODLE DELI MINI-MARKET KEDAI PASARAYA PERNIAGAAN SYARIKAT BENGKEL KOPITIAM "
    "RETAIL VENTURES HOLDINGS DISTRIBUTORS"
)
_FORMS = {
    "my": ("SDN BHD", "SDN. BHD.", "Sdn Bhd", "SDN BHD", "S/B", "BHD", "ENTERPRISE", "(M) SDN BHD",
           "(KL) SDN BHD", "TRADING", "& SONS", "CO.", "PLT", "CO. (M) BHD", "(M) SDN. BHD.",
           "SDN.BHD", "(MALAYSIA) SDN BHD", "AND SONS", "", "({}) SDN BHD",
           "({} {}) SDN BHD", "({})", "({2}) SDN BHD", "({2}) SDN. BHD.", "{2} {3}"),
    "sg": ("PTE LTD", "Pte. Ltd.", "TRADING", "LLP", "(S) PTE LTD", "({}) Pte Ltd"),
    "us": ("Inc.", "LLC", "Corp.", "& Co.", "INC", "Stores", "", "#{0}", "LP", "of {}", "L.L.C."),
    "gb": ("Ltd", "Limited", "plc", "LTD", "& Sons Ltd", "", "({}) Ltd", "LLP", "UK Limited"),
    "au": ("Pty Ltd", "PTY LTD", ""),
    "in": ("Pvt Ltd", "Private Limited", "Traders", "& Sons"),
    "ca": ("Inc.", "Ltd.", "Co."),
    "za": ("(Pty) Ltd", "CC"),
    "de": ("GmbH", "GmbH", "GmbH & Co. KG", "AG", "OHG", "e.K.", "UG", "KG", "SE", "eG", "GbR",
           "Vertriebs GmbH", "Deutschland GmbH", "UG (haftungsbeschränkt)", "gGmbH", "e.V."),
    "at": ("GmbH", "KG", "AG", "e.U."),
    "ch": ("AG", "GmbH", "SA"),
    "fr": ("SARL", "S.A.S.", "SA", "SAS", "EURL", "et Fils", "SASU", "S.A.", "France SAS", "SCOP"),
    "es": ("S.L.", "S.A.", "SL", "S.L.U.", "e Hijos"),
    "it": ("S.r.l.", "S.p.A.", "SRL", "s.n.c.", "& C."),
    "nl": ("B.V.", "BV", "V.O.F.", "N.V."),
    "pt": ("Lda.", "LDA", "S.A.", "Unipessoal Lda"),
}  # fmt: skip
_FOREIGN_FORMS = ("AB", "A/S", "ApS", "Oy", "AS", "Sp. z o.o.", "S.A.", "s.r.o.", "a.s.", "Kft.",
                  "d.o.o.", "SRL", "Ltda.", "Co., Ltd.", "S.A. de C.V.", "K.K.", "FZE", "LLC", "SE",
                  "SA/NV", "Sàrl", "PT", "JSC")  # fmt: skip
_NATIVE_TRADES = {
    "de": "Bäckerei Metzgerei Apotheke Gasthaus Handel Großhandel Getränke Büro Möbel Technik Bau "
    "Müller Schäfer Weiß Köhler Druckerei Gärtnerei Café Elektro Buchhandlung",
    "fr": "Boulangerie Café Pharmacie Librairie Épicerie Boucherie Société Établissements Crêperie "
    "Garage Hôtel Maison Fromagerie Imprimerie Pâtisserie",
    "es": "Panadería Cafetería Farmacia Librería Ferretería Restaurante Suministros Muñoz Peña "
    "Construcción Taller Almacén Electrónica Núñez Informática",
    "it": "Panificio Caffè Farmacia Libreria Ferramenta Ristorante Forniture Officina Società "
    "Elettronica Pasticceria Trattoria Qualità",
    "nl": "Bakkerij Apotheek Boekhandel Groothandel Slagerij Bouwbedrijf Techniek Kantoor Café "
    "Drukkerij Bloemen Fietsen",
    "pt": "Padaria Café Farmácia Livraria Restaurante Construções Informática Mercearia Oficina "
    "Comércio Gráfica Decorações São",
}
_MALAY = _split(
    "INDAH JAYA BARU PERMAI DAMAI MAJU MUTIARA SETIA UTAMA BAHAGIA SENTOSA PERDANA HARMONI "
    "KEMUNING BUNGA RAYA MELATI PUTERI TENGGARA SERI SRI MERDEKA KENANGA CEMPAKA PINGGIRAN "
    "BUKIT AMPANG"
)
_STATES = (
    "JOHOR", "SELANGOR", "KUALA LUMPUR", "PERAK", "PENANG", "MELAKA", "KEDAH", "PAHANG", "SABAH",
    "SARAWAK", "NEGERI SEMBILAN", "SELANGOR DARUL EHSAN", "WILAYAH PERSEKUTUAN", "JOHOR.",
    "SELANGOR.", "MALAYSIA",
)  # fmt: skip
_TOWNS = (
    "KUALA LUMPUR", "JOHOR BAHRU", "SHAH ALAM", "PETALING JAYA", "KLANG", "IPOH", "SUBANG JAYA",
    "SEREMBAN", "KAJANG", "PUCHONG", "KUANTAN", "BATU PAHAT",
)  # fmt: skip
_NATIVE_STREETS = {
    "de": ("{}straße {}", "{}str. {}", "{}weg {}", "Am {} {}", "{}gasse {}", "{}platz {}"),
    "at": ("{}straße {}", "{}gasse {}", "{}weg {}"),
    "ch": ("{}strasse {}", "{}weg {}", "Rue de {} {}"),
    "fr": ("{1} rue de {0}", "{1}, avenue {0}", "{1} bd. {0}", "{1} place de l'{0}"),
    "es": ("C/ {}, {}", "Calle {}, {}", "Avda. {}, {}", "Plaza {} {}", "Pº de {} {}"),
    "it": ("Via {}, {}", "Via {} {}", "Corso {}, {}", "Piazza {}, {}", "Viale {} {}"),
    "nl": ("{}straat {}", "{}weg {}", "{}laan {}", "{}plein {}", "{}gracht {}"),
    "pt": ("Rua {}, {}", "Rua da {}, nº {}", "Av. {}, {}", "Praça {} {}", "Travessa {}, {}"),
    "us": ("{1} {0} St", "{1} {0} Ave", "{1} {0} Blvd", "{1} N {0} Rd", "{1} {0} Street"),
    "gb": ("{1} {0} Road", "{1} {0} Street", "{1} {0} Lane", "{1} High Street"),
    "au": ("{1} {0} Street", "{1} {0} Rd", "Shop {1}, {0} Mall"),
    "ca": ("{1} {0} St", "{1} {0} Rd W", "{1} {0} Ave"),
    "in": ("{1}, {0} Road", "No. {1}, {0} Nagar", "{1}/A {0} Marg"),
    "za": ("{1} {0} Street", "{1} {0} Road"),
    "sg": ("{1} {0} Road", "BLK {1} {0} AVE", "{1} {0} Street #01-02"),
}  # fmt: skip
_ENDS = {
    "de": [
        "berg",
        "burg",
        "heim",
        "stadt",
        "hausen",
        "dorf",
        "feld",
        "bach",
        "münster",
        "brück",
        "furt",
    ],
    "us": ["ville", "ton", "field", "port", "City", "Springs", "burg"],
    "gb": ["ham", "ton", "bury", "ford", "mouth", "chester", "stead"],
    "fr": ["ville", "sur-Mer", "mont", "bourg", "court"],
    "nl": ["dam", "veen", "burg", "drecht", "hoven"],
}
_COUNTRY_NAMES = {
    "de": "Deutschland", "at": "Österreich", "ch": "Schweiz", "fr": "France", "es": "España",
    "it": "Italia", "nl": "Nederland", "pt": "Portugal", "us": "USA", "gb": "United Kingdom",
    "au": "Australia", "in": "India", "ca": "Canada", "za": "South Africa", "sg": "Singapore",
    "my": "Malaysia",
}  # fmt: skip


def company(rng: np.random.Generator, words: Words, country: str) -> str:
    """A trading name, with or without its legal form."""
    form = pick(rng, _FORMS[country] if chance(rng, 0.97) else _FOREIGN_FORMS)
    short = letters(rng, int(rng.integers(1, 4))), letters(rng, int(rng.integers(2, 4)))
    form = form.format(words.name(rng), words.name(rng), *short)
    names = [words.name(rng) for _ in range(1 if chance(rng, 0.5) else 2)]
    if country in {"my", "sg"} and chance(rng, 0.4):
        names = _local(rng).split()
    native = _NATIVE_TRADES.get({"at": "de", "ch": "de"}.get(country, country), "").split()
    roll = rng.random()
    if roll < 0.06:
        names = [f"{letters(rng, 1)}.{letters(rng, 1)}.{letters(rng, 1)}."]
    elif roll < 0.12:
        names = [letters(rng, int(rng.integers(2, 4)))]
    elif roll < 0.16:
        names = [digits(rng, int(rng.integers(1, 4))), names[0]]
    elif roll < 0.19:
        names[0] += "'s"
    elif roll < 0.21:
        names[0] = f"{pick(rng, ('The', 'MR.', 'Dr.', 'Le', 'El', 'Da', 'Mr'))} {names[0]}"
    elif roll < 0.23:
        names[-1] = f"{names[-1]}-{words.name(rng)}"
    if native and chance(rng, 0.7):
        names.insert(int(rng.integers(0, 2)), pick(rng, native))
    elif not native and chance(rng, 0.75):
        trades = [pick(rng, _TRADES).capitalize() for _ in range(1 if chance(rng, 0.6) else 2)]
        if len(trades) == 2 and chance(rng, 0.4):
            trades.insert(1, pick(rng, ("&", "AND", "&")))
        names = [*trades, *names] if chance(rng, 0.15) else [*names, *trades]
    if chance(rng, 0.08):
        names.insert(1, "&")
        names.append(words.name(rng))
    name = " ".join(names)
    upper = 0.85 if country in {"my", "sg"} else 0.35
    if chance(rng, upper):
        name, form = name.upper(), form.upper() if country in {"my", "sg"} else form
    return f"{name} {form}".strip()


def person(rng: np.random.Generator, words: Words) -> str:
    """A first and a last name."""
    return f"{words.name(rng)} {words.name(rng)}"


def _number(rng: np.random.Generator) -> str:
    number = str(rng.integers(1, 200 if chance(rng, 0.8) else 9999))
    return number + pick(rng, ("A", "-B", "b", "/2", "G")) if chance(rng, 0.12) else number


def _unit(rng: np.random.Generator) -> str:
    """A lot of a shopping centre or an estate: capitals and figures that no word explains."""
    one, two = digits(rng, int(rng.integers(1, 4))), digits(rng, int(rng.integers(1, 3)))
    capital, other = letters(rng, 1), letters(rng, int(rng.integers(1, 3)))
    floor = pick(rng, ("G", "LG", "UG", "B1", "L", "F", "S", "GF", "LGF", capital))
    shapes = ("{f}{m}{n}", "{f}-{n}", "{f}.{n}", "{c}-{f}-{k}", "{c}-{k}-{n}", "{n}&{k}", "{n}{c}",
              "{o}{k}/{n}", "{o}{k}/{n}{c}", "{k}{c}/{n}{f}", "{f}{n} & {f}{k}", "{c}{k}/{c}",
              "{c}{k}-{n}-{k}", "K{k}-{n}", "{f}{k}-{n} ({c})", "{c}.{o}")  # fmt: skip
    shape = pick(rng, shapes)
    return shape.format(f=floor, m=pick(rng, ("", " ", "0")), n=one, k=two, c=capital, o=other)


def _local(rng: np.random.Generator) -> str:
    """A name that sounds as many do in Malaysia: one word, or two or three short ones."""
    if chance(rng, 0.6):
        return malay_sounding(rng).capitalize()
    return " ".join(chinese_sounding(rng).capitalize() for _ in range(int(rng.integers(2, 4))))


def _malaysian(rng: np.random.Generator, words: Words) -> list[str]:
    def place() -> str:
        # Few of them from the list: what is known by heart is put where it is not printed.
        if chance(rng, 0.2):
            return pick(rng, _MALAY)
        return (_local(rng) if chance(rng, 0.5) else words.name(rng)).upper()

    lead = pick(rng, ("NO. ", "NO.", "NO ", "LOT ", "NO: ", "", "", "PT ", "G-", "BLK ", "NO.G"))
    house = lead + _number(rng)
    if chance(rng, 0.25):
        house += pick(rng, (" & ", ",", "-", " ,", "&", ", ", " - ")) + _number(rng)
    elif chance(rng, 0.3):
        house = pick(rng, ("", "LOT ", "UNIT ", "NO. ", "NO.", "LOT NO. ")) + _unit(rng)
    road = pick(rng, ("JALAN", "JALAN", "JALAN", "JLN", "LORONG", "LRG", "PERSIARAN"))
    street = f"{road} {place()}"
    if chance(rng, 0.3):
        street += f" {place()}"
    if chance(rng, 0.7):
        street += f" {rng.integers(1, 40)}"
        if chance(rng, 0.3):
            street += pick(rng, ("/", "-")) + str(rng.integers(1, 30))
            street += pick(rng, ("", "", "A", "B"))
    elif chance(rng, 0.5):
        street += f" {_unit(rng)}"
    parts = [house + pick(rng, (", ", ", ", ",", " ")) + street]
    if chance(rng, 0.2):
        floor = pick(rng, ("GROUND FLOOR", "1ST FLOOR", "LEVEL 2", "3RD FLR", "WISMA " + place()))
        parts.insert(int(rng.integers(0, 2)), floor)
    if chance(rng, 0.75):
        estate = pick(rng, ("TAMAN", "TAMAN", "TMN", "BANDAR", "KAWASAN PERINDUSTRIAN", "SEKSYEN",
                            "DESA", "KAMPUNG", "PUSAT BANDAR", "BDR", "KG", "TAMAN PERINDUSTRIAN",
                            "MEDAN", "PUSAT PERDAGANGAN", "MUKIM"))  # fmt: skip
        parts.append(f"{estate} {place()}" + (f" {place()}" if chance(rng, 0.3) else ""))
    if chance(rng, 0.12):
        area = pick(rng, ("SS", "PJU", "SEKSYEN ", "BATU ", "KM ", "USJ ", "FASA ", "SEKSYEN U"))
        parts.append(f"{area}{rng.integers(1, 30)}" + pick(rng, ("", f"/{rng.integers(1, 60)}")))
    town = pick(rng, _TOWNS) if chance(rng, 0.35) else f"{place()} {place()}"
    parts.append(f"{digits(rng, 5)}{pick(rng, (' ', ' ', ', '))}{town}")
    if chance(rng, 0.75):
        parts.append(pick(rng, _STATES))
        if chance(rng, 0.12) and parts[-1] != "MALAYSIA":
            parts.append("MALAYSIA")
    join = pick(rng, (", ", ", ", ",", " "))
    lines: list[str] = []
    width = int(rng.integers(24, 44))
    for part in parts:
        if lines and len(lines[-1]) + len(part) < width and chance(rng, 0.6):
            lines[-1] += join + part
        else:
            lines.append(part)
    if chance(rng, 0.7):
        lines = [line + "," for line in lines[:-1]] + [lines[-1]]
    if chance(rng, 0.3) and not lines[-1].endswith("."):
        lines[-1] += "."
    if chance(rng, 0.3):
        lines = [_title(line) for line in lines]
    return lines


def _title(text: str) -> str:
    return " ".join(w.capitalize() if w.isalpha() else w for w in text.split(" "))


def _town(rng: np.random.Generator, words: Words, country: str) -> str:
    name = words.name(rng)
    ends = _ENDS.get({"at": "de", "ch": "de", "au": "gb", "ca": "us"}.get(country, country))
    if ends and chance(rng, 0.5):
        end = pick(rng, ends)
        name = f"{name} {end}" if end[0].isupper() else f"{name}{end}"
    if chance(rng, 0.15):
        name = pick(rng, {
            "de": ("Bad ", "Neu-", "Groß "), "fr": ("Saint-", "La ", "L'"), "es": ("San ", "La "),
            "it": ("San ", "Castel "), "pt": ("São ", "Vila "), "nl": ("Den ", "Nieuw-"),
        }.get(country, ("North ", "St. ", "New "))) + name  # fmt: skip
    return name


def _post_code(rng: np.random.Generator, country: str) -> str:
    if country == "gb":
        return f"{letters(rng, 2)}{rng.integers(1, 20)} {rng.integers(1, 10)}{letters(rng, 2)}"
    if country == "ca":
        one, two = letters(rng, 3), digits(rng, 3)
        return f"{one[0]}{two[0]}{one[1]} {two[1]}{one[2]}{two[2]}"
    if country == "nl":
        return f"{rng.integers(1000, 9999)} {letters(rng, 2)}"
    if country == "pt":
        return f"{rng.integers(1000, 9999)}-{digits(rng, 3)}"
    if country in {"at", "ch", "au", "za"}:
        return str(rng.integers(1000, 9999))
    return digits(rng, 6 if country in {"sg", "in"} else 5)


def address(rng: np.random.Generator, words: Words, country: str) -> list[str]:
    """The lines of an address, as printed below a name."""
    if country == "my":
        return _malaysian(rng, words)
    street = pick(rng, _NATIVE_STREETS[country]).format(words.name(rng), _number(rng))
    town, post = _town(rng, words, country), _post_code(rng, country)
    if country == "us":
        place = f"{town}, {letters(rng, 2)} {post}"
    elif country in {"gb", "au", "sg", "in", "ca", "za"}:
        place = f"{town}{pick(rng, (' ', ', '))}{post}"
    else:
        prefix = f"{country[0].upper()}-" if chance(rng, 0.12) else ""
        place = f"{prefix}{post} {town}"
    lines = [street]
    if country == "gb" and chance(rng, 0.4):
        lines = [street, town, post]
    elif chance(rng, 0.08):
        lines = [street + pick(rng, (", ", " - ", " · ")) + place]
    else:
        lines.append(place)
    if chance(rng, 0.12):
        lines.insert(0, pick(rng, ("Building ", "c/o ", "2nd Floor, ", "Suite ")) + words.name(rng))
    if chance(rng, 0.3 if COUNTRIES[country].language == "en" else 0.05):
        name, number = words.name(rng), rng.integers(1, 300)
        inside = (
            f"Unit {number}",
            f"{name} Mall",
            f"Level {number % 9}, {name} Centre",
            f"Shop {number}, {name} Plaza",
            f"{name} Business Park",
            f"#0{number % 9}-{number}",
        )
        lines.insert(int(rng.integers(0, len(lines))), pick(rng, inside))
    if chance(rng, 0.12):
        lines = [line + "," for line in lines[:-1]] + [lines[-1]]
    if chance(rng, 0.15):
        lines.append(_COUNTRY_NAMES[country])
    if chance(rng, 0.2):
        lines = [line.upper() for line in lines]
    return lines


def website(rng: np.random.Generator, words: Words) -> str:
    """A web or e-mail address."""
    host = f"{words.word(rng)}{pick(rng, ('', '-' + words.word(rng)))}"
    end = pick(rng, ("com", "com.my", "de", "fr", "co.uk", "net", "es", "it", "org", "nl"))
    if chance(rng, 0.4):
        return f"{pick(rng, ('info', 'sales', 'office', 'contact'))}@{host}.{end}"
    return pick(rng, ("www.", "", "http://www.")) + f"{host}.{end}"

"""What the model is taught to count, and the other words that people have for it."""

OBJECTS: dict[str, tuple[str, ...]] = {
    "bottle": ("bottles", "flask", "flasks", "water bottle", "wine bottle", "beer bottle"),
    "can": ("cans", "drink can", "soda can", "beer can", "food can", "tin can", "tin cans"),
    "box": ("boxes", "cardboard box", "cardboard boxes", "parcel", "parcels", "package"),
    "jar": ("jars", "jam jar", "jam jars", "glass jar", "preserving jar"),
    "carton": ("cartons", "milk carton", "milk cartons", "juice carton", "drink carton"),
    "book": ("books", "volume", "volumes"),
    "tin": ("tins", "biscuit tin", "biscuit tins", "sardine tin", "tea tin"),
    "screw": ("screws", "bolt", "bolts"),
    "nut": ("nuts", "hex nut", "hex nuts"),
    "washer": ("washers",),
    "ball": ("balls", "marble", "marbles", "tennis ball", "golf ball"),
    "apple": ("apples",),
    "orange": ("oranges", "mandarin", "mandarins"),
    "lemon": ("lemons",),
    "egg": ("eggs",),
    "pallet": ("pallets", "skid", "skids"),
    "die": ("dice", "dices"),
    "playing card": ("playing cards", "card", "cards"),
    "coin": ("coins",),
    "stamp": ("stamps", "rubber stamp", "rubber stamps", "seal", "seals"),
    "signature": ("signatures", "autograph", "autographs"),
    "check box": ("check boxes", "checkbox", "checkboxes", "tick box", "tick boxes"),
    "ace": ("aces",),
    "king": ("kings",),
    "queen": ("queens",),
    "jack": ("jacks",),
    "ten": ("tens", "ten card"),
    "nine": ("nines", "nine card"),
    "die showing 1": ("dice showing 1", "die showing one", "dice showing one"),
    "die showing 2": ("dice showing 2", "die showing two", "dice showing two"),
    "die showing 3": ("dice showing 3", "die showing three", "dice showing three"),
    "die showing 4": ("dice showing 4", "die showing four", "dice showing four"),
    "die showing 5": ("dice showing 5", "die showing five", "dice showing five"),
    "die showing 6": ("dice showing 6", "die showing six", "dice showing six"),
}
"""Canonical name, singular, to synonyms and plurals. A name's place here is its number in the
glyph head: new ones go to the end."""

GENERAL = {
    **dict.fromkeys(("ace", "king", "queen", "jack", "ten", "nine"), "playing card"),
    **{f"die showing {face}": "die" for face in range(1, 7)},
}
"""What else a thing is: a king is a playing card."""

_LOOK_ALIKES = (
    ("bottle", "can", "jar", "carton", "tin"),
    ("box", "carton", "book", "tin", "pallet"),
    ("screw", "nut", "washer", "coin"),
    ("ball", "apple", "orange", "lemon", "egg"),
    ("die", "check box", "box"),
    ("playing card", "stamp", "book", "box"),
    ("stamp", "signature", "check box", "coin"),
    ("ace", "king", "queen", "jack", "ten", "nine"),
    tuple(f"die showing {face}" for face in range(1, 7)),
)


def names(name: str) -> tuple[str, ...]:
    """All objects as which a `name` counts, itself first."""
    return (name, GENERAL[name]) if name in GENERAL else (name,)


def look_alikes(name: str) -> tuple[str, ...]:
    """The objects that may be taken for a `name`, or it for them."""
    others = [other for group in _LOOK_ALIKES if name in group for other in group]
    return tuple(other for other in dict.fromkeys(others) if other != name)


def code_point(name: str) -> int:
    """The character by which the glyph head knows an object: one of the private use area."""
    return 0xE000 + list(OBJECTS).index(name)

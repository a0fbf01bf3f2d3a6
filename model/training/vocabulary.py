"""The bundled model's vocabulary: letters, task tokens and a thousand places on the page.

A byte-level BPE whose only merges make accented Latin letters, currency signs and a few typographic
marks single tokens, so that a printed letter is one token and every other text still has its bytes.
The order is fixed for good: published weights depend on it.
"""

from typing import Final

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

SPECIAL: Final = (
    "<unk>",
    "<s>",
    "</s>",
    "[PAD]",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|extract|>",
    "<|read|>",
    "<|count|>",
    *(f"<|reserved_{i}|>" for i in range(6)),
)
LOCATIONS: Final = tuple(f"<loc_{i}>" for i in range(1000))
LETTERS: Final = (
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿ"
    "ĀāĂăĄąĆćČčĎďĐđĒēĖėĘęĚěĞğĢģĪīĮįİıĶķĹĺĻļĽľŁłŃńŅņŇňŌōŐőŒœŔŕŘřŚśŞşŠšŢţŤťŪūŮůŰűŲųŸŹźŻżŽžȘșȚț"
    "¡¢£¤¥¦§©ª«¬®°±²³´µ¶·¸¹º»¼½¾¿×÷"
    "€₤₦₩₪₫₱₲₴₹₺₽฿–—‘’‚“”„†•…‰‹›™№"
)
VOCABULARY_SIZE: Final = 1536
ROLES: Final = {
    "bos_token": "<s>",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "pad_token": "[PAD]",
}
CHAT_TEMPLATE: Final = (
    "{% for message in messages %}"
    "{% if message['content'] is not string %}"
    "{% for part in message['content'] if part['type'] == 'image' %}"
    "<|vision_start|><|image_pad|><|vision_end|>{% endfor %}{% endif %}"
    "<s>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for part in message['content'] if part['type'] == 'text' %}"
    "{{ part['text'] }}{% endfor %}{% endif %}</s>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant\n{% endif %}"
)


def build() -> Tokenizer:
    """The tokenizer; ids: specials, locations, the 256 bytes, then merged letters."""
    byte_letter = _byte_letters()
    tokens = [*SPECIAL, *LOCATIONS, *byte_letter]
    merges: list[tuple[str, str]] = []
    for letter in LETTERS:
        pieces = [byte_letter[byte] for byte in letter.encode()]
        left = pieces[0]
        for right in pieces[1:]:
            if (left, right) not in merges:
                merges.append((left, right))
                tokens.append(left + right)
            left += right
    vocabulary = {token: index for index, token in enumerate(tokens)}
    if len(vocabulary) != len(tokens) or len(tokens) > VOCABULARY_SIZE:
        raise ValueError(f"{len(tokens)} tokens, {len(vocabulary)} distinct: the vocabulary broke")
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in (*SPECIAL, *LOCATIONS)]
    )
    return tokenizer


def _byte_letters() -> list[str]:
    """The printable letter that byte-level BPE writes for each byte (GPT-2's mapping)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = iter(range(0x100, 0x200))
    return [chr(byte) if byte in printable else chr(next(others)) for byte in range(256)]

"""How prompts name a language, or show it by being written in it."""

import re
from collections.abc import Mapping

from rft_runtime.alignment.prompt import Mention
from rft_runtime.alignment.wording import Wording

_FEWEST = 3
_SAMPLE = 2000
"""Characters of a text that show its language."""

_ARABIC, _DEVANAGARI, _CYRILLIC = "[\u0621-\u064a]", "[\u0905-\u0939]", "[\u0400-\u045f]"

_LANGUAGES: Mapping[str, tuple[str, str]] = {
    "ar": ("arabic|العربية", _ARABIC),
    "bg": ("bulgarian|български", _CYRILLIC),
    "bn": ("bengali|bangla|বাংলা", "[\u0985-\u09b9]"),
    "cs": ("czech|čeština|česky", "je na že jsem nebo"),
    "da": ("danish|dansk", "og ikke det er"),
    "de": ("german|deutsch", "und der die das ist nicht ein"),
    "el": ("greek|ελληνικά", "[\u03b1-\u03c9]"),
    "en": ("english|englisch|anglais|inglés|inglese", "the and of is to a an in"),
    "es": ("spanish|español|castellano", "los las una por del para y"),
    "fa": ("persian|farsi|فارسی", _ARABIC),
    "fi": ("finnish|suomi|suomeksi", "ja on ei että"),
    "fr": ("french|français|französisch", "et les des est une du"),
    "gu": ("gujarati|ગુજરાતી", "[\u0a85-\u0ab9]"),
    "he": ("hebrew|עברית", "[\u05d0-\u05ea]"),
    "hi": ("hindi|हिन्दी|हिंदी", _DEVANAGARI),
    "id": ("indonesian|bahasa indonesia", "dan yang untuk dengan"),
    "it": ("italian|italiano", "che della sono una gli il"),
    "ja": ("japanese|日本語", "[\u3041-\u30fe]"),
    "kn": ("kannada|ಕನ್ನಡ", "[\u0c85-\u0cb9]"),
    "ko": ("korean|한국어", "[\uac00-\ud7a3]"),
    "ml": ("malayalam|മലയാളം", "[\u0d05-\u0d39]"),
    "mr": ("marathi|मराठी", _DEVANAGARI),
    "ne": ("nepali|नेपाली", _DEVANAGARI),
    "nl": ("dutch|nederlands", "het een van zijn niet"),
    "no": ("norwegian|norsk", "og ikke det er"),
    "pa": ("punjabi|ਪੰਜਾਬੀ", "[\u0a05-\u0a39]"),
    "pl": ("polish|polsk", "nie jest się i że"),
    "pt": ("portuguese|português", "uma não os do para e"),
    "ro": ("romanian|română", "și este pentru nu"),
    "ru": ("russian|русск", _CYRILLIC),
    "sv": ("swedish|svenska", "och inte det är"),
    "sw": ("swahili|kiswahili", "na ya kwa ni"),
    "ta": ("tamil|தமிழ்", "[\u0b85-\u0bb9]"),
    "te": ("telugu|తెలుగు", "[\u0c05-\u0c39]"),
    "th": ("thai|ไทย", "[\u0e01-\u0e2e]"),
    "tr": ("turkish|türkçe", "ve bir için değil"),
    "uk": ("ukrainian|українськ", _CYRILLIC),
    "ur": ("urdu|اردو", _ARABIC),
    "vi": ("vietnamese|tiếng việt", "[ạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]"),
    "zh": ("chinese|mandarin|中文|汉语|漢語", "[\u4e00-\u9fff]"),
}
"""Code -> its names, and either frequent words or a class of letters that texts in it are written with."""


def language_mention(code: str) -> Mention | None:
    """Return a mention of a language: its name, or a text that is plainly written in it; None when it is not known.

    Args:
        code: An ISO 639 code, perhaps with a region.
    """
    found = _LANGUAGES.get(re.split("[-_]", code.lower())[0])
    if found is None:
        return None
    names, shown = found
    named = Wording(names, names)
    is_written = _of_letters(shown) if shown.startswith("[") else _of_words(frozenset(shown.split()))
    return lambda text: is_written(text) or named(text)


def _of_letters(letters: str) -> Mention:
    frequent = re.compile(letters)
    return lambda text: not text.isascii() and len(frequent.findall(text, 0, _SAMPLE)) >= _FEWEST


def _of_words(frequent: frozenset[str]) -> Mention:
    return lambda text: len(frequent.intersection(text[:_SAMPLE].lower().split())) >= _FEWEST

"""The folders that a new account gets, by language (WildDuck 3.1 and 6.2). Pure."""

from functools import lru_cache
from typing import Final

from attrs import frozen

__all__ = ["Folder", "folders_for"]

_MONTH: Final = 30 * 86_400_000

#           Sent, Trash, Drafts, Junk
_ENGLISH = ("Sent Mail", "Trash", "Drafts", "Junk")
_NAMES: Final[dict[str, tuple[str, str, str, str]]] = {
    "cs": ("Odeslané", "Koš", "Rozepsané", "Spam"),
    "da": ("Sendt post", "Papirkurv", "Kladder", "Spam"),
    "de": ("Gesendet", "Gelöscht", "Entwürfe", "Spam"),
    "es": ("Enviados", "Papelera", "Borradores", "No deseado"),
    "et": ("Saadetud kirjad", "Prügikast", "Mustandid", "Rämpspost"),
    "fi": ("Lähetetyt", "Roskakori", "Luonnokset", "Roskaposti"),
    "fr": ("Envoyés", "Corbeille", "Brouillons", "Pourriels"),
    "hu": ("Küldöttek", "Kuka", "Piszkozatok", "Kéretlen"),
    "it": ("Inviata", "Cestino", "Bozze", "Spam"),
    "ja": ("送信済み", "ごみ箱", "下書き", "迷惑メール"),
    "lt": ("Išsiųsti laiškai", "Šiukšlinė", "Juodraščiai", "Brukalas"),
    "lv": ("Nosūtītās", "Papīrgrozs", "Uzmetumi", "Mēstules"),
    "nb": ("Sendt", "Slettet", "Kladd", "Spam"),
    "nl": ("Verzonden berichten", "Prullenbak", "Concepten", "Spam"),
    "pl": ("Wysłane", "Kosz", "Kopie robocze", "Spam"),
    "pt": ("Enviados", "Lixeira", "Rascunhos", "Spam"),
    "ro": ("Trimise", "Gunoi", "Ciorne", "Spam"),
    "ru": ("Отправленные", "Корзина", "Черновики", "СПАМ"),
    "sk": ("Odoslané", "Kôš", "Koncepty", "Nevyžiadaná pošta"),
    "sl": ("Poslano", "Smeti", "Osnutki", "Neželena sporočila"),
    "sv": ("Skickat", "Papperskorg", "Utkast", "Skräp"),
    "tr": ("Giden", "Çöp", "Taslak", "İstenmeyen"),
    "uk": ("Надіслані", "Кошик", "Чернетки", "Спам"),
    "zh": ("寄件備份", "垃圾桶", "草稿匣", "垃圾郵件"),
}


@frozen
class Folder:
    """A mailbox to be made. `retention` is in ms, 0 keeps for ever."""

    path: str
    special_use: str | None = None
    retention: int = 0
    hidden: bool = False
    encrypt: bool = False


@lru_cache(maxsize=256)
def folders_for(language: str, retention: int = 0) -> tuple[Folder, ...]:
    """INBOX and the four special folders, named in `language` (`et_EE` counts as `et`; unknown ones as English).

    Trash and Junk keep mail for 30 days, or for the user's own retention where that is shorter.
    """
    sent, trash, drafts, junk = _NAMES.get(language.lower().partition("_")[0], _ENGLISH)
    short = min(retention or _MONTH, _MONTH)
    return (
        Folder("INBOX", None, retention),
        Folder(sent, "\\Sent", retention),
        Folder(trash, "\\Trash", short),
        Folder(drafts, "\\Drafts", retention),
        Folder(junk, "\\Junk", short),
    )

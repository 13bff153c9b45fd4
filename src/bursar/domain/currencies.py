"""Money that credits are paid with: a currency, the price of one credit in it, and what an order comes to.

All of it is whole numbers: a price counts billionths of the currency, a sum its smallest coins. Not here: what calls to
models cost (`prices`), which is always US dollars.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bursar.domain.credits import MICRO_PER_CREDIT, Credits
from bursar.domain.refusals import Refusal

PRICE_DECIMALS_MAX = 9
"""A credit may be worth a millionth of a dollar, and its price still has three digits to be exact with."""
PRICE_WHOLE_MAX = 999_999
"""Of whatever currency for one credit. The largest order at this price still fits where sums are kept."""

_NANO = 10**PRICE_DECIMALS_MAX

_COIN_DIGITS = 2
# The exceptions of ISO 4217 to two digits after the point.
_WITHOUT_COINS = frozenset({
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG",
    "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF",
})  # fmt: skip
_IN_THOUSANDTHS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
# Units of account with four digits: no bank pays in them.
_NOT_PAID_IN = frozenset({"CLF", "UYW"})

_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_PRICE = re.compile(r"(?P<whole>0|[1-9][0-9]{0,8})(?:\.(?P<fraction>[0-9]{1,20}))?", re.ASCII)


@dataclass(frozen=True)
class CreditPrice:
    """What one credit costs: so many billionths of a currency. Nothing means that credits are not for sale."""

    currency: str
    nano: int

    def __str__(self) -> str:
        """The exact price, with two to nine decimals."""
        whole, fraction = divmod(self.nano, _NANO)
        return f"{whole}.{f'{fraction:09d}'.rstrip('0').ljust(2, '0')}"

    @property
    def with_currency(self) -> str:
        """As people read it, such as `0.01 EUR`."""
        return f"{self} {self.currency}"


@dataclass(frozen=True)
class Money:
    """A sum to be paid: so many of the currency's smallest coins."""

    currency: str
    coins: int

    def __str__(self) -> str:
        """The exact sum, with as many decimals as the currency has."""
        digits = coin_digits(self.currency)
        whole, fraction = divmod(self.coins, 10**digits)
        return f"{whole}.{fraction:0{digits}d}" if digits else str(whole)

    @property
    def with_currency(self) -> str:
        """As people read it, such as `12.50 EUR`."""
        return f"{self} {self.currency}"


def coin_digits(currency: str) -> int:
    """How many digits after the point the smallest coin of this currency has: two, but for the exceptions.

    Rule: PURCHASE-2
    """
    if currency in _WITHOUT_COINS:
        return 0
    return 3 if currency in _IN_THOUSANDTHS else _COIN_DIGITS


def total_of(amount: Credits, price: CreditPrice) -> Money:
    """Amount times price, rounded up to the currency's smallest coin, once.

    Rule: PURCHASE-2
    """
    exact = amount.micro * price.nano * 10 ** coin_digits(price.currency)
    return Money(price.currency, -(-exact // (MICRO_PER_CREDIT * _NANO)))


def check_currency(currency: str) -> None:
    """Refuses `invalid_input` for what is no currency that people pay in.

    Rule: PURCHASE-1
    """
    if not _CURRENCY.fullmatch(currency) or currency in _NOT_PAID_IN:
        raise Refusal(
            "invalid_input", 'A currency is three capital letters of ISO 4217, such as "USD".', field="currency"
        )


def parse_price(text: object, currency: str, *, field: str) -> CreditPrice:
    """The price that somebody typed: 0 or more, at most nine decimals. Refuses `invalid_input`; never rounds.

    Rule: PURCHASE-1
    """
    match = _PRICE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise Refusal("invalid_input", 'A price is a decimal string, such as "0.01".', field=field)
    fraction = match["fraction"] or ""
    if len(fraction) > PRICE_DECIMALS_MAX:
        raise Refusal("invalid_input", f"A price has at most {PRICE_DECIMALS_MAX} decimals.", field=field)
    nano = int(match["whole"]) * _NANO + int(fraction.ljust(PRICE_DECIMALS_MAX, "0"))
    if nano > PRICE_WHOLE_MAX * _NANO:
        raise Refusal("invalid_input", f"A price is at most {PRICE_WHOLE_MAX}.", field=field)
    return CreditPrice(currency, nano)

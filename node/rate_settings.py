# SPDX-License-Identifier: MIT
"""How an operator writes rates into the YAML: ``1200/m``, ``off``.

A rate is a bucket of that many tokens that fills up evenly over its time: ``1200/m`` lets 1200 through at
once, and then 20 a second.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import Field, PlainValidator, WithJsonSchema

from osak.shares.configuration import Settings

_RATE: Final = re.compile(r"([1-9][0-9]{0,8})/([smhd])", re.ASCII)
_UNIT_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Rate:
    """``count`` tokens, filled up evenly in ``seconds``."""

    count: int
    seconds: int


def parse_rate(value: Any) -> Rate | None:
    """Read ``100/s``, ``1200/m``, ``5000/h`` or ``20000/d``; ``off`` (also YAML's false) is None.

    Raises:
        ValueError: any other form.
    """
    if isinstance(value, Rate):
        return value
    if value is False or value == "off":
        return None
    found = _RATE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("a rate is a number and a time: 100/s, 1200/m, 5000/h, 20000/d; or off")
    return Rate(int(found[1]), _UNIT_SECONDS[found[2]])


def _rate(text: str, description: str) -> Any:
    return Field(parse_rate(text), description=description, json_schema_extra={"default": text})


OptionalRate = Annotated[
    Rate | None,
    PlainValidator(parse_rate),
    WithJsonSchema({"type": "string", "pattern": f"^({_RATE.pattern}|off)$"}),
]


class RateSettings(Settings):
    """How often; who comes too often gets 429 with Retry-After."""

    per_address: OptionalRate = _rate("1200/m", "requests of one client address; of IPv6, of one /64")
    per_share: OptionalRate = _rate("120/m", "requests for one share from one client address")
    per_recipient: OptionalRate = _rate("600/m", "shares released to one person")
    total: OptionalRate = _rate("off", "requests of all clients together")


UNCOUNTED: Final = RateSettings.model_validate(dict.fromkeys(RateSettings.model_fields, "off"))

"""Issue codes -> what they tell a steward; the one list of all codes that standardisers give."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rules.tables import read_table

ISSUES: Mapping[str, str] = MappingProxyType({row[0]: row[1] for row in read_table("issues.txt")})

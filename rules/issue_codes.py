"""What the issue codes of the standardisers mean for the quality of a value.

A code is `kind.reason`. A test holds these lists to the codes that the standardisers really write.
"""

from __future__ import annotations

# The value is there and is no valid value of its kind. It is still evidence: two sources may share the slip.
NOT_VALID = (
    "date.impossible",
    "date.unreadable",
    "email.invalid",
    "id.invalid",
    "name.not_a_name",
    "name.unreadable",
    "organisation.unreadable",
    "phone.invalid",
    "phone.unreadable",
    "website.invalid",
)

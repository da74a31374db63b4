"""Pages for stewards: HTML that works without JavaScript; every change is a form, answered by a redirect.

Each page is one module (a route gets its data from `mdm.desk`) and one template, which holds loops and nothing else.
"""

from __future__ import annotations

from api.pages import activity, entity, guide, home, model, quality, queue, search, sign, static, task

PAGES = (static, sign, home, queue, task, search, entity, quality, model, activity, guide)

"""Every error a caller can meet, by what the caller can do about it.

MdmError
├── BadInput        the caller's data, file or argument is wrong: correct it           exit 2, HTTP 422
│   ├── BadProject      project.yaml, an entity file or a rule book is refused
│   ├── BadSource       an input file, table or row is refused
│   ├── BadRecord       a field of a record sent by a caller; `pointer` says which
│   └── UnknownField
├── NotFound        no such record, entity, release ...                                exit 2, HTTP 404
├── Conflict        somebody else was first, or an older decision says otherwise       exit 2, HTTP 409
│   ├── Outdated        the version that the caller saw is not the present one             HTTP 412
│   ├── StaleTask       a task is not what the steward saw; `task` is the present one
│   ├── Claimed         another steward works on the task
│   └── Closed          the task has been answered, or nothing asks it any more
├── Breaker         a guard stopped the run before harm                                exit 3
├── Unavailable     try again later                                                    exit 1, HTTP 503
│   └── OtherPolicy     the project's policy is not the one that decides                   HTTP 503
└── Misconfigured   the installation is wrong: an operator must act                    exit 1, HTTP 500
"""

from __future__ import annotations


class MdmError(Exception):
    """A refusal with a stable code and a message that says what to do next."""

    code = "error"
    exit_code = 1


class BadInput(MdmError):
    code = "bad_input"
    exit_code = 2


class BadProject(BadInput):
    code = "bad_project"


class BadSource(BadInput):
    code = "bad_source"


class UnknownField(BadInput):
    code = "unknown_field"

    def __init__(self, field: str, known: list[str]) -> None:
        super().__init__(f"unknown field {field!r}; known: {', '.join(known)}")


class BadRecord(BadInput):
    code = "bad_record"

    def __init__(self, message: str, pointer: str = "") -> None:
        super().__init__(message)
        self.pointer = pointer


class NotFound(MdmError):
    code = "not_found"
    exit_code = 2


class Conflict(MdmError):
    code = "conflict"
    exit_code = 2


class Outdated(Conflict):
    code = "outdated"


class StaleTask(Conflict):
    code = "stale"

    def __init__(self, message: str, task_id: int, task: object) -> None:
        super().__init__(message)
        self.task_id = task_id
        self.task = task


class Claimed(Conflict):
    code = "claimed"


class Closed(Conflict):
    code = "task_closed"


class Breaker(MdmError):
    code = "breaker"
    exit_code = 3


class Unavailable(MdmError):
    code = "unavailable"


class OtherPolicy(Unavailable):
    code = "other_policy"


class Misconfigured(MdmError):
    code = "misconfigured"

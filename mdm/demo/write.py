"""Generated records -> a small project to try: six source files with columns of their own, truth and policy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from mdm.demo.generate import generate

TRUTH_FILE = "truth.csv"
_POLICY_FILES = ("project.yaml", "rules.yaml")


@dataclass(frozen=True, slots=True)
class FileLayout:
    """One source as a file.

    columns: column in the file -> columns of the record that feed it; the first that is not empty counts.
    types: the words of the source for a person and for an organisation.
    dirty: lines at the end of the file that no reader can use.
    """

    path: str
    columns: Mapping[str, tuple[str, ...]]
    types: tuple[str, str] = ("PERSON", "ORGANIZATION")
    dirty: str = ""


def _columns(text: str) -> dict[str, tuple[str, ...]]:
    """`name=full_name/org_name city` -> name is fed by two columns, city by the one of that name."""
    pairs = (word.partition("=") for word in text.split())
    return {name: tuple((sources or name).split("/")) for name, _, sources in pairs}


LAYOUTS = {
    "crm": FileLayout(
        "data/crm.csv",
        _columns(
            "customer_id=record_id type=record_type first_name middle_name last_name company=org_name gender"
            " date_of_birth=birth_date national_id tax_number=tax_id email mobile=phone home_phone=phone2"
            " street=address city state=region zip=postcode country website modified=updated_at"
        ),
        dirty='C999999998,PERSON,"more cells, than the header"' + ",surplus" * 30 + "\n",
    ),
    "billing": FileLayout(
        "data/billing.csv",
        _columns(
            "acct=record_id kind=record_type name=full_name/org_name dob=birth_date id_no=national_id vat_no=tax_id"
            " mail=email tel=phone bill_to=address post=postcode ctry=country web=website last_change=updated_at"
        ),
        types=("P", "C"),
        dirty=',P,"NOBODY, NOEL",,,,,,1 Lost Lane,,US,,2024-05-01\n',
    ),
    "web": FileLayout(
        "data/web.jsonl",
        _columns(
            "id=record_id account=record_type displayName=full_name/org_name birthday=birth_date taxNumber=tax_id"
            " emailAddress=email phoneNumber=phone addressLine=address town=city postalCode=postcode"
            " countryCode=country url=website updatedAt=updated_at"
        ),
        types=("personal", "business"),
        dirty='{"id": "W999999998", "account": "personal", "displayName": "Cut Off\n',
    ),
    "support": FileLayout(
        "data/support.tsv",
        _columns(
            "caller=record_id caller_type=record_type first=first_name last=last_name company=org_name born=birth_date"
            " callback=phone email vat=tax_id town=city country site=website last_call=updated_at"
        ),
        types=("private", "company"),
    ),
    "legacy": FileLayout(
        "data/legacy.csv",
        _columns(
            "CUSTNO=record_id CTYPE=record_type LNAME=last_name/org_name FNAME=first_name MNAME=middle_name SEX=gender"
            " BDATE=birth_date IDNO=national_id TAXNO=tax_id PHONE=phone EMAIL=email ADDR=address CITY=city ST=region"
            " ZIP=postcode CTRY=country UPDATED=updated_at"
        ),
        types=("1", "2"),
    ),
    "partner": FileLayout(
        "data/partner.parquet",
        _columns(
            "partner_key=record_id entity_type=record_type party_name=full_name/org_name birth_date tax_code=tax_id"
            " contact_email=email contact_phone=phone street=address city province=region postcode country"
            " homepage=website as_of=updated_at"
        ),
    ),
}


def write_project(directory: Path, records: int = 6000, seed: int = 1) -> None:
    """Write data/, truth.csv, project.yaml and rules.yaml into a folder; files of these names are replaced."""
    chunks = list(generate(records, seed))
    table = pa.concat_tables([chunk.records for chunk in chunks])
    (directory / "data").mkdir(parents=True, exist_ok=True)
    for source, layout in LAYOUTS.items():
        rows = table.filter(pc.equal(table["source"], source))
        _write(_laid_out(rows, layout), directory / layout.path)
        if layout.dirty:
            with (directory / layout.path).open("a", encoding="utf-8") as file:
                file.write(layout.dirty)
    write_csv(pa.concat_tables([chunk.truth for chunk in chunks]), directory / TRUTH_FILE)
    for name in _POLICY_FILES:
        (directory / name).write_bytes(files("mdm.demo").joinpath(name).read_bytes())


def _laid_out(rows: pa.Table, layout: FileLayout) -> pa.Table:
    """The rows in the columns and words of their source."""
    is_person = pc.equal(rows["record_type"], "PERSON")
    rows = rows.set_column(rows.column_names.index("record_type"), "record_type", pc.if_else(is_person, *layout.types))
    columns = [pc.coalesce(*(rows[name] for name in names)) for names in layout.columns.values()]
    return pa.table(columns, names=list(layout.columns))


def _write(rows: pa.Table, path: Path) -> None:
    match path.suffix:
        case ".parquet":
            pq.write_table(rows, path)
        case ".jsonl":
            _write_json_lines(rows, path)
        case ".tsv":
            write_csv(rows, path, delimiter="\t")
        case _:
            write_csv(rows, path)


def write_csv(rows: pa.Table, path: Path, delimiter: str = ",") -> None:
    """Write a table as delimited text with a header; null is an empty cell."""
    pacsv.write_csv(rows, path, pacsv.WriteOptions(delimiter=delimiter, quoting_style="needed"))


def _write_json_lines(rows: pa.Table, path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in rows.to_pylist():
            file.write(json.dumps(row, ensure_ascii=False) + "\n")

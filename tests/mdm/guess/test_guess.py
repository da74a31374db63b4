"""`mdm init`: the mapping it writes is the one an expert would write."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mdm.guess.written import init, table

ANONYMOUS_ROWS = [
    f"{n},{given} {letter}son,m{n}@x.com,(312) 555-01{n},{state},{1938 + 3 * n}-04-05"
    for given, state, letters in [("John", "IL", "ABCDEFG"), ("Mary", "NY", "HIJKLMN"), ("Ann", "TX", "OPQRSTU")]
    for n, letter in enumerate(letters, start=ord(letters[0]) - 55)
]

CASES = {
    "split names and the usual columns": (
        table(
            "customer_id,first_name,middle_initial,surname,dob,sex,ssn,zip,state,mobile,e_mail",
            "1,Ann,B,Lee,1980-02-03,F,123-45-6789,60601,IL,312-555-0100,a@x.com",
            "2,Bob,C,Ray,1975-12-13,M,123-45-6780,10001,NY,312-555-0101,b@x.com",
        ),
        {
            "record_id": "customer_id",
            "entity": "person",
            "country": "US",
            "fields": {
                "name.given": "first_name",
                "name.middle": "middle_initial",
                "name.family": "surname",
                "birth_date": "dob",
                "gender": "sex",
                "phone": "mobile",
                "email": "e_mail",
                "address.region": "state",
                "address.postcode": "zip",
                "national_id": "ssn",
            },
        },
    ),
    "abbreviated headers, house number and street apart": (
        table(
            "ID,LST_NM,FST_NM,NAME_SUFX_CD,BIRTH_DT,HOUSE_NUM,STREET_NAME,UNIT_NO,RES_CITY_DESC,ZIP_CD,FULL_PHONE_NUM",
            "1,LEE,ANN,,02/13/1980,12,MAIN ST,4B,RALEIGH,27601,919-555-0100",
            "2,RAY,BOB,JR,12/25/1975,7,OAK ST,,DURHAM,27701,919-555-0101",
        ),
        {
            "record_id": "ID",
            "entity": "person",
            "country": "US",
            "fields": {
                "name.given": "FST_NM",
                "name.family": "LST_NM",
                "name.suffix": "NAME_SUFX_CD",
                "birth_date": "BIRTH_DT",
                "phone": "FULL_PHONE_NUM",
                "address.number": "HOUSE_NUM",
                "address.street": "STREET_NAME",
                "address.unit": "UNIT_NO",
                "address.city": "RES_CITY_DESC",
                "address.postcode": "ZIP_CD",
            },
        },
    ),
    "Vietnamese headers": (
        table(
            "Mã KH,Họ,Tên đệm,Tên,Ngày sinh,Giới tính,Số CCCD,SĐT,Địa chỉ,Quận/Huyện,Tỉnh/TP,Ngày cập nhật",
            "K1,Nguyễn,Văn,An,01/02/1980,Nam,012345678901,0912345678,12 Lê Lợi,Quận 1,Hà Nội,2024-01-01",
            "K2,Trần,Thị,Bình,25/12/1990,Nữ,012345678902,0987654321,5 Lý Bôn,Quận 3,Hà Nội,2024-05-02",
        ),
        {
            "record_id": "Mã KH",
            "entity": "person",
            "updated_at": "Ngày cập nhật",
            "country": "VN",
            "fields": {
                "name.given": "Tên",
                "name.middle": "Tên đệm",
                "name.family": "Họ",
                "birth_date": "Ngày sinh",
                "gender": "Giới tính",
                "phone": "SĐT",
                "address.line1": "Địa chỉ",
                "address.district": "Quận/Huyện",
                "address.region": "Tỉnh/TP",
                "national_id": "Số CCCD",
            },
        },
    ),
    "Persian headers": (
        table(
            "شناسه,نام,نام خانوادگی,تاریخ تولد,کد ملی,موبایل,آدرس,شهر,کد پستی",
            "1,رضا,محمدی,1360/05/12,0012345678,09121234567,خیابان آزادی پلاک ۵,تهران,1234567890",
            "2,زهرا,کریمی,1365/01/02,0012345679,09131234567,خیابان ولیعصر پلاک ۷,تهران,1234567891",
        ),
        {
            "record_id": "شناسه",
            "entity": "person",
            "country": "IR",
            "fields": {
                "name.given": "نام",
                "name.family": "نام خانوادگی",
                "birth_date": "تاریخ تولد",
                "phone": "موبایل",
                "address.line1": "آدرس",
                "address.city": "شهر",
                "address.postcode": "کد پستی",
                "national_id": "کد ملی",
            },
        },
    ),
    "companies with two addresses": (
        table(
            "AccountID,Account Name,BillingStreet,BillingCity,BillingCountry,ShipStreet,ShipCity,Website,LastModified",
            "A1,Acme Corp,1 Main St,Chicago,USA,2 Oak Ave,Chicago,www.acme.com,2021-01-01",
            "A2,Globex LLC,5 Elm St,Austin,USA,6 Pine Rd,Austin,globex.com,2021-05-05",
        ),
        {
            "record_id": "AccountID",
            "entity": "organisation",
            "updated_at": "LastModified",
            "country": {"column": "BillingCountry"},
            "fields": {
                "name": "Account Name",
                "website": "Website",
                "address.line1": ["BillingStreet", "ShipStreet"],
                "address.city": ["BillingCity", "ShipCity"],
                "address.country": "BillingCountry",
            },
        },
    ),
    "what belongs to somebody else, or describes another column, is left out": (
        table(
            "contact_id,first_name,last_name,company,work_email,home_phone,spouse_name,emergency_phone,email_opt_in,phone_type",
            "1,Ann,Lee,Acme Corp,a@x.com,312-555-0100,Ed,312-555-0999,true,home",
            "2,Bob,Ray,Globex,b@x.com,312-555-0101,Flo,312-555-0998,false,home",
        ),
        {
            "record_id": "contact_id",
            "entity": "person",
            "country": "US",
            "fields": {
                "name.given": "first_name",
                "name.family": "last_name",
                "phone": "home_phone",
                "email": "work_email",
                "employer": "company",
            },
        },
    ),
    "no telling header at all": (
        table("a,b,c,d,e,f", *ANONYMOUS_ROWS),
        {
            "record_id": "a",
            "entity": "person",
            "country": "US",
            "fields": {"name": "b", "birth_date": "f", "phone": "d", "email": "c", "address.region": "e"},
        },
    ),
    "a header that lies is not believed": (
        table("id,phone,full_name,email", "1,a@b.com,Ann Lee,n/a", "2,c@d.com,Bob Ray,x", "3,e@f.org,Cid Fox,-"),
        {"record_id": "id", "entity": "person", "fields": {"name": "full_name", "email": "phone"}},
    ),
    "split dates and components of names": (
        table("id,fname_c1,fname_c2,lname_c1,by,bm,bd", "1,ANN,EVA,LEE,1980,2,30", "2,BOB,,RAY,1975,12,5"),
        {
            "record_id": "id",
            "entity": "person",
            "fields": {
                "name.given": "fname_c1",
                "name.middle": "fname_c2",
                "name.family": "lname_c1",
                "birth_date.year": "by",
                "birth_date.month": "bm",
                "birth_date.day": "bd",
            },
        },
    ),
    "identifiers with their country": (
        table(
            "key,NAME_FULL,PASSPORT_NUMBER,PASSPORT_COUNTRY,SSN,NATIONAL_ID_NUMBER,NATIONAL_ID_COUNTRY,DATE_OF_BIRTH",
            "1,Ann Lee,P123456,GB,123-45-6789,AB12345,GB,1980-01-01",
            "2,Bob Ray,P123457,US,123-45-6780,CD12345,US,1981-01-01",
        ),
        {
            "record_id": "key",
            "entity": "person",
            "country": "US",
            "fields": {
                "name": "NAME_FULL",
                "birth_date": "DATE_OF_BIRTH",
                "national_id": ["SSN", "NATIONAL_ID_NUMBER"],
                "national_id.country": [None, "NATIONAL_ID_COUNTRY"],
                "passport": "PASSPORT_NUMBER",
                "passport.country": "PASSPORT_COUNTRY",
            },
        },
    ),
    "a register of companies": (
        table(
            "LEI;Entity.LegalName;Entity.LegalAddress.FirstAddressLine;Entity.LegalAddress.City;Entity.LegalAddress.PostalCode;CompanyNumber",
            "529900T8BM49AURSDO55;Acme Holding GmbH;Ring 5;Berlin;10115;HRB 1",
            "529900T8BM49AURSDO56;Bolt AG;Weg 7;Bonn;53111;HRB 2",
        ),
        {
            "record_id": "LEI",
            "entity": "organisation",
            "fields": {
                "name": "Entity.LegalName",
                "address.line1": "Entity.LegalAddress.FirstAddressLine",
                "address.city": "Entity.LegalAddress.City",
                "address.postcode": "Entity.LegalAddress.PostalCode",
                "registration_id": "CompanyNumber",
                "lei": "LEI",
            },
        },
    ),
    "businesses known by their names only": (
        table(
            "id,name,addr,town,telephone,cuisine",
            "1,Blue Cafe,1 Elm St,Rome,212/555-0100,thai",
            "2,Ed's Grill,2 Oak Ave,Troy,212/555-0101,bbq",
        ),
        {
            "record_id": "id",
            "entity": "organisation",
            "country": "US",
            "fields": {"name": "name", "phone": "telephone", "address.line1": "addr", "address.city": "town"},
        },
    ),
    "no column is an id": (
        table("forename,surname,yob", "Ann,Lee,1980", "Ann,Lee,1980"),
        {
            "record_id": "@line",
            "entity": "person",
            "fields": {"name.given": "forename", "name.family": "surname", "birth_date.year": "yob"},
        },
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_mapping_is_what_an_expert_would_write(tmp_path: Path, case: str) -> None:
    text, expected = CASES[case]
    source = init(tmp_path, text)["list"]
    assert source == {"read": "list.csv", **expected}


def test_a_column_tells_people_from_organisations(tmp_path: Path) -> None:
    text = table(
        "source,record_id,record_type,full_name,org_name,birth_date,tax_id",
        "crm,1,PERSON,Ann Lee,,1980-01-01,",
        "crm,2,ORGANIZATION,,Acme Ltd,,12-3456789",
        "web,1,PERSON,Bob Ray,,,",
        "web,2,,Cid Fox,,1980-01-02,",
    )
    sources = init(tmp_path, text)
    crm, web = sources["crm"], sources["web"]
    assert crm["where"] == {"source": "crm"}
    assert crm["record_id"] == "record_id"
    assert crm["entity"] == {"column": "record_type", "values": {"PERSON": "person", "ORGANIZATION": "organisation"}}
    assert crm["fields"] == {
        "person": {"name": "full_name", "birth_date": "birth_date"},
        "organisation": {"name": "org_name", "tax_id": "tax_id"},
    }
    assert web["entity"] == {"column": "record_type", "values": {"PERSON": "person"}, "default": "person"}
    assert web["fields"] == {"name": "full_name", "birth_date": "birth_date"}


@pytest.mark.parametrize(
    ("header", "values", "expected"),
    [
        ("is_company", ["true", "false"], {"true": "organisation", "false": "person"}),
        ("is_person", ["Y", "N"], {"Y": "person", "N": "organisation"}),
        ("customer type", ["B2B", "B2C"], {"B2B": "organisation", "B2C": "person"}),
        ("loại khách hàng", ["Cá nhân", "Doanh nghiệp"], {"Cá nhân": "person", "Doanh nghiệp": "organisation"}),
        ("نوع مشتری", ["حقیقی", "حقوقی"], {"حقیقی": "person", "حقوقی": "organisation"}),
        ("type", ["P", "O"], {"P": "person", "O": "organisation"}),
    ],
)
def test_the_values_of_an_entity_column(
    tmp_path: Path, header: str, values: list[str], expected: dict[str, str]
) -> None:
    text = table(f"id,{header},name", f"1,{values[0]},Acme", f"2,{values[1]},Ann Lee")
    assert init(tmp_path, text)["list"]["entity"] == {"column": header, "values": expected}


def test_other_categories_do_not_tell_entity_types(tmp_path: Path) -> None:
    text = table("id,type,class,first_name,last_name", "1,gold,A,Ann,Lee", "2,silver,B,Bob,Ray", "3,tin,C,Cid,Fox")
    assert init(tmp_path, text)["list"]["entity"] == "person"


def test_the_entity_may_be_told(tmp_path: Path) -> None:
    text = table("id,type,name", "1,person,Ann Lee", "2,company,Acme")
    assert init(tmp_path, text, entity="organisation")["list"]["entity"] == "organisation"


def test_sources_map_only_the_columns_that_hold_data_there(tmp_path: Path) -> None:
    text = table(
        "source,record_id,name,address,city,phone",
        'a,1,Ann Lee,"1 Elm St, Rome, NY",,',
        'a,2,Bob Ray,"2 Oak St, Troy, NY",,',
        "b,1,Ann Lee,1 Elm St,Rome,212-555-0100",
        "b,2,Cid Fox,3 Ash St,Troy,212-555-0101",
    )
    sources = init(tmp_path, text)
    assert sources["a"]["fields"] == {"name": "name", "address": "address"}
    assert sources["b"]["fields"] == {
        "name": "name",
        "phone": "phone",
        "address.line1": "address",
        "address.city": "city",
    }
    assert "# Empty here: city, phone" in (tmp_path / "project.yaml").read_text(encoding="utf-8")


def test_the_order_of_dates_is_written_where_the_data_shows_it(tmp_path: Path) -> None:
    days = range(13, 20)
    us = [f"{n},Ann Lee,US,02/{n}/1980" for n in days]
    vn = [f"{n + 50},An Le,VN,{n}/02/1980" for n in days]
    source = init(tmp_path, table("id,name,country,dob", *us, *vn))["list"]
    assert source["dates"] == {"US": "mdy", "VN": "dmy"}
    assert source["country"] == {"column": "country"}


def test_a_file_in_another_encoding_is_read(tmp_path: Path) -> None:
    text = table("id,name,city", "1,René Noël,Orléans", "2,Chloé Lefèvre,Besançon")
    assert init(tmp_path, text.encode("windows-1252"))["list"]["encoding"] == "windows-1252"

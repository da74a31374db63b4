"""What the standardisers get right on labelled values: phones, Vietnamese units, names, addresses.

    python -m benchmarks.values --data DIR [--only NAME ...] [--misses 10]

DIR holds a folder per set (phones_e164, vn_address_labels, vn_admin_2025_mapping, os_name_bench, customers_fa20k,
parse_names, parse_us_addresses, parse_intl_addresses), each with its parquet files. Nothing is fitted to these sets.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from benchmarks.values_addresses import score_intl_addresses, score_us_addresses
from benchmarks.values_names import score_name_pairs, score_name_parts, score_scripts
from benchmarks.values_phones import score_phones
from benchmarks.values_scores import Detection, Score
from benchmarks.values_vietnam import score_labels, score_reform

SETS: Mapping[str, Callable[[Path], Iterator[Score | Detection]]] = {
    "phones_e164": score_phones,
    "vn_address_labels": score_labels,
    "vn_admin_2025_mapping": score_reform,
    "os_name_bench": score_name_pairs,
    "customers_fa20k": score_scripts,
    "parse_names": score_name_parts,
    "parse_us_addresses": score_us_addresses,
    "parse_intl_addresses": score_intl_addresses,
}


def main() -> None:
    """Print a line per measure, and the first misses of each when asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--only", nargs="*", choices=SETS, default=[])
    parser.add_argument("--misses", type=int, default=0, help="how many wrong values to show for each measure")
    arguments = parser.parse_args()
    for name, measure in SETS.items():
        if not arguments.only or name in arguments.only:
            for score in measure(arguments.data / name):
                print(f"{name:<24}{score}", flush=True)
                for miss in [*score.listed, *score.misses[: arguments.misses]]:
                    print(f"    {miss}")


if __name__ == "__main__":
    main()

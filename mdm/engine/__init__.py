"""The engine: pure stages that serve one record and a million alike; no I/O, no SQL engine, no field names."""

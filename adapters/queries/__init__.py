"""Reads, locks and writes in SQL, one module a noun; what is written by the thousand goes through `ingest` and `rowsets`."""

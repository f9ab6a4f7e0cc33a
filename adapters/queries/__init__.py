"""Reads and locks, one module a noun; the only place, with ingest and bulk, that speaks SQL."""

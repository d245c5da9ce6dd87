"""Report writers. Each turns a table and a stream of rows into a stream of bytes: no file, no more than some hundred
rows in memory, and the same bytes for the same input (docs/decisions/0006)."""

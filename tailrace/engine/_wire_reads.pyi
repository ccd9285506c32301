from tailrace.engine.wire_reads import Take

AT_ONCE: int
READ_BYTES: int
SOURCE_SHA256: str
take: Take

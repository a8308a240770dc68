private import CSystemXXHash

/// XXH64 with seed 0, the checksum of the zstd formats.
func xxh64(_ bytes: UnsafeRawBufferPointer) -> UInt64 { unsafe XXH64(bytes.baseAddress, bytes.count, 0) }

/// XXH3 with 64 bits, the checksum of this module's own structures.
func xxh3(_ bytes: UnsafeRawBufferPointer) -> UInt64 { unsafe XXH3_64bits(bytes.baseAddress, bytes.count) }

func xxh3(_ bytes: Span<UInt8>) -> UInt64 { unsafe bytes.withRawBytes { unsafe xxh3($0) } }

/// The hash by which a row or a document is found by its id: XXH3 with 64 bits of the id's UTF-8.
func idHash(_ id: String) -> UInt64 { xxh3(id.utf8.span) }

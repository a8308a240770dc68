private import CEDICJSON

/// The index of the first byte at or after `start` that a JSON string has to escape, or the count.
func plainPrefix(_ utf8: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
    unsafe edic_json_plain_prefix(utf8.baseAddress, start, utf8.count)
}

func isWellFormedUTF8(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    unsafe edic_json_is_utf8(bytes.baseAddress, bytes.count) != 0
}

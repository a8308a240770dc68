private import CEDICJSON

/// A parsed document as simdjson lays it out: 64-bit words, the top 8 bits an ASCII type, the rest a payload.
///
/// `{` `[` carry the index after their end (low 32 bits) and a saturating count (24 bits); `"` the offset of a 32-bit
/// length followed by the bytes; `l` `u` `d` are followed by a word with the number; `t` `f` `n` stand alone.
/// The words live either in simdjson's buffers or, when ``JSONScanner`` had to decide, in Swift arrays; the owner
/// (``JSONTapeStorage``) keeps them alive.
@safe struct JSONTape {
    let words: UnsafePointer<UInt64>
    let strings: UnsafePointer<UInt8>

    @inline(__always) func word(_ index: Int) -> UInt64 { unsafe words[index] }

    @inline(__always) func type(_ index: Int) -> UInt8 { UInt8(truncatingIfNeeded: word(index) >> 56) }

    /// The index of the value after the one at `index`.
    @inline(__always) func next(_ index: Int) -> Int {
        let word = word(index)
        switch UInt8(truncatingIfNeeded: word >> 56) {
        case UInt8(ascii: "{"), UInt8(ascii: "["): return Int(truncatingIfNeeded: word & 0xFFFF_FFFF)
        case UInt8(ascii: "l"), UInt8(ascii: "u"), UInt8(ascii: "d"): return index + 2
        default: return index + 1
        }
    }

    /// The bytes of the string at `index`, which must be one.
    @inline(__always) func utf8(_ index: Int) -> UnsafeBufferPointer<UInt8> {
        let start = unsafe strings + Int(truncatingIfNeeded: word(index) & 0x00FF_FFFF_FFFF_FFFF)
        let count = unsafe UnsafeRawPointer(start).loadUnaligned(as: UInt32.self)
        return unsafe UnsafeBufferPointer(start: start + 4, count: Int(count))
    }

    @inline(__always) func string(_ index: Int) -> String { unsafe String(decoding: utf8(index), as: UTF8.self) }

    /// Whether the string at `index` is `key`.
    @inline(__always) func string(_ index: Int, equals key: UnsafeBufferPointer<UInt8>) -> Bool {
        let bytes = unsafe utf8(index)
        guard bytes.count == key.count else { return false }
        for i in 0..<key.count where unsafe bytes[i] != key[i] { return false }
        return true
    }

    /// The index of the value of the last member named `key` of the object at `index`.
    func member(_ key: UnsafeBufferPointer<UInt8>, of index: Int) -> Int? {
        guard type(index) == UInt8(ascii: "{") else { return nil }
        let end = next(index) - 1
        var at = index + 1
        var found: Int?
        while at < end {
            if unsafe string(at, equals: key) { found = at + 1 }
            at = next(at + 1)
        }
        return found
    }
}

/// Who owns the words of a ``JSONTape``: a simdjson parser, or a copy of what the exact scanner produced.
///
/// Not `Sendable` by itself: ``JSONDocument`` never parses again after its initialiser, ``JSONLineParser`` is noncopyable.
@safe final class JSONTapeStorage {
    private let parser: OpaquePointer
    private var scannedWords: UnsafeMutableBufferPointer<UInt64>?
    private var scannedStrings: UnsafeMutableBufferPointer<UInt8>?
    private let depthLimit: Int

    init(depthLimit: Int) throws(JSONError) {
        guard let made = unsafe edic_json_parser_create(Int32(clamping: min(depthLimit, Int(Int32.max) - 1) + 1)) else {
            throw JSONError(code: .outOfMemory, message: "there is no memory for a JSON parser")
        }
        unsafe parser = made
        self.depthLimit = depthLimit
    }

    deinit {
        discardScan()
        unsafe edic_json_parser_free(parser)
    }

    private func discardScan() {
        unsafe scannedWords?.deallocate()
        unsafe scannedStrings?.deallocate()
        unsafe scannedWords = nil
        unsafe scannedStrings = nil
    }

    /// Parses `bytes`, replacing the last document.
    func parse(_ bytes: Span<UInt8>) throws(JSONError) -> JSONTape {
        discardScan()
        guard bytes.count < 0xFFFF_FFFF else {
            throw JSONError(
                code: .tooLarge, message: "a JSON document must be smaller than 4 GiB; split it or use JSONL")
        }
        let status = unsafe bytes.withUnsafeBufferPointer { unsafe edic_json_parse(parser, $0.baseAddress, $0.count) }
        if status == edic_json_parsed, let words = unsafe edic_json_tape(parser),
            let strings = unsafe edic_json_strings(parser)
        {
            return unsafe JSONTape(words: words, strings: strings)
        }
        if status == edic_json_no_memory {
            throw JSONError(code: .outOfMemory, message: "there is no memory to parse \(bytes.count) bytes of JSON")
        }
        // simdjson says no without saying where, and refuses integers over 64 bits: ask the exact scanner.
        var scanner = JSONScanner(depthLimit: depthLimit)
        try scanner.scan(bytes)
        let words = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: scanner.words.count)
        _ = unsafe words.initialize(from: scanner.words)
        let strings = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: scanner.strings.count + 1)
        _ = unsafe strings.initialize(from: scanner.strings + [0])
        unsafe scannedWords = words
        unsafe scannedStrings = strings
        guard let wordBase = words.baseAddress, let stringBase = strings.baseAddress else {
            throw JSONError(code: .empty, message: "there is no JSON value here")
        }
        return unsafe JSONTape(words: UnsafePointer(wordBase), strings: UnsafePointer(stringBase))
    }
}

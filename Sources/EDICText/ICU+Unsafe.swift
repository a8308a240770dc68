private import CEDICJSON
private import CEDICUnicode

/// What this module asks of ICU, in Swift's terms. All unsafe code for whole strings of bytes is here.
enum ICU {
    /// The version of ICU at run time, such as "72.1".
    static var version: String { unsafe String(cString: edic_icu_version()) }

    static func error(_ status: Int32, _ what: String) -> TextError {
        let name = unsafe String(cString: edic_icu_error_name(status))
        return TextError(code: .unicodeLibrary, message: "ICU cannot \(what): \(name)")
    }

    // MARK: Charsets

    static func standardCharsetName(_ alias: String) -> String? {
        guard let name = unsafe edic_charset_standard_name(alias) else { return nil }
        return unsafe String(cString: name)
    }

    static func scalars(ofSingleByteCharset name: String) -> [Unicode.Scalar?]? {
        var table = [UInt32](repeating: 0, count: 256)
        guard unsafe edic_charset_table(name, &table) != 0 else { return nil }
        return table.map { Unicode.Scalar($0) }
    }

    /// ICU's statistical guess, with a confidence from 0 to 100.
    static func detectCharset(_ bytes: Span<UInt8>) -> (name: String, confidence: Int)? {
        var name = [CChar](repeating: 0, count: 64)
        var confidence: Int32 = 0
        let found = unsafe bytes.withUnsafeBufferPointer {
            unsafe edic_detect_charset($0.baseAddress, $0.count, &name, name.count, &confidence)
        }
        guard found != 0 else { return nil }
        return (String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self), Int(confidence))
    }

    /// Converts by a table of ``SingleByteTable``; returns how many bytes went, all unless one has no character.
    static func convert(_ bytes: Span<UInt8>, by table: [UInt32], into output: inout [UInt8]) -> Int {
        unsafe bytes.withUnsafeBufferPointer { input in
            unsafe withUnsafeTemporaryAllocation(byteCount: 3 * input.count + 1, alignment: 1) { scratch in
                guard let base = scratch.baseAddress else { return 0 }
                var produced = 0
                let consumed = unsafe edic_convert_bytes(table, input.baseAddress, input.count, base, &produced)
                unsafe output.append(contentsOf: UnsafeRawBufferPointer(start: base, count: produced))
                return consumed
            }
        }
    }

    // MARK: UTF-8

    static func isWellFormedUTF8(_ bytes: Span<UInt8>) -> Bool {
        unsafe bytes.withUnsafeBufferPointer { unsafe edic_json_is_utf8($0.baseAddress, $0.count) != 0 }
    }

    // MARK: Normalisation

    static func nfcCleanEnd(_ bytes: Span<UInt8>, from start: Int) -> Int {
        unsafe bytes.withUnsafeBufferPointer { unsafe edic_nfc_clean_end($0.baseAddress, start, $0.count) }
    }

    static func nfcDirtyEnd(_ bytes: Span<UInt8>, from start: Int) -> Int {
        unsafe bytes.withUnsafeBufferPointer { unsafe edic_nfc_dirty_end($0.baseAddress, start, $0.count) }
    }

    static func isNFC(_ bytes: Span<UInt8>) -> Bool {
        var status: Int32 = 0
        let yes = unsafe bytes.withUnsafeBufferPointer { unsafe edic_is_nfc($0.baseAddress, $0.count, &status) }
        return yes != 0 && status <= 0
    }

    static func normalize(
        _ bytes: Span<UInt8>, to form: NormalizationForm, appendingTo output: inout [UInt8]
    ) throws(TextError) {
        let code: Int
        switch form {
        case .nfc: code = edic_nfc
        case .nfd: code = edic_nfd
        case .nfkc: code = edic_nfkc
        case .nfkd: code = edic_nfkd
        case .nfkcCaseFolded: code = edic_nfkc_casefold
        }
        try unsafe convert(bytes, into: &output, "normalise text") { input, room, status in
            unsafe edic_normalize(Int32(code), input.baseAddress, input.count, room.baseAddress, room.count, &status)
        }
    }

    static func lowercase(
        _ bytes: Span<UInt8>, locale: String, appendingTo output: inout [UInt8]
    ) throws(TextError) {
        try unsafe convert(bytes, into: &output, "lowercase text") { input, room, status in
            unsafe edic_lowercase(locale, input.baseAddress, input.count, room.baseAddress, room.count, &status)
        }
    }

    /// Runs an ICU conversion that says how much room it needs, at most twice, and appends what it wrote.
    private static func convert(
        _ bytes: Span<UInt8>, into output: inout [UInt8], _ what: String,
        _ call: (UnsafeBufferPointer<UInt8>, UnsafeMutableBufferPointer<UInt8>, inout Int32) -> Int
    ) throws(TextError) {
        var capacity = bytes.count + bytes.count / 4 + 64
        while true {
            var status: Int32 = 0
            var needed = 0
            let result = unsafe bytes.withUnsafeBufferPointer { input in
                unsafe [UInt8](unsafeUninitializedCapacity: capacity) { room, count in
                    needed = unsafe call(input, room, &status)
                    count = status <= 0 && needed <= capacity ? needed : 0
                }
            }
            if status > 0 { throw error(status, what) }
            if needed <= capacity {
                output.append(contentsOf: result)
                return
            }
            capacity = needed
        }
    }

    // MARK: Characters

    static func plainEnd(_ bytes: Span<UInt8>, from start: Int) -> Int {
        unsafe bytes.withUnsafeBufferPointer { unsafe edic_plain_end($0.baseAddress, start, $0.count) }
    }

    static func wordCount(_ bytes: Span<UInt8>) -> Int {
        unsafe bytes.withUnsafeBufferPointer { unsafe edic_count_words($0.baseAddress, $0.count) }
    }

    static func scriptCode(of scalar: Unicode.Scalar) -> String? { scriptCode(Int(edic_script(scalar.value))) }

    static func scriptCode(_ number: Int) -> String? {
        guard let code = unsafe edic_script_code(Int32(number)) else { return nil }
        return unsafe String(cString: code)
    }

    /// Calls `body` with ICU's number of each script that occurs, and how many letters and marks of it.
    static func forEachScript(of bytes: Span<UInt8>, _ body: (_ number: Int, _ count: Int) -> Void) {
        unsafe withUnsafeTemporaryAllocation(of: edic_script_count.self, capacity: Int(edic_script_limit)) { room in
            guard let found = room.baseAddress else { return }
            let scripts = unsafe bytes.withUnsafeBufferPointer { text in
                unsafe edic_count_scripts(text.baseAddress, text.count, found)
            }
            for index in 0..<scripts {
                let entry = unsafe found[index]
                if entry.count > 0 { body(Int(entry.script), Int(entry.count)) }
            }
        }
    }

    static func isUppercase(_ scalar: Unicode.Scalar) -> Bool {
        edic_character_class(scalar.value) & UInt8(edic_class_upper) != 0
    }

    static func isLowercase(_ scalar: Unicode.Scalar) -> Bool {
        edic_character_class(scalar.value) & UInt8(edic_class_lower) != 0
    }

    static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        edic_character_class(scalar.value) & UInt8(edic_class_letter) != 0
    }
}

/// An ICU converter for the charsets that take more than one byte a character.
@safe final class ICUConverter {
    private let handle: OpaquePointer
    private var scratch = [UInt8](repeating: 0, count: 8192)

    init(_ name: String) throws(TextError) {
        var status: Int32 = 0
        guard let made = unsafe edic_converter_open(name, &status) else {
            throw ICU.error(status, "open a converter from \(name)")
        }
        unsafe handle = made
    }

    deinit { unsafe edic_converter_close(handle) }

    struct Step {
        var consumed: Int
        /// The length of the invalid sequence that ends at `consumed`, or 0.
        var invalid: Int
        var isDone: Bool
    }

    /// Converts up to the next invalid sequence, a full buffer, or the end of the input.
    func convert(
        _ bytes: Span<UInt8>, isLast: Bool, into output: inout [UInt8]
    ) throws(TextError) -> Step {
        let handle = unsafe handle
        let result = unsafe bytes.withUnsafeBufferPointer { input in
            unsafe scratch.withUnsafeMutableBytes { room -> edic_conversion in
                guard let base = room.baseAddress else { return edic_conversion() }
                return unsafe edic_converter_to_utf8(
                    handle, input.baseAddress, input.count, isLast ? 1 : 0, base, room.count)
            }
        }
        if result.status > 0 { throw ICU.error(result.status, "convert text") }
        output.append(contentsOf: scratch[..<result.produced])
        return Step(consumed: result.consumed, invalid: result.invalid, isDone: result.done != 0)
    }
}

/// An ICU break iterator; the caller keeps the bytes in place while it steps.
@safe struct ICUSegmenter: ~Copyable {
    enum Kind { case words, sentences, graphemes }

    private let handle: OpaquePointer

    init(_ kind: Kind, locale: String) throws(TextError) {
        var status: Int32 = 0
        let code: Int
        switch kind {
        case .words: code = edic_words
        case .sentences: code = edic_sentences
        case .graphemes: code = edic_graphemes
        }
        guard let made = unsafe edic_segmenter_open(Int32(code), locale, &status) else {
            throw ICU.error(status, "open a segmenter for \(locale)")
        }
        unsafe handle = made
    }

    deinit { unsafe edic_segmenter_close(handle) }

    /// Calls `body` with the byte range of each segment, and whether it is a word, until it returns false.
    mutating func forEach(
        in bytes: Span<UInt8>, _ body: (Range<Int>, Bool) -> Bool
    ) throws(TextError) {
        guard !bytes.isEmpty else { return }
        let handle = unsafe handle
        let status = unsafe bytes.withUnsafeBufferPointer { text -> Int32 in
            guard let base = text.baseAddress else { return 0 }
            var status: Int32 = 0
            unsafe edic_segmenter_set_text(handle, base, text.count, &status)
            guard status <= 0 else { return status }
            var start = 0
            var isWord: Int32 = 0
            while case let end = unsafe Int(edic_segmenter_next(handle, &isWord)), end >= 0 {
                if !body(start..<end, isWord != 0) { break }
                start = end
            }
            return 0
        }
        if status > 0 { throw ICU.error(status, "segment text") }
    }
}

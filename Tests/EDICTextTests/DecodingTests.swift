import EDICText
import Testing
import _EDICTestSupport

private func decode(_ bytes: [UInt8], _ charset: Charset) throws -> (text: String, report: DecodingReport) {
    let (text, report) = try TextDecoder.decode(bytes.span, as: charset)
    return (String(decoding: text, as: UTF8.self), report)
}

@Suite struct CharsetTests {
    @Test(arguments: [
        ("utf8", "UTF-8"), ("Latin-2", "ISO-8859-2"), ("latin1", "ISO-8859-1"), ("CP1250", "windows-1250"),
        ("win-1257", "windows-1257"), ("koi8-r", "KOI8-R"), ("cp852", "IBM852"), ("ISO_8859-16", "ISO-8859-16"),
        ("iso8859-10", "ISO-8859-10"), ("macintosh", "macintosh"), ("MacCroatian", "x-mac-croatian"),
        ("UTF-16LE", "UTF-16LE"), ("us-ascii", "UTF-8"), ("csISOLatin2", "ISO-8859-2"), ("sjis", "Shift_JIS"),
    ])
    func knowsAliases(alias: String, name: String) { #expect(Charset(named: alias)?.name == name) }

    @Test func refusesUnknownNames() {
        for name in ["", "klingon-8", "utf-9", String(repeating: "x", count: 500), "ü"] {
            #expect(Charset(named: name) == nil)
        }
    }

    @Test func decodesAllItPromises() throws {
        for charset in Charset.all where !charset.name.hasPrefix("UTF") {
            #expect(try decode(Array("abc".utf8), charset).text == "abc", "\(charset)")
            #expect(Charset(named: charset.name) == charset)
        }
    }

    @Test func tablesThatICULacks() throws {
        #expect(try decode([0xAA, 0xBA, 0xDE, 0xFE, 0xA4], Charset(named: "ISO-8859-16")!).text == "ȘșȚț€")
        #expect(try decode([0xE6, 0xF0, 0xB9, 0xC6], Charset(named: "x-mac-croatian")!).text == "ćđšĆ")
    }
}

@Suite struct TextDecoderTests {
    @Test func decodesSingleBytes() throws {
        let (text, report) = try decode([0xB9, 0x9C, 0x9F, 0x20, 0x81, 0xA3], Charset(named: "windows-1250")!)
        #expect(text == "ąśź \u{FFFD}Ł")
        #expect(report.invalidSamples == [.init(offset: 4, length: 1)])
        #expect(report.byteCount == 6)
    }

    @Test(
        arguments: [
            ([0x61, 0xFF, 0x62], "a\u{FFFD}b", [1...1]),
            ([0xE2, 0x82, 0x41], "\u{FFFD}A", [0...1]),
            ([0xF0, 0x9F, 0x98], "\u{FFFD}", [0...2]),
            ([0xC0, 0x80], "\u{FFFD}\u{FFFD}", [0...0, 1...1]),
            ([0xED, 0xA0, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}", [0...0, 1...1, 2...2]),
            ([0xF4, 0x90, 0x80, 0x80], "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}", [0...0, 1...1, 2...2, 3...3]),
            ([0xE0, 0x80], "\u{FFFD}\u{FFFD}", [0...0, 1...1]),
            ([0xEF, 0xBB, 0xBF, 0x41, 0xEF, 0xBB, 0xBF], "A\u{FEFF}", []),
        ] as [([UInt8], String, [ClosedRange<Int>])])
    func placesBadUTF8(bytes: [UInt8], text: String, places: [ClosedRange<Int>]) throws {
        let result = try decode(bytes, .utf8)
        #expect(result.text.unicodeScalars.elementsEqual(text.unicodeScalars))
        #expect(result.report.invalidSamples == places.map { .init(offset: $0.lowerBound, length: $0.count) })
        #expect(result.report.invalidCount == places.count)
        #expect(result.report.byteCount == bytes.count)
    }

    @Test func utf16WithAndWithoutMark() throws {
        #expect(try decode([0xFF, 0xFE, 0x51, 0x01, 0x3D, 0xD8, 0x00, 0xDE], .utf16).text == "ő😀")
        #expect(try decode([0x01, 0x51], .utf16).text == "ő")
        let cut = try decode([0xFF, 0xFE, 0x41, 0x00, 0x42], .utf16LittleEndian)
        #expect(cut.text == "A\u{FFFD}")
        #expect(cut.report.endsInsideCharacter)
        #expect(cut.report.hadByteOrderMark)
        let lone = try decode([0x00, 0xDC, 0x41, 0x00, 0x3D, 0xD8, 0x42, 0x00], .utf16LittleEndian)
        #expect(lone.text == "\u{FFFD}A\u{FFFD}B")
        #expect(lone.report.invalidSamples.map(\.offset) == [0, 4])
        #expect(try decode([0, 0, 0xFE, 0xFF, 0, 1, 0xF6, 0], .utf32).text == "😀")
        #expect(try decode([0, 0, 0x11, 0, 0, 0, 0, 0x41], .utf32LittleEndian).report.invalidCount == 2)
    }

    @Test func multiByteCharsets() throws {
        let shiftJIS = try decode([0x93, 0xFA, 0x96, 0x7B, 0x81], Charset(named: "Shift_JIS")!)
        #expect(shiftJIS.text == "日本\u{FFFD}")
        #expect(shiftJIS.report.endsInsideCharacter)
        #expect(shiftJIS.report.invalidSamples == [.init(offset: 4, length: 1)])
        let gb = try decode([0xD6, 0xD0, 0xFF, 0xCE, 0xC4], Charset(named: "GB18030")!)
        #expect(gb.text == "中\u{FFFD}文")
        #expect(gb.report.invalidSamples == [.init(offset: 2, length: 1)])
    }

    /// Wherever a stream is cut, text and report are those of the whole.
    @Test(arguments: ["UTF-8", "UTF-16", "UTF-32LE", "windows-1251", "Shift_JIS", "GB18030"])
    func chunksDoNotMatter(name: String) throws {
        let charset = try #require(Charset(named: name))
        var random = SeededGenerator(seed: 5)
        for round in 0..<60 {
            var bytes: [UInt8] = round % 2 == 0 ? [0xEF, 0xBB, 0xBF] : [0xFF, 0xFE]
            for _ in 0..<80 {
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes.append(UInt8.random(in: 0...255, using: &random))
                case 1: bytes += Array("é€😀ж".utf8)
                case 2: bytes += [0x93, 0xFA, 0x3D, 0xD8, 0x00, 0xDE]
                default: bytes += [0x41, 0x00, 0x42]
                }
            }
            let whole = try TextDecoder.decode(bytes.span, as: charset, sampleLimit: 1000)
            var decoder = try TextDecoder(charset, sampleLimit: 1000)
            var text: [UInt8] = []
            var at = 0
            while at < bytes.count {
                let end = min(bytes.count, at + Int.random(in: 1...7, using: &random))
                try decoder.decode(bytes.span.extracting(at..<end), into: &text)
                at = end
            }
            try decoder.finish(into: &text)
            #expect(text == whole.text)
            // ICU reads bytes of a broken four-byte character again, and then the place is off by up to three.
            if name == "GB18030" {
                #expect(decoder.report.invalidCount == whole.report.invalidCount)
            } else {
                #expect(decoder.report == whole.report)
            }
            let isWellFormed = UTF8Validation.isWellFormed(text.span)
            #expect(isWellFormed)
            if name == "UTF-8" {
                let mark = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
                #expect(String(decoding: text, as: UTF8.self) == String(decoding: bytes[mark...], as: UTF8.self))
            }
        }
    }
}

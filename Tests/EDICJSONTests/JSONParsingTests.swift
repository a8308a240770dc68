import EDICJSON
import Testing
import _EDICTestSupport

private func parse(_ text: String, depthLimit: Int = 512) throws(JSONError) -> JSONValue {
    try JSONValue(parsing: Array(text.utf8).span, depthLimit: depthLimit)
}

@Suite struct JSONParsingTests {
    @Test func readsEveryKind() throws {
        let value = try parse(#" {"a":[1,-2,3.5,true,false,null,"x\n\u00e9\ud83d\ude00"],"b":{}} "#)
        #expect(value == ["a": [1, -2, 3.5, true, false, nil, "x\né😀"], "b": [:]])
        #expect(value["a"]?[1]?.int == -2)
        #expect(value["a"]?[2]?.double == 3.5)
        #expect(value["a"]?[7] == nil)
    }

    @Test func keepsIntegersExact() throws {
        #expect(try parse("9223372036854775807") == .integer(.max))
        #expect(try parse("-9223372036854775808") == .integer(.min))
        #expect(try parse("9223372036854775808") == .unsigned(9_223_372_036_854_775_808))
        #expect(try parse("18446744073709551615") == .unsigned(.max))
    }

    @Test func roundsIntegersBeyond64Bits() throws {
        #expect(try parse("18446744073709551616") == .double(18_446_744_073_709_551_616))
        #expect(try parse("-9223372036854775809") == .double(-9_223_372_036_854_775_808))
        let config = try parse(#"{"model_max_length": 1000000000000000019884624838656, "n": [1, {"k": "v"}]}"#)
        #expect(config["model_max_length"]?.double == 1e30)
        #expect(config["n"] == [1, ["k": "v"]])
    }

    @Test(arguments: [0, 9]) func keysThatLookAlikeAreTwo(_ others: Int) throws {
        var text = (0..<others).map { "\"\($0)\": 0," }.joined()
        text = "{\(text) \"caf\u{E9}\": 1, \"cafe\u{301}\": 2}"
        let value = try JSONValue(parsing: text)
        #expect(value.object?.count == others + 2)
        #expect(value["caf\u{E9}"] == 1 && value["cafe\u{301}"] == 2)
    }

    @Test func lastOfDuplicateKeysCounts() throws {
        let text = #"{"a":1,"b":2,"a":3}"#
        #expect(try parse(text) == ["a": 3, "b": 2])
        #expect(try parse(text).object?.keys == ["a", "b"])
        let document = try JSONDocument(parsing: Array(text.utf8).span)
        #expect(document.root["a"]?.int == 3)
    }

    @Test(arguments: [
        ("", JSONError.Code.empty, 0), (" \n", .empty, 2), ("[1,2", .syntax, 4), ("[1,]", .syntax, 3),
        ("{\"a\" 1}", .syntax, 5), ("{a:1}", .syntax, 1), ("[1] x", .syntax, 4), ("01", .syntax, 0),
        ("-", .syntax, 1), ("1.e3", .syntax, 2), ("tru", .syntax, 0), ("\"a", .syntax, 0), ("\"a\nb\"", .syntax, 2),
        (#""\x""#, .syntax, 1), (#""\u12g4""#, .syntax, 5), (#""ab\ud800""#, .loneSurrogate, 3),
        (#""\udc00""#, .loneSurrogate, 1), (#""\\ud83d\ude00""#, .loneSurrogate, 8),
        (#""\ud800\ud800""#, .loneSurrogate, 1), ("[1e400]", .numberOutOfRange, 1), ("[[[[1]]]]", .tooDeep, 3),
        ("{}}", .syntax, 2), ("[}", .syntax, 1), ("{,}", .syntax, 1), ("[,1]", .syntax, 1), ("\u{FEFF}1", .syntax, 0),
    ])
    func namesTheByteOfTheError(text: String, code: JSONError.Code, offset: Int) {
        let error = #expect(throws: JSONError.self) { try parse(text, depthLimit: 3) }
        #expect(error?.code == code, "\(text): \(String(describing: error))")
        #expect(error?.byteOffset == offset, "\(text): \(String(describing: error))")
    }

    @Test func refusesBytesThatAreNotUTF8() {
        for bad: [UInt8] in [
            [0xFF], [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82],
        ] {
            let bytes: [UInt8] = [0x22, 0x61] + bad + [0x22]
            let error = #expect(throws: JSONError.self) { try JSONValue(parsing: bytes.span) }
            #expect(error?.code == .invalidUTF8)
            #expect(error?.byteOffset == 2)
        }
    }

    @Test func survivesAbsurdDepth() {
        for open in ["[", "{\"a\":"] {
            let error = #expect(throws: JSONError.self) { try parse(String(repeating: open, count: 100_000)) }
            #expect(error?.code == .tooDeep)
        }
        #expect(throws: Never.self) {
            try parse(String(repeating: "[", count: 512) + String(repeating: "]", count: 512))
        }
    }

    @Test func mutationsNeverCrashAndAgreeWithTheirSerialization() throws {
        let seed = Array(#"{"k":[1,2.5e3,-7,"\u00e9\ud83d\ude00ß",{"t":true,"n":null}],"z":"\\\"x"}"#.utf8)
        var random = SeededGenerator(seed: 7)
        var parsed = 0
        for _ in 0..<4000 {
            var bytes = seed
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: at)
                default: bytes.insert(seed[Int.random(in: 0..<seed.count, using: &random)], at: at)
                }
            }
            guard let value = try? JSONValue(parsing: bytes.span) else { continue }
            parsed += 1
            #expect(try JSONValue(parsing: value.serialized().span) == value)
        }
        #expect(parsed > 100)
    }
}

@Suite struct JSONDocumentTests {
    @Test func walksWithoutATree() throws {
        var text = "{\"vocab\":{"
        text += (0..<1000).map { "\"t\($0)\":\($0)" }.joined(separator: ",")
        text += "},\"merges\":[\"a b\",\"c d\"]}"
        let document = try JSONDocument(parsing: Array(text.utf8).span)
        let vocab = try #require(document.root["vocab"])
        #expect(vocab.count == 1000)
        var sum = 0
        vocab.forEachMember { key, value in
            #expect(key[0] == UInt8(ascii: "t"))
            sum += value.int ?? 0
        }
        #expect(sum == 499_500)
        #expect(document.root["merges"]?.elements.compactMap(\.string) == ["a b", "c d"])
        #expect(document.root["merges"]?.elements.last?.withUTF8 { $0.count } == 3)
        #expect(document.root.members.map(\.key) == ["vocab", "merges"])
        #expect(document.root["absent"] == nil)
        #expect(document.root.value["vocab"]?["t999"]?.int == 999)
    }

    @Test func lineParserReusesItself() throws {
        var parser = try JSONLineParser()
        for i in 0..<50 {
            let text = String(repeating: "ä\\n", count: i * i)
            try parser.parse(Array("{\"id\":\"d\(i)\",\"text\":\"\(text)\",\"meta\":{\"n\":\(i)}}\n".utf8).span)
            #expect(parser.string("id") == "d\(i)")
            #expect(parser.withString("text") { $0.count } == 3 * i * i)
            #expect(parser.value("meta") == ["n": .integer(Int64(i))])
            #expect(parser.withString("meta") { $0.count } == nil)
        }
        #expect(throws: JSONError.self) { try parser.parse(Array("{\"id\":".utf8).span) }
        #expect(parser.string("id") == nil)
        #expect(parser.value == nil)
    }
}

@Suite struct JSONWriterTests {
    @Test func writesCompactAndIndented() {
        let value: JSONValue = ["b": [1, 2.0, "x"], "a": [:], "c": [], "ä": nil]
        #expect(value.description == #"{"b":[1,2.0,"x"],"a":{},"c":[],"ä":null}"#)
        #expect(
            String(decoding: value.serialized(layout: .indented, sortsKeys: true), as: UTF8.self) == """
                {
                  "a": {},
                  "b": [
                    1,
                    2.0,
                    "x"
                  ],
                  "c": [],
                  "ä": null
                }
                """)
    }

    @Test func writesLines() {
        var writer = JSONWriter()
        for i in 0..<2 {
            writer.beginObject()
            writer.member("id", i)
            writer.member("ok", true)
            writer.member("x", Double.nan)
            writer.endObject()
            writer.endLine()
        }
        #expect(
            String(decoding: writer.bytes, as: UTF8.self) == """
                {"id":0,"ok":true,"x":null}
                {"id":1,"ok":true,"x":null}

                """)
        writer.removeAll()
        writer.value(Int64.min)
        #expect(String(decoding: writer.bytes, as: UTF8.self) == "-9223372036854775808")
    }

    /// A float is written with its own digits, not with those of its double.
    @Test func writesFloatsAsShortAsTheyAre() {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("a", Float(0.1))
        writer.member("b", Float(16_777_216))
        writer.key("c")
        writer.value(-Float.infinity)
        writer.endObject()
        #expect(String(decoding: writer.bytes, as: UTF8.self) == #"{"a":0.1,"b":16777216.0,"c":null}"#)
    }

    @Test func escapesAtEveryPlaceOfAWord() throws {
        for special: UInt8 in [0, 0x1F, 0x0A, 0x22, 0x5C] {
            for place in 0..<20 {
                var bytes = [UInt8](repeating: 0x7F, count: 20)
                bytes[place] = special
                var writer = JSONWriter()
                writer.value(utf8: bytes.span)
                #expect(try JSONValue(parsing: writer.bytes.span).string.map { Array($0.utf8) } == bytes)
            }
        }
    }

    @Test func repairsWhatIsNotUTF8() {
        var writer = JSONWriter()
        writer.value(utf8: ([0x61, 0xFF, 0x62] as [UInt8]).span)
        #expect(String(decoding: writer.bytes, as: UTF8.self) == "\"a\u{FFFD}b\"")
    }

    @Test func doublesReadBackToTheSameBits() throws {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<2000 {
            let value = Double(bitPattern: random.next())
            guard value.isFinite else { continue }
            let back = try JSONValue(parsing: JSONValue.double(value).serialized().span).double
            #expect(back?.bitPattern == value.bitPattern)
        }
        #expect(JSONValue.double(-0.0).description == "-0.0")
        #expect(JSONValue.double(1e21).description == "1e+21")
    }
}

import Testing

@testable import EDICText

@Suite struct OneLine {
    @Test func whatATerminalObeysIsReplaced() {
        #expect("Ein Weg – дорога, \u{200D}طريق".onOneLine == "Ein Weg – дорога, \u{200D}طريق")
        #expect("a\tb\r\nc\u{B}\u{C}\u{85}\u{2028}d\u{2029}e".onOneLine == "a b  c   \u{20}d e")
        #expect("\u{1B}]0;x\u{7}\u{9B}31m\u{0}\u{7F}".onOneLine == "\u{FFFD}]0;x\u{FFFD}\u{FFFD}31m\u{FFFD}\u{FFFD}")
        #expect("\u{202E}gpj\u{2066}".onOneLine == "\u{FFFD}gpj\u{FFFD}")
        for value in Array(0..<0x20) + Array(0x7F..<0xA0) {
            let shown = Unicode.Scalar(UInt8(value)).description.onOneLine.unicodeScalars
            #expect(shown.count == 1 && shown.allSatisfy { $0 == " " || $0 == "\u{FFFD}" }, "\(value)")
        }
    }

    @Test func cutsAreBetweenScalars() {
        #expect(
            "äöü".onOneLine(bytes: 5) == "äö" && "äöü".onOneLine(bytes: 6) == "äöü" && "a".onOneLine(bytes: 0) == "")
        #expect("\u{1B}a".onOneLine(bytes: 3) == "\u{FFFD}")
    }
}

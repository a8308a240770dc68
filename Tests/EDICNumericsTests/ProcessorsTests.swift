import Testing

@testable import EDICNumerics

@Suite struct ProcessorsTests {
    @Test(arguments: [
        ("max 100000\n", nil), ("200000 100000\n", 2), ("150000 100000", 2), ("1000 100000", 1), ("-1\n 100000\n", nil),
        ("", nil), ("0 100000", nil), ("5 0", nil), ("many few", nil), ("100000 100000 100000", nil),
    ])
    func quotasAreRoundedUp(text: String, expected: Int?) {
        #expect(Processors.parseQuota(text) == expected)
    }
}

import Testing
import _EDICTestSupport

@testable import EDICTokenizers

@Suite struct CharacterSymbolsTests {
    /// The table holds what a dictionary holds, at the borders of its pages too.
    @Test func charactersKeepTheirSymbols() {
        var generator = SeededGenerator(seed: 17)
        var table = CharacterSymbols()
        var expected: [UInt32: UInt32] = [:]
        let scalars =
            [0, 63, 64, 0xFFFF, 0x1_0000, 0x10_FFC0, 0x10_FFFF]
            + (0..<3000).map { _ in UInt32.random(in: 0..<0x3000, using: &generator) }
            + (0..<200).map { _ in UInt32.random(in: 0...0x10_FFFF, using: &generator) }
        for (symbol, scalar) in scalars.enumerated() {
            #expect(table[scalar] == expected[scalar])
            table[scalar] = UInt32(symbol)
            expected[scalar] = UInt32(symbol)
        }
        table[64] = nil
        expected[64] = nil
        #expect(table[64] == nil && table[65] == expected[65])
        #expect(scalars.allSatisfy { table[$0] == expected[$0] })
        #expect(Dictionary(uniqueKeysWithValues: table.all.map { ($0.scalar, $0.symbol) }) == expected)
    }
}

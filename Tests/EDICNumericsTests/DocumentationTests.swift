import EDICNumerics
import Testing

@Suite struct DocumentationTests {
    @Test func theExampleOfTheOverview() throws {
        let values: [Float] = [1, 2, 3, 4, 5, 6]
        let layer = try WeightMatrix(rows: 2, columns: 3, quantizing: values.span)
        var input = ProductInput()
        let x: [Float] = [1, 0, -1]
        input.load(x.span, rows: 1, for: [layer])
        var y = AlignedBuffer<Float>(count: 2)
        var out = y.mutableSpan
        layer.multiply(input, into: &out, bias: [10, 20].span)
        #expect(abs(y[0] - 8) < 0.05 && abs(y[1] - 18) < 0.05)
    }
}

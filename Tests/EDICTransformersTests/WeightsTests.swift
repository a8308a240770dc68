import EDICNumerics
import Synchronization
import Testing

@testable import EDICTransformers

/// What matrices take in memory.
@Suite struct WeightsTests {
    private static func tensor(_ type: ElementType, _ bytes: [UInt8]) -> Tensor {
        Tensor(name: "w", type: type, shape: [48, 32], storage: .owned(bytes), file: "test")
    }

    @Test(arguments: [ElementType.float16, .bfloat16, .float32])
    func turnedMatricesStayInTheirFormat(type: ElementType) throws {
        let size = type == .float32 ? 4 : 2
        // Exponents that are not all ones, so that all are numbers.
        let bytes = (0..<48 * 32 * size).map { UInt8(truncatingIfNeeded: $0 * 37) & 0x3F }
        let turned = try Weights(
            Self.tensor(type, bytes), outputs: 32, inputs: 48, transposed: true,
            precision: .asPublished)
        #expect(turned.matrix.byteCount == bytes.count)
        let plain = try Self.tensor(type, bytes).floats()
        let expected = (0..<32).flatMap { output in (0..<48).map { plain[$0 * 32 + output] } }
        #expect(turned.matrix.dequantized() == expected)
        let floats = try Weights(
            Self.tensor(type, bytes), outputs: 32, inputs: 48, transposed: true,
            precision: .float32)
        #expect(floats.matrix.format == .f32 && floats.matrix.dequantized() == expected)
    }

    @Test func unpackedBytesAreLetGo() throws {
        let bytes = [UInt8](repeating: 1, count: 48 * 32 * 64)
        let times = Mutex(0)
        let unpacked = Tensor.Unpacked(bytes) {
            times.withLock { $0 += 1 }
            return bytes
        }
        let tensor = Tensor(
            name: "w", type: .float16, shape: [1024, 48], storage: .unpacked(unpacked, 0..<bytes.count), file: "test")
        let first = try Weights(tensor, outputs: 48, inputs: 1024, transposed: true, precision: .asPublished)
        #expect(times.withLock(\.self) == 0)
        let second = try Weights(tensor, outputs: 48, inputs: 1024, transposed: true, precision: .asPublished)
        #expect(times.withLock(\.self) == 1 && first.matrix.dequantized() == second.matrix.dequantized())
    }
}

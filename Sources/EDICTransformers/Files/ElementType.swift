/// How the numbers of a tensor are stored.
public enum ElementType: Sendable, Hashable, CustomStringConvertible {
    case float64, float32, float16, bfloat16
    case int8, uint8, int16, int32, int64
    /// GGML's blocks of 32 with one scale (and, for `_1`, one minimum).
    // swift-format-ignore: AlwaysUseLowerCamelCase
    case q4_0, q4_1, q5_0, q5_1, q8_0
    /// GGML's super-blocks of 256 with quantised scales.
    // swift-format-ignore: AlwaysUseLowerCamelCase
    case q4_K, q5_K, q6_K
    /// Marian's int8: the transposed matrix followed by one float multiplier, independent of the machine.
    case intgemm8
    /// A type this library does not compute with, by the name or number its file gives it.
    case other(String)

    /// Elements in one indivisible block; 1 for plain types.
    public var elementsPerBlock: Int {
        switch self {
        case .q4_0, .q4_1, .q5_0, .q5_1, .q8_0: 32
        case .q4_K, .q5_K, .q6_K: 256
        default: 1
        }
    }

    /// Bytes of one block; nil for unknown types.
    public var bytesPerBlock: Int? {
        switch self {
        case .float64, .int64: 8
        case .float32, .int32: 4
        case .float16, .bfloat16, .int16: 2
        case .int8, .uint8, .intgemm8: 1
        case .q4_0: 18
        case .q4_1: 20
        case .q5_0: 22
        case .q5_1: 24
        case .q8_0: 34
        case .q4_K: 144
        case .q5_K: 176
        case .q6_K: 210
        case .other: nil
        }
    }

    public var description: String {
        switch self {
        case .float64: "F64"
        case .float32: "F32"
        case .float16: "F16"
        case .bfloat16: "BF16"
        case .int8: "I8"
        case .uint8: "U8"
        case .int16: "I16"
        case .int32: "I32"
        case .int64: "I64"
        case .q4_0: "Q4_0"
        case .q4_1: "Q4_1"
        case .q5_0: "Q5_0"
        case .q5_1: "Q5_1"
        case .q8_0: "Q8_0"
        case .q4_K: "Q4_K"
        case .q5_K: "Q5_K"
        case .q6_K: "Q6_K"
        case .intgemm8: "intgemm8"
        case .other(let name): name
        }
    }

    /// The type of a safetensors `dtype`.
    init(safetensors name: String) {
        self =
            switch name {
            case "F64": .float64
            case "F32": .float32
            case "F16": .float16
            case "BF16": .bfloat16
            case "I8": .int8
            case "U8", "BOOL": .uint8
            case "I16": .int16
            case "I32": .int32
            case "I64": .int64
            default: .other(name)
            }
    }

    /// The type of a GGML type number.
    init(ggml number: UInt32) {
        self =
            switch number {
            case 0: .float32
            case 1: .float16
            case 2: .q4_0
            case 3: .q4_1
            case 6: .q5_0
            case 7: .q5_1
            case 8: .q8_0
            case 12: .q4_K
            case 13: .q5_K
            case 14: .q6_K
            case 24: .int8
            case 25: .int16
            case 26: .int32
            case 27: .int64
            case 28: .float64
            case 30: .bfloat16
            default: .other(Self.otherGGMLTypes[number] ?? "GGML type \(number)")
            }
    }

    private static let otherGGMLTypes: [UInt32: String] = [
        9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S",
        20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 29: "IQ1_M", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
    ]

    /// The type of a Marian type code: a class (signed 0x100, unsigned 0x200, float 0x400, intgemm 0x4000) and a size.
    init(marian code: UInt64) {
        self =
            switch code {
            case 0x101: .int8
            case 0x102: .int16
            case 0x104: .int32
            case 0x108: .int64
            case 0x201: .uint8
            case 0x402: .float16
            case 0x404: .float32
            case 0x408: .float64
            case 0x4101: .intgemm8
            default: .other("Marian type 0x" + String(code, radix: 16))
            }
    }
}

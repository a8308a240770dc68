internal import Glibc

/// Loops over plain arrays of numbers. Each output depends on its own row alone, in a fixed order of additions.
enum Elementwise {
    static func add(_ other: [Float], to values: inout [Float]) {
        for index in values.indices { values[index] += other[index] }
    }

    static func scale(_ values: inout [Float], by factor: Float) {
        for index in values.indices { values[index] *= factor }
    }
}

/// The nonlinearity of a feed-forward block.
enum Activation: Sendable, Hashable {
    case relu
    /// x·sigmoid(x), also called swish.
    case silu
    /// Gaussian error linear unit with the error function.
    case gelu
    /// The tanh approximation of GELU, `gelu_new` in GPT-2.
    case geluTanh

    /// The activation of a `hidden_act` in a configuration.
    init(named name: String, source: String) throws(ModelError) {
        switch name {
        case "relu": self = .relu
        case "silu", "swish": self = .silu
        case "gelu": self = .gelu
        case "gelu_new", "gelu_fast", "gelu_pytorch_tanh": self = .geluTanh
        default:
            throw ModelError(.unsupported, "\(source): the activation \(name) is not known; relu, silu and gelu are")
        }
    }

    func apply(to values: inout [Float]) {
        switch self {
        case .relu:
            for index in values.indices { values[index] = max(values[index], 0) }
        case .silu:
            for index in values.indices { values[index] /= 1 + expf(-values[index]) }
        case .gelu:
            for index in values.indices { values[index] *= 0.5 * (1 + erff(values[index] * 0.707_106_77)) }
        case .geluTanh:
            for index in values.indices {
                let x = values[index]
                values[index] = 0.5 * x * (1 + tanhf(0.797_884_56 * (x + 0.044715 * x * x * x)))
            }
        }
    }
}

/// 1 / (1 + e⁻ˣ).
func sigmoid(_ x: Float) -> Float { 1 / (1 + expf(-x)) }

internal import EDICNumerics

extension Matrix {
    /// Adds another matrix of the same shape.
    mutating func add(_ other: Matrix, on compute: Compute) {
        var all = values.mutableSpan
        compute.kernels.add(other.values.span, to: &all, pool: compute.pool)
    }

    mutating func scale(by factor: Float, on compute: Compute) {
        var all = values.mutableSpan
        compute.kernels.scale(&all, by: factor)
    }

    mutating func apply(_ activation: Activation, on compute: Compute) {
        var all = values.mutableSpan
        compute.kernels.apply(activation, to: &all, pool: compute.pool)
    }

    /// silu(this) · up, number by number.
    mutating func gate(with up: Matrix, on compute: Compute) {
        var all = values.mutableSpan
        compute.kernels.siluGate(&all, up: up.values.span, pool: compute.pool)
    }
}

extension Activation {
    /// The activation of a `hidden_act` in a configuration.
    init(named name: String, source: String) throws(ModelError) {
        switch name {
        case "relu": self = .relu
        case "silu", "swish": self = .silu
        case "gelu": self = .geluErf
        case "gelu_new", "gelu_fast", "gelu_pytorch_tanh": self = .geluTanh
        default:
            throw ModelError(.unsupported, "\(source): the activation \(name) is not known; relu, silu and gelu are")
        }
    }
}

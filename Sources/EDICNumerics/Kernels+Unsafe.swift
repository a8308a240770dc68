internal import CEDICKernels
internal import Glibc

/// Functions of rows of floats, computed with one instruction set.
///
/// A "row" is a run of numbers that belong together: one token's hidden state, one query's scores. Functions that take
/// several rows take them one after the other in one span, and the length of a row from a parameter or from the span of
/// gains. A row's result depends on that row alone, so it is the same to the last bit in any batch.
///
/// Unchecked: the table of functions is a constant.
@safe public struct Kernels: @unchecked Sendable {
    /// The instruction set in use.
    public let instructionSet: InstructionSet

    let table: UnsafePointer<ek_kernels>

    /// Kernels of the instruction set that `EDIC_ISA` names, or else of the best one this machine has.
    public static let standard = Kernels(.standard)

    /// Kernels of `instructionSet`, which must be one of ``InstructionSet/available``.
    public init(_ instructionSet: InstructionSet) {
        precondition(
            InstructionSet.available.contains(instructionSet), "this machine has no \(instructionSet.rawValue)")
        self.instructionSet = instructionSet
        unsafe table = ek_kernels_for(instructionSet.c)
    }

    /// Whether activations of 8 bits are of use: elsewhere words cost no more.
    var multipliesBytes: Bool { unsafe table.pointee.narrow_limit > 0 }

    // MARK: Normalisation

    /// Rows of `gain.count` numbers, each shifted to mean 0 and scaled to variance 1, times `gain`, plus `bias`
    /// (Ba, Kiros and Hinton 2016).
    public func layerNorm(
        _ x: Span<Float>, gain: Span<Float>, bias: Span<Float>?, epsilon: Float, into out: inout MutableSpan<Float>,
        pool: WorkerPool? = nil
    ) {
        let n = gain.count
        precondition(out.count == x.count && (bias?.count ?? n) == n, "shapes differ")
        unsafe forRows(x, of: n, into: &out, pool) { x, out in
            unsafe gain.withUnsafeBufferPointer { gain in
                guard let gain = gain.baseAddress else { return }
                guard let bias else { return unsafe table.pointee.layer_norm(x, gain, nil, epsilon, out, n) }
                unsafe bias.withUnsafeBufferPointer { bias in
                    unsafe table.pointee.layer_norm(x, gain, bias.baseAddress, epsilon, out, n)
                }
            }
        }
    }

    /// The same in place.
    public func layerNorm(
        _ x: inout MutableSpan<Float>, gain: Span<Float>, bias: Span<Float>?, epsilon: Float, pool: WorkerPool? = nil
    ) {
        let n = gain.count
        precondition((bias?.count ?? n) == n, "shapes differ")
        unsafe forRows(&x, of: n, pool) { x in
            unsafe gain.withUnsafeBufferPointer { gain in
                guard let gain = gain.baseAddress else { return }
                guard let bias else { return unsafe table.pointee.layer_norm(x, gain, nil, epsilon, x, n) }
                unsafe bias.withUnsafeBufferPointer { bias in
                    unsafe table.pointee.layer_norm(x, gain, bias.baseAddress, epsilon, x, n)
                }
            }
        }
    }

    /// Rows of `gain.count` numbers, each divided by its root mean square, times `gain` (Zhang and Sennrich 2019).
    public func rmsNorm(
        _ x: Span<Float>, gain: Span<Float>, epsilon: Float, into out: inout MutableSpan<Float>, pool: WorkerPool? = nil
    ) {
        let n = gain.count
        precondition(out.count == x.count, "shapes differ")
        unsafe forRows(x, of: n, into: &out, pool) { x, out in
            unsafe gain.withUnsafeBufferPointer { gain in
                guard let gain = gain.baseAddress else { return }
                unsafe table.pointee.rms_norm(x, gain, epsilon, out, n)
            }
        }
    }

    /// The same in place.
    public func rmsNorm(
        _ x: inout MutableSpan<Float>, gain: Span<Float>, epsilon: Float, pool: WorkerPool? = nil
    ) {
        let n = gain.count
        unsafe forRows(&x, of: n, pool) { x in
            unsafe gain.withUnsafeBufferPointer { gain in
                guard let gain = gain.baseAddress else { return }
                unsafe table.pointee.rms_norm(x, gain, epsilon, x, n)
            }
        }
    }

    /// Rows of `count` numbers, each replaced by its softmax. Minus infinity becomes exactly 0.
    public func softmax(_ x: inout MutableSpan<Float>, rowsOf count: Int) {
        precondition(count > 0 && x.count % count == 0, "\(x.count) numbers are not rows of \(count)")
        unsafe x.withUnsafeMutableBufferPointer { x in
            guard let start = x.baseAddress else { return }
            for row in stride(from: 0, to: x.count, by: count) { unsafe table.pointee.softmax(start + row, count) }
        }
    }

    /// log Σ exp(x), without overflow.
    public func logSumExp(_ x: Span<Float>) -> Float {
        unsafe x.withUnsafeBufferPointer { x in
            guard let start = x.baseAddress else { return -.infinity }
            let most = unsafe table.pointee.maximum(start, x.count)
            guard most.isFinite else { return most }
            return unsafe most + logf(table.pointee.sum_of_exp(start, most, x.count))
        }
    }

    // MARK: Element by element

    /// x += y
    public func add(_ y: Span<Float>, to x: inout MutableSpan<Float>, pool: WorkerPool? = nil) {
        unsafe combine(&x, y, pool) { x, y, n in unsafe table.pointee.add(x, y, n) }
    }

    /// x *= y
    public func multiply(_ x: inout MutableSpan<Float>, by y: Span<Float>) {
        unsafe combine(&x, y) { x, y, n in unsafe table.pointee.multiply(x, y, n) }
    }

    /// x *= factor
    public func scale(_ x: inout MutableSpan<Float>, by factor: Float) {
        unsafe change(&x) { x, n in unsafe table.pointee.scale(x, factor, n) }
    }

    /// gate = silu(gate) · up, as in SwiGLU layers.
    public func siluGate(_ gate: inout MutableSpan<Float>, up: Span<Float>, pool: WorkerPool? = nil) {
        unsafe combine(&gate, up, pool) { x, y, n in unsafe table.pointee.silu_gate(x, y, n) }
    }

    /// The same where `up` follows the gates in one run of memory; the result stands in place of the gates.
    public func siluGate(halvesOf both: inout MutableSpan<Float>) {
        precondition(both.count % 2 == 0, "as many gates as numbers are expected")
        let count = both.count / 2
        unsafe both.withUnsafeMutableBufferPointer { both in
            guard let start = both.baseAddress else { return }
            unsafe table.pointee.silu_gate(start, start + count, count)
        }
    }

    /// Replaces each number by a function of it.
    public func apply(_ activation: Activation, to x: inout MutableSpan<Float>, pool: WorkerPool? = nil) {
        unsafe change(&x, pool) { x, n in
            switch activation {
            case .identity: break
            case .relu: unsafe table.pointee.relu(x, n)
            case .silu: unsafe table.pointee.silu(x, n)
            case .geluTanh: unsafe table.pointee.gelu_tanh(x, n)
            case .geluErf: unsafe table.pointee.gelu_erf(x, n)
            case .geluSigmoid:
                unsafe table.pointee.scale(x, 1.702, n)
                unsafe table.pointee.silu(x, n)
                unsafe table.pointee.scale(x, 1 / 1.702, n)
            case .tanh: unsafe table.pointee.tanh(x, n)
            case .sigmoid: unsafe table.pointee.sigmoid(x, n)
            case .xielu(let positive, let negative, let beta, let epsilon):
                unsafe table.pointee.xielu(x, n, positive, negative, beta, epsilon)
            }
        }
    }

    /// Rotary position embedding of tokens' heads, in place (Su et al. 2021).
    ///
    /// - Parameters:
    ///   - x: `rows` tokens, each of some heads of `headSize` numbers, one after the other; only the first numbers of a
    ///     head, twice as many as a token has angles, are rotated.
    ///   - cosines: of the tokens' angles, one for each pair, token after token; `sines` likewise.
    ///   - interleaved: pairs are (2i, 2i + 1), as in GGUF files of Llama models; otherwise (i, i + pairs).
    public func rotate(
        _ x: inout MutableSpan<Float>, rows: Int = 1, headSize: Int, cosines: Span<Float>, sines: Span<Float>,
        interleaved: Bool, pool: WorkerPool? = nil
    ) {
        guard rows > 0 else { return }
        let (half, width) = (cosines.count / rows, x.count / rows)
        precondition(
            headSize > 0 && width % headSize == 0 && width * rows == x.count,
            "\(x.count) numbers are not \(rows) rows of heads of \(headSize)")
        precondition(
            cosines.count == rows * half && sines.count == cosines.count && 2 * half <= headSize,
            "\(cosines.count) angles do not fit \(rows) rows of heads of \(headSize)")
        unsafe x.withUnsafeMutableBufferPointer { x in
            guard let x = x.baseAddress else { return }
            unsafe cosines.withUnsafeBufferPointer { cosines in
                unsafe sines.withUnsafeBufferPointer { sines in
                    guard let cosines = cosines.baseAddress, let sines = sines.baseAddress else { return }
                    Self.inParts(rows, of: width, pool) { row in
                        unsafe table.pointee.rotate(
                            x + row * width, width / headSize, headSize, half, cosines + row * half,
                            sines + row * half, interleaved ? 1 : 0)
                    }
                }
            }
        }
    }

    // MARK: Reductions

    /// Σ x · y
    public func dot(_ x: Span<Float>, _ y: Span<Float>) -> Float {
        precondition(x.count == y.count, "\(x.count) and \(y.count) numbers")
        return unsafe x.withUnsafeBufferPointer { x in
            unsafe y.withUnsafeBufferPointer { y in
                guard let a = x.baseAddress, let b = y.baseAddress else { return 0 }
                return unsafe table.pointee.dot(a, b, x.count)
            }
        }
    }

    /// The largest number, or minus infinity for none.
    public func maximum(_ x: Span<Float>) -> Float {
        unsafe x.withUnsafeBufferPointer { x in
            guard let start = x.baseAddress else { return -.infinity }
            return unsafe table.pointee.maximum(start, x.count)
        }
    }

    /// The first index of the largest number; 0 for none.
    public func argmax(_ x: Span<Float>) -> Int {
        unsafe x.withUnsafeBufferPointer { x in
            guard let start = x.baseAddress else { return 0 }
            return unsafe table.pointee.argmax(start, x.count)
        }
    }

    // MARK: Pointers

    private func change(
        _ x: inout MutableSpan<Float>, _ pool: WorkerPool? = nil, _ body: (UnsafeMutablePointer<Float>, Int) -> Void
    ) {
        unsafe x.withUnsafeMutableBufferPointer { x in
            guard let start = x.baseAddress else { return }
            let (count, part) = (x.count, 1 << 12)
            Self.inParts((count + part - 1) / part, of: part, pool) { index in
                unsafe body(start + index * part, min(part, count - index * part))
            }
        }
    }

    private func combine(
        _ x: inout MutableSpan<Float>, _ y: Span<Float>, _ pool: WorkerPool? = nil,
        _ body: (UnsafeMutablePointer<Float>, UnsafePointer<Float>, Int) -> Void
    ) {
        precondition(x.count == y.count, "\(x.count) and \(y.count) numbers")
        unsafe x.withUnsafeMutableBufferPointer { x in
            unsafe y.withUnsafeBufferPointer { y in
                guard let start = x.baseAddress, let other = y.baseAddress else { return }
                let (count, part) = (x.count, 1 << 12)
                Self.inParts((count + part - 1) / part, of: part, pool) { index in
                    unsafe body(start + index * part, other + index * part, min(part, count - index * part))
                }
            }
        }
    }

    private func forRows(
        _ x: Span<Float>, of n: Int, into out: inout MutableSpan<Float>, _ pool: WorkerPool?,
        _ body: (UnsafePointer<Float>, UnsafeMutablePointer<Float>) -> Void
    ) {
        precondition(n > 0 && x.count % n == 0, "\(x.count) numbers are not rows of \(n)")
        unsafe x.withUnsafeBufferPointer { x in
            unsafe out.withUnsafeMutableBufferPointer { out in
                guard let source = x.baseAddress, let target = out.baseAddress else { return }
                Self.inParts(x.count / n, of: n, pool) { row in unsafe body(source + row * n, target + row * n) }
            }
        }
    }

    private func forRows(
        _ x: inout MutableSpan<Float>, of n: Int, _ pool: WorkerPool?, _ body: (UnsafeMutablePointer<Float>) -> Void
    ) {
        let count = x.count
        precondition(n > 0 && count % n == 0, "\(count) numbers are not rows of \(n)")
        unsafe x.withUnsafeMutableBufferPointer { x in
            guard let start = x.baseAddress else { return }
            Self.inParts(count / n, of: n, pool) { row in unsafe body(start + row * n) }
        }
    }

    /// Runs `body` for each of `count` parts of `size` numbers: on several threads where that is worth it, some 20 µs.
    private static func inParts(_ count: Int, of size: Int, _ pool: WorkerPool?, _ body: (Int) -> Void) {
        guard let pool, count > 1, count * size > 1 << 16 else {
            for part in 0..<count { body(part) }
            return
        }
        withoutActuallyEscaping(body) { body in
            // Parts touch different numbers, and what they read stays put while they run.
            nonisolated(unsafe) let body = body
            pool.forEach(count: count, grain: max(1, (1 << 14) / max(1, size))) { index, _ in unsafe body(index) }
        }
    }
}

/// A function of one number.
public enum Activation: Sendable, Equatable {
    case identity
    /// max(x, 0)
    case relu
    /// x · sigmoid(x), also called swish.
    case silu
    /// GELU by tanh (Hendrycks and Gimpel 2016); absolute error below 1e-6.
    case geluTanh
    /// GELU by the error function; absolute error below 1e-6.
    case geluErf
    /// GELU by the logistic function, x · sigmoid(1.702 x) (Hendrycks and Gimpel 2016): what Marian calls GELU.
    case geluSigmoid
    case tanh
    case sigmoid
    /// xIELU (Huang 2024): `positive · x² + beta · x` above 0, `negative · (expm1(min(x, epsilon)) − x) + beta · x`
    /// elsewhere, with both alphas already made positive.
    case xielu(positive: Float, negative: Float, beta: Float, epsilon: Float)
}

/// How close each product kernel comes to this machine's limits.
public enum KernelBenchmark {
    /// One kernel at one shape.
    public struct Row: Sendable {
        /// The format of the weights.
        public let format: NumberFormat
        /// How finely activations are rounded; nil for weights that meet floats.
        public let activations: ActivationWidth?
        /// Rows of activations: 1 is generating, more is a prompt or a batch.
        public let batch: Int
        /// Rows of the matrix.
        public let outputs: Int
        /// Columns of the matrix.
        public let inputs: Int
        /// The best time of one product, activations' quantisation included.
        public let seconds: Double
        /// A multiply-add counts as two.
        public let operations: Double
        /// Packed weights read.
        public let bytes: Double
        /// The share of the roofline reached: 1 is what the machine can do at most.
        public let share: Double
        /// Whether the limit is reading memory rather than arithmetic.
        public let isMemoryBound: Bool
    }

    /// Times the kernels of some formats in a batch and in generation.
    ///
    /// - Parameters:
    ///   - seconds: time to spend on each row.
    ///   - megabytes: weights of the generation rows; more than the last cache holds, to measure memory.
    ///   - progress: called with each row as it is done.
    /// - Returns: two rows for each format and width of activations: a batch over weights that fit the caches, and one row
    ///   of activations over weights that do not. Where there are no products of bytes, only words are timed.
    public static func run(
        limits: MachineLimits, formats: [NumberFormat] = [.f32, .int8, .q8_0, .q4_0, .q4_k, .q6_k], batch: Int = 32,
        seconds: Double = 0.2, megabytes: Int = 128, pool: WorkerPool? = nil, progress: (Row) -> Void = { _ in }
    ) throws(NumericsError) -> [Row] {
        var rows: [Row] = []
        let hasBytes = Kernels(limits.instructionSet).multipliesBytes
        for format in formats {
            let isFloat = [.f32, .f16, .bf16].contains(format)
            let inputs = 2048
            let rowBytes = format.byteCount(of: inputs) ?? inputs
            for width: ActivationWidth? in isFloat ? [nil] : hasBytes ? [.bits16, .bits8] : [.bits16] {
                let small = try time(format, width, batch: batch, outputs: 1024, inputs: 512, seconds, limits, pool)
                progress(small)
                let large = try time(
                    format, width, batch: 1, outputs: max(1, megabytes << 20 / rowBytes), inputs: inputs, seconds,
                    limits, pool)
                progress(large)
                rows += [small, large]
            }
        }
        return rows
    }

    private static func time(
        _ format: NumberFormat, _ width: ActivationWidth?, batch: Int, outputs: Int, inputs: Int, _ seconds: Double,
        _ limits: MachineLimits, _ pool: WorkerPool?
    ) throws(NumericsError) -> Row {
        // Zero weights: no kernel's speed depends on their values.
        var matrix =
            if format == .int8 {
                try WeightMatrix(
                    rows: outputs, columns: inputs,
                    int8: AlignedBuffer<Int8>(count: outputs * inputs, hugePages: true).span, scales: [1].span)
            } else {
                try WeightMatrix(
                    rows: outputs, columns: inputs, format: format,
                    bytes: AlignedBuffer<UInt8>(
                        count: outputs * (format.byteCount(of: inputs) ?? 0), hugePages: true
                    ).span, pool: pool)
            }
        if let width { matrix.activations = width }
        var x = AlignedBuffer<Float>(count: batch * inputs)
        for index in 0..<x.count { x[index] = Float(index % 255) / 127 - 1 }
        var y = AlignedBuffer<Float>(count: batch * outputs)
        var input = ProductInput(kernels: Kernels(limits.instructionSet))
        let clock = ContinuousClock()
        let began = clock.now
        var best = Double.infinity
        repeat {
            let start = clock.now
            input.load(x.span, rows: batch, for: [matrix])
            var out = y.mutableSpan
            matrix.multiply(input, into: &out, pool: pool)
            best = min(best, (clock.now - start).inSeconds)
        } while (clock.now - began).inSeconds < seconds

        let isInt8 = width != nil
        let operations = 2.0 * Double(batch) * Double(outputs) * Double(inputs)
        let bytes = batch == 1 ? Double(matrix.byteCount) : 0
        let arithmetic = limits.share(operations: operations, bytes: 0, seconds: best, isInt8: isInt8)
        let share = limits.share(operations: operations, bytes: bytes, seconds: best, isInt8: isInt8)
        return Row(
            format: format, activations: width, batch: batch, outputs: outputs, inputs: inputs, seconds: best,
            operations: operations, bytes: Double(matrix.byteCount), share: share, isMemoryBound: share > arithmetic)
    }
}

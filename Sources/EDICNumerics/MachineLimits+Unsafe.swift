internal import CEDICKernels
internal import Synchronization

/// What this machine can do at most, measured: how fast it reads memory and how fast it multiplies.
///
/// These two numbers bound every kernel (the roofline model, Williams, Waterman and Patterson 2009): a product takes at
/// least its operations divided by the peak, and at least its bytes divided by the bandwidth.
public struct MachineLimits: Sendable {
    /// The instruction set the limits hold for.
    public let instructionSet: InstructionSet
    /// Threads that ran at once.
    public let threads: Int
    /// Bytes read in a second, over and over the same ones: from main memory, or what a large cache holds of them.
    public let bandwidth: Double
    /// Float operations in a second, a multiply-add counting as two; nil where there is no measuring loop.
    public let floatPeak: Double?
    /// Byte operations in a second, likewise.
    public let int8Peak: Double?

    /// Measures on every worker of `pool` at once.
    ///
    /// Takes some 0.3 s and, while it runs, `bytes` of memory. Other programs on the machine lower the result.
    ///
    /// - Parameter bytes: what is read, 1 MiB at least. A server's last cache holds models of 100 MB: they are read faster than
    ///   256 MiB, and only the limit of reading as much as they have says how near they come.
    public static func measure(
        pool: WorkerPool = WorkerPool(workers: 1), instructionSet: InstructionSet = .standard, bytes: Int = 256 << 20
    ) -> MachineLimits {
        let memory = AlignedBuffer<UInt8>(count: max(1 << 20, bytes, 512 * pool.workers), hugePages: true)
        let sink = Atomic(0)
        let isa = instructionSet.c
        let share = memory.count / pool.workers / 512 * 512
        let start = unsafe Shared(memory.unsafePointer)
        let times = max(1, (256 << 20) / memory.count)
        let bandwidth = best(of: 4, pool) { worker in
            for _ in 0..<times {
                let part = unsafe ek_read_memory(isa, start.pointer + worker * share, share)
                sink.wrappingAdd(Int(truncatingIfNeeded: part), ordering: .relaxed)
            }
            return Double(times * share)
        }
        let float = best(of: 5, pool) { _ in
            var value: Float = 0
            let operations = unsafe ek_spin_float(isa, 400_000, &value)
            sink.wrappingAdd(Int(value.bitPattern), ordering: .relaxed)
            return Double(operations)
        }
        let int8 = best(of: 5, pool) { _ in
            var value: Int32 = 0
            let operations = unsafe ek_spin_int8(isa, 400_000, &value)
            sink.wrappingAdd(Int(value), ordering: .relaxed)
            return Double(operations)
        }
        return MachineLimits(
            instructionSet: instructionSet, threads: pool.workers, bandwidth: bandwidth,
            floatPeak: float > 0 ? float : nil, int8Peak: int8 > 0 ? int8 : nil)
    }

    /// The best rate of all workers together in some rounds; `work(worker)` returns how much it did.
    private static func best(of rounds: Int, _ pool: WorkerPool, _ work: @Sendable (Int) -> Double) -> Double {
        let clock = ContinuousClock()
        var best = 0.0
        for _ in 0..<rounds {
            let began = clock.now
            let done = pool.map(count: pool.workers) { index, _ in work(index) }
            best = max(best, done.reduce(0, +) / (clock.now - began).inSeconds)
        }
        return best
    }

    /// The share of what is possible that `operations` and `bytes` in `seconds` are: 1 is the roofline.
    public func share(operations: Double, bytes: Double, seconds: Double, isInt8: Bool) -> Double {
        let arithmetic = (isInt8 ? int8Peak : floatPeak).map { operations / $0 } ?? 0
        return max(arithmetic, bytes / bandwidth) / seconds
    }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}

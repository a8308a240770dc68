import EDICNumerics
import Testing

@Suite struct MachineLimitsTests {
    @Test func whatCachesHoldIsMeasuredToo() {
        for bytes in [0, 3 << 20] {
            #expect(MachineLimits.measure(pool: WorkerPool(workers: 2), bytes: bytes).bandwidth > 1e7)
        }
    }

    @Test func theRooflineIsTheLargerOfTwoTimes() throws {
        let limits = MachineLimits.measure()
        #expect(limits.threads == 1 && limits.bandwidth > 1e7)
        if limits.instructionSet == .avx512vnni {
            let (float, int8) = (try #require(limits.floatPeak), try #require(limits.int8Peak))
            #expect(int8 > float)
            #expect(abs(limits.share(operations: float, bytes: 0, seconds: 2, isInt8: false) - 0.5) < 1e-9)
        }
        #expect(abs(limits.share(operations: 1, bytes: limits.bandwidth, seconds: 4, isInt8: true) - 0.25) < 1e-9)

        var seen = 0
        let rows = try KernelBenchmark.run(
            limits: limits, formats: [.int8, .q4_k], batch: 2, seconds: 0.001, megabytes: 1
        ) { _ in seen += 1 }
        // With each width of activations that the processor has a use for.
        let widths = [.avx2, .avx512vnni].contains(limits.instructionSet) ? 2 : 1
        #expect(rows.count == 4 * widths && seen == rows.count)
        #expect(rows.enumerated().allSatisfy { $1.batch == ($0 % 2 == 0 ? 2 : 1) })
        #expect(Set(rows.map(\.activations)).count == widths && !rows.contains { $0.activations == nil })
        #expect(rows.allSatisfy { $0.seconds > 0 && $0.share > 0 })
    }
}

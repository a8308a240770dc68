import EDICNumerics
import Synchronization
import Testing

@Suite struct WorkerPoolTests {
    static let sizes = [1, 2, 3, 8]

    struct ItemFailure: Error, Equatable { let index: Int }

    @Test(arguments: sizes, [0, 1, 2, 7, 1000])
    func everyIndexRunsOnce(workers: Int, count: Int) {
        let pool = WorkerPool(workers: workers)
        #expect(pool.workers == workers)
        for grain in [1, 3, 2000] {
            let seen = Mutex([Int](repeating: 0, count: count))
            let all = pool.forEach(count: count, grain: grain) { index, worker in
                #expect((0..<workers).contains(worker))
                seen.withLock { $0[index] += 1 }
            }
            #expect(all)
            #expect(seen.withLock { $0.allSatisfy { $0 == 1 } })
        }
    }

    @Test(arguments: sizes)
    func resultsKeepTheirOrder(workers: Int) {
        let pool = WorkerPool(workers: workers)
        #expect(pool.map(count: 500) { index, _ in index * index } == (0..<500).map { $0 * $0 })
        #expect(pool.map(count: 0) { index, _ in index } == [])
    }

    @Test(arguments: sizes)
    func theLowestFailureWins(workers: Int) {
        let pool = WorkerPool(workers: workers)
        for round in 0..<50 {
            #expect(throws: ItemFailure(index: 5 + round)) {
                try pool.forEach(count: 100) { index, _ throws(ItemFailure) in
                    if index >= 5 + round, index % 2 == (5 + round) % 2 { throw ItemFailure(index: index) }
                }
            }
        }
        #expect(pool.map(count: 10) { index, _ in index }.count == 10, "the pool works on after a failure")
    }

    @Test(arguments: sizes)
    func nestedCallsFinish(workers: Int) {
        let pool = WorkerPool(workers: workers)
        let sums = pool.map(count: 20) { outer, _ in
            pool.map(count: 20) { inner, _ in outer * inner }.reduce(0, +)
        }
        #expect(sums == (0..<20).map { $0 * 190 })
    }

    @Test(arguments: sizes)
    func workersOfOneJobAreDistinct(workers: Int) {
        let pool = WorkerPool(workers: workers)
        let busy = Mutex(Set<Int>())
        pool.forEach(count: 300) { _, worker in
            #expect(busy.withLock { $0.insert(worker).inserted })
            busy.withLock { _ = $0.remove(worker) }
        }
    }

    @Test(arguments: sizes)
    func severalCallersShareOnePool(workers: Int) async {
        let pool = WorkerPool(workers: workers)
        let sums = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask { pool.map(count: 200) { index, _ in index }.reduce(0, +) }
            }
            return await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(sums == Array(repeating: 19900, count: 8))
    }

    @Test(arguments: sizes)
    func cancellationLeavesOutWhatHasNotStarted(workers: Int) {
        let pool = WorkerPool(workers: workers)
        let flag = CancellationFlag()
        let ran = Atomic(0)
        let finished = pool.forEach(count: 1000, cancellation: flag) { index, _ in
            ran.wrappingAdd(1, ordering: .relaxed)
            if index == 10 { flag.cancel() }
        }
        #expect(!finished)
        #expect((11..<1000).contains(ran.load(ordering: .relaxed)))
    }

    @Test(arguments: sizes)
    func manySmallJobs(workers: Int) {
        let pool = WorkerPool(workers: workers)
        let total = Atomic(0)
        for _ in 0..<5000 { pool.forEach(count: 3) { index, _ in total.wrappingAdd(index, ordering: .relaxed) } }
        #expect(total.load(ordering: .relaxed) == 15000)
    }

    @Test func theSharedPoolFitsTheMachine() {
        #expect(Processors.available >= 1)
        #expect(WorkerPool.shared.workers == Processors.available)
    }
}

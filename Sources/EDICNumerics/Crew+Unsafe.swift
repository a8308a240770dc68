internal import CEDICKernels
internal import Glibc
internal import Synchronization

/// The threads behind a ``WorkerPool`` and the jobs they share.
///
/// A thread that runs out of work watches for new jobs for some microseconds before it sleeps: waking a sleeper costs
/// more than many of the matrix products that are shared out here.
///
/// Unchecked: what changes is atomic or guarded by the mutex.
@safe final class Crew: @unchecked Sendable {
    /// Runs one block; false means that no further block of the job should start.
    typealias Body = @Sendable (_ block: Int, _ worker: Int) -> Bool

    /// One call's work.
    ///
    /// Unchecked: `joined` and `body` are guarded by the crew's mutex. A thread that has joined reads `body` without it, since
    /// the caller takes it away only when all have left.
    private final class Job: @unchecked Sendable {
        let blocks: Int
        var body: Body?
        let next = Atomic(0)
        let unbroken = Atomic(true)
        /// Threads now inside the job, the caller not counted. Written under the mutex, watched without.
        let helpers = Atomic(0)
        /// Threads that ever joined, and so the next free worker number (the caller is 0).
        var joined = 1

        init(blocks: Int, body: @escaping Body) {
            self.blocks = blocks
            self.body = body
        }

        var isOpen: Bool { next.load(ordering: .relaxed) < blocks }

        /// Runs blocks until none is left. The body is held here and nowhere on the way back: when a helper has left the
        /// job, nothing on its stack refers to the caller's closure any more.
        @inline(never)
        func work(as worker: Int) {
            guard let body else { return }
            while true {
                let block = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard block < blocks else { return }
                if !body(block, worker) {
                    unbroken.store(false, ordering: .relaxed)
                    // Blocks below this one have all been handed out, so the lowest failure is never lost.
                    next.store(blocks, ordering: .relaxed)
                    return
                }
            }
        }
    }

    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let wake: UnsafeMutablePointer<pthread_cond_t>
    private let done: UnsafeMutablePointer<pthread_cond_t>
    /// Jobs that may still have blocks to hand out; guarded by the mutex.
    private var jobs: [Job] = []
    private var sleepers = 0
    private var isStopping = false
    /// Counts published jobs, so that a watching thread sees a new one without the mutex.
    private let published = Atomic(0)

    /// A pause takes from 20 to 60 ns: 100 to 400 µs. A sleeper is woken in some 30 µs, often more in a virtual machine.
    private static let watchRounds = 6000

    init() {
        unsafe mutex = .allocate(capacity: 1)
        unsafe wake = .allocate(capacity: 1)
        unsafe done = .allocate(capacity: 1)
        // Whoever finds it taken looks again for some 100 ns before it sleeps: nobody keeps it longer, and on two threads two
        // of three jobs ended with a call to the system.
        var attributes = pthread_mutexattr_t()
        unsafe pthread_mutexattr_init(&attributes)
        unsafe pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_ADAPTIVE_NP))
        unsafe pthread_mutex_init(mutex, &attributes)
        unsafe pthread_mutexattr_destroy(&attributes)
        unsafe pthread_cond_init(wake, nil)
        unsafe pthread_cond_init(done, nil)
    }

    deinit {
        unsafe pthread_cond_destroy(wake)
        unsafe pthread_cond_destroy(done)
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
        unsafe wake.deallocate()
        unsafe done.deallocate()
    }

    /// Starts threads and says how many the system granted. Each keeps the crew alive until ``stop()``.
    func start(threads: Int) -> Int {
        for started in 0..<threads {
            let crew = unsafe Unmanaged.passRetained(self)
            var thread = pthread_t()
            let status = unsafe pthread_create(&thread, nil, crewThread, crew.toOpaque())
            guard status == 0 else {
                unsafe crew.release()
                return started
            }
            pthread_detach(thread)
        }
        return threads
    }

    /// Lets the threads end; does not wait for them, since the last reference may go away on one of them.
    func stop() {
        locked {
            isStopping = true
            published.wrappingAdd(1, ordering: .releasing)
            unsafe pthread_cond_broadcast(wake)
        }
    }

    /// Shares out `blocks` blocks among the caller and the threads; returns when all have ended, saying whether all ran.
    func run(blocks: Int, _ body: @escaping Body) -> Bool {
        let job = Job(blocks: blocks, body: body)
        locked {
            jobs.append(job)
            published.wrappingAdd(1, ordering: .releasing)
            for _ in 0..<min(sleepers, blocks - 1) { unsafe pthread_cond_signal(wake) }
        }
        job.work(as: 0)

        var rounds = 0
        while job.helpers.load(ordering: .acquiring) > 0, rounds < Self.watchRounds {
            ek_pause()
            rounds += 1
        }
        locked {
            jobs.removeAll { $0 === job }
            while job.helpers.load(ordering: .acquiring) > 0 { unsafe pthread_cond_wait(done, mutex) }
            // The caller's closure must not outlive the call.
            job.body = nil
        }
        return job.unbroken.load(ordering: .relaxed)
    }

    /// What a thread does all its life.
    fileprivate func serve() {
        while true {
            let seen = published.load(ordering: .acquiring)
            lock()
            if isStopping { return unlock() }
            if let job = jobs.first(where: \.isOpen) {
                let worker = job.joined
                job.joined += 1
                job.helpers.wrappingAdd(1, ordering: .relaxed)
                unlock()
                help(job, as: worker)
                continue
            }
            unlock()
            watch(since: seen)
        }
    }

    private func help(_ job: Job, as worker: Int) {
        job.work(as: worker)
        locked {
            if job.helpers.wrappingSubtract(1, ordering: .releasing).newValue == 0 {
                unsafe pthread_cond_broadcast(done)
            }
        }
    }

    /// Waits until a job newer than `seen` is published: first watching, then asleep.
    private func watch(since seen: Int) {
        for _ in 0..<Self.watchRounds {
            if published.load(ordering: .acquiring) != seen { return }
            ek_pause()
        }
        locked {
            sleepers += 1
            while published.load(ordering: .acquiring) == seen { unsafe pthread_cond_wait(wake, mutex) }
            sleepers -= 1
        }
    }

    private func lock() { unsafe pthread_mutex_lock(mutex) }
    private func unlock() { unsafe pthread_mutex_unlock(mutex) }

    private func locked(_ body: () -> Void) {
        lock()
        defer { unlock() }
        body()
    }
}

private func crewThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument = unsafe argument else { return nil }
    let crew = unsafe Unmanaged<Crew>.fromOpaque(argument).takeRetainedValue()
    crew.serve()
    return nil
}

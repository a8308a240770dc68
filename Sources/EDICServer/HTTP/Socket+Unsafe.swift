internal import Glibc

/// A connected or listening TCP socket, closed with the value. Calls do not block for longer than they are told.
@safe final class Socket: Sendable {
    enum Failure: Error {
        case badAddress
        case system(Int32)

        var text: String {
            switch self {
            case .badAddress: "is no numeric address such as 127.0.0.1 or ::1"
            case .system(let number): unsafe String(cString: strerror(number))
            }
        }
    }

    private let descriptor: Int32

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    // MARK: - Listening

    /// A socket that listens at a numeric address; port 0 lets the system choose one.
    static func listening(host: String, port: UInt16) throws(Failure) -> Socket {
        var four = in_addr()
        var six = in6_addr()
        if unsafe inet_pton(AF_INET, host, &four) == 1 {
            let socket = try make(AF_INET)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr = four
            try socket.listen(&address)
            return socket
        }
        guard unsafe inet_pton(AF_INET6, host, &six) == 1 else { throw .badAddress }
        let socket = try make(AF_INET6)
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = port.bigEndian
        address.sin6_addr = six
        try socket.listen(&address)
        return socket
    }

    private static func make(_ family: Int32) throws(Failure) -> Socket {
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = socket(family, kind, 0)
        guard descriptor >= 0 else { throw .system(errno) }
        return Socket(descriptor)
    }

    private func listen<Address>(_ address: inout Address) throws(Failure) {
        // A server that was ended may be started again at once.
        var yes: Int32 = 1
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        let bound = unsafe withUnsafePointer(to: &address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(MemoryLayout<Address>.size))
            }
        }
        guard bound == 0, Glibc.listen(descriptor, 128) == 0 else { throw .system(errno) }
    }

    /// The port that the socket is bound to.
    var port: UInt16 {
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let status = unsafe withUnsafeMutablePointer(to: &address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(descriptor, $0, &length)
            }
        }
        guard status == 0 else { return 0 }
        // Both families have the port at the same place.
        return unsafe withUnsafePointer(to: &address) { address in
            unsafe address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                unsafe UInt16(bigEndian: $0.pointee.sin_port)
            }
        }
    }

    /// The next connection, or nil if none came within some milliseconds.
    func accept(milliseconds: Int32) -> Socket? {
        guard isReady(for: POLLIN, milliseconds: milliseconds) else { return nil }
        let accepted = Glibc.accept(descriptor, nil, nil)
        guard accepted >= 0 else {
            // Out of descriptors: the waiting connection stays in the queue until others end.
            if errno == EMFILE || errno == ENFILE { usleep(50_000) }
            return nil
        }
        _ = fcntl(accepted, F_SETFD, FD_CLOEXEC)
        _ = fcntl(accepted, F_SETFL, O_NONBLOCK)
        // Events are small and should leave at once.
        var yes: Int32 = 1
        unsafe setsockopt(
            accepted, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
        return Socket(accepted)
    }

    // MARK: - Bytes

    enum Arrival {
        case bytes(ArraySlice<UInt8>)
        case nothing
        case end
    }

    /// What has come within some milliseconds, read into `buffer`.
    func receive(into buffer: inout [UInt8], milliseconds: Int32) -> Arrival {
        guard isReady(for: POLLIN, milliseconds: milliseconds) else { return .nothing }
        let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
        if count > 0 { return .bytes(buffer[..<count]) }
        return count < 0 && (errno == EAGAIN || errno == EINTR) ? .nothing : .end
    }

    /// Sends all bytes; false if the other side has gone, or took nothing for so long.
    func send(_ bytes: [UInt8], milliseconds: Int32) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[sent...])
                return unsafe Glibc.send(descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                sent += count
            } else if errno == EAGAIN {
                guard isReady(for: POLLOUT, milliseconds: milliseconds) else { return false }
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }

    enum Peer {
        case open
        /// Has closed its sending side, behind whatever it has sent, or the whole connection.
        case silent
        /// Takes nothing more.
        case gone
    }

    /// What is known of the other side.
    var peer: Peer {
        // Linux' POLLRDHUP, which headers have for GNU's sources only.
        var state = pollfd(fd: descriptor, events: 0x2000, revents: 0)
        guard unsafe poll(&state, 1, 0) > 0 else { return .open }
        return Int32(state.revents) & (POLLERR | POLLHUP) == 0 ? .silent : .gone
    }

    /// Says that nothing more is sent, and drops what still comes for a moment: closing with unread bytes would destroy
    /// the answer on its way.
    ///
    /// - Parameter milliseconds: how long to wait for more each time.
    func finish(milliseconds: Int32 = 200) {
        shutdown(descriptor, Int32(SHUT_WR))
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        for _ in 0..<32 {
            guard case .bytes = receive(into: &buffer, milliseconds: milliseconds) else { return }
        }
    }

    private func isReady(for event: Int32, milliseconds: Int32) -> Bool {
        var descriptor = pollfd(fd: descriptor, events: Int16(event), revents: 0)
        return unsafe poll(&descriptor, 1, milliseconds) > 0
    }
}

/// Runs `body` on a thread of its own; false if the system has none to give.
func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
    final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    let work = unsafe Unmanaged.passRetained(Work(body))
    var thread = pthread_t()
    let status = unsafe pthread_create(
        &thread, nil,
        { work in
            if let work = unsafe work { unsafe Unmanaged<Work>.fromOpaque(work).takeRetainedValue().body() }
            return nil
        }, work.toOpaque())
    guard status == 0 else {
        unsafe work.release()
        return false
    }
    pthread_detach(thread)
    return true
}

/// Lets this thread rest.
func pause(milliseconds: Int) { usleep(UInt32(milliseconds) * 1000) }

/// The present in the form of HTTP's `Date` field (RFC 9110, 5.6.7).
func httpDate() -> String {
    var now = time(nil)
    var parts = unsafe tm()
    unsafe gmtime_r(&now, &parts)
    let (weekday, month) = unsafe (Int(parts.tm_wday) % 7, Int(parts.tm_mon) % 12)
    let (day, year) = unsafe (parts.tm_mday, parts.tm_year + 1900)
    let (hour, minute, second) = unsafe (parts.tm_hour, parts.tm_min, parts.tm_sec)
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    return "\(days[weekday]), \(two(day)) \(months[month]) \(year) \(two(hour)):\(two(minute)):\(two(second)) GMT"
}

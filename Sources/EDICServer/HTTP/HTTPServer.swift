internal import Synchronization

/// Answers requests of HTTP/1.1 at an address, each connection on a thread of its own.
///
/// ```swift
/// let server = try HTTPServer(host: "127.0.0.1", port: 8080) {
///     service.respond(to: $0, isWanted: $1)
/// }
/// server.run(until: { isAskedToStop })
/// ```
///
/// It knows connections and bytes, and nothing of what is served. At a loopback address it refuses requests that name
/// another host, so that no foreign web page can reach it through the name of its own (DNS rebinding).
public final class HTTPServer: Sendable {
    /// Answers a request. The second argument says whether the answer is still wanted; ask now and then, from any thread.
    public typealias Handler = @Sendable (HTTPRequest, _ isWanted: @escaping @Sendable () -> Bool) -> HTTPResponse

    /// A request that was answered, for a log; texts are no part of it.
    public struct LogEntry: Sendable {
        /// As in the request; `-`, as is the path, where it could not be read.
        public let method: String
        /// The path, without the query.
        public let path: String
        /// The status code of the answer.
        public let status: Int
        /// From the whole request to the end of the answer.
        public let milliseconds: Int
    }

    /// The address that it listens at: 127.0.0.1 where it was started for `localhost`.
    public let host: String
    /// The port, also where the system chose it.
    public let port: UInt16
    private let limits: ServerLimits
    private let listener: Socket
    private let handler: Handler
    private let log: (@Sendable (LogEntry) -> Void)?
    private let openConnections = Atomic(0)
    private let isEnding = Atomic(false)

    /// Starts to listen; connections wait until ``run(until:)`` takes them.
    ///
    /// - Parameters:
    ///   - host: a numeric address, or `localhost`.
    ///   - port: 0 lets the system choose.
    /// - Throws: `cannotListen`.
    public init(
        host: String = "127.0.0.1", port: UInt16, limits: ServerLimits = ServerLimits(),
        log: (@Sendable (LogEntry) -> Void)? = nil, handler: @escaping Handler
    ) throws(ServerError) {
        let address = host == "localhost" ? "127.0.0.1" : host
        do {
            listener = try Socket.listening(host: address, port: port)
        } catch {
            throw ServerError(
                .cannotListen, "cannot listen at \(host), port \(port): \(error.text)", cause: error)
        }
        self.host = address
        self.port = listener.port
        self.limits = limits.possible
        self.log = log
        self.handler = handler
    }

    /// Whether only programs on this machine can reach the server.
    public var isLocal: Bool { host.hasPrefix("127.") || host == "::1" }

    /// Where a browser finds the server.
    public var address: String { "http://\(host.contains(":") ? "[\(host)]" : host):\(port)" }

    /// Takes connections until `shouldStop` says so, then ends the open ones within `graceSeconds` and returns.
    public func run(graceSeconds: Double = 5, until shouldStop: () -> Bool) {
        while !shouldStop() {
            guard let socket = listener.accept(milliseconds: 200) else { continue }
            let open = openConnections.add(1, ordering: .relaxed).newValue
            let isStarted =
                open <= limits.connections
                && startThread { [self] in
                    Connection(server: self, socket: socket).serve()
                    openConnections.subtract(1, ordering: .releasing)
                }
            if !isStarted {
                openConnections.subtract(1, ordering: .relaxed)
                Connection(server: self, socket: socket).refuse()
            }
        }
        isEnding.store(true, ordering: .releasing)
        let end = ContinuousClock.now + .seconds(graceSeconds)
        while openConnections.load(ordering: .acquiring) > 0, ContinuousClock.now < end { pause(milliseconds: 10) }
    }

    /// One client.
    private struct Connection {
        let server: HTTPServer
        let socket: Socket
        let client: WaitingClient

        init(server: HTTPServer, socket: Socket) {
            self.server = server
            self.socket = socket
            client = WaitingClient(socket)
        }

        private var limits: ServerLimits { server.limits }
        private var isEnding: Bool { server.isEnding.load(ordering: .acquiring) }
        private var sendMilliseconds: Int32 { Int32(max(1, min(limits.arrivalSeconds, 3600)) * 1000) }

        func serve() {
            var parser = HTTPRequestParser(limits: .init(bodyBytes: limits.bodyBytes))
            while true {
                do {
                    guard let request = try receive(&parser) else { return }
                    let start = ContinuousClock.now
                    let response = answer(request)
                    let (status, isOpen) = send(response, to: request)
                    let elapsed = (ContinuousClock.now - start) / .milliseconds(1)
                    server.log?(
                        LogEntry(
                            method: request.method, path: request.path, status: status, milliseconds: Int(elapsed)))
                    guard isOpen else { return socket.finish() }
                } catch {
                    // Where the bytes stopped making sense the next request cannot be found.
                    turnAway(error)
                    return socket.finish()
                }
            }
        }

        func refuse() {
            turnAway(ServerError(.busy, "too many connections are open; try again later"))
            // Others wait to be taken in: what has come is dropped, but nothing is waited for.
            socket.finish(milliseconds: 0)
        }

        /// Answers what is no request, or none that is taken.
        private func turnAway(_ error: ServerError) {
            sendWhole(HTTPResponse(error), keepsConnection: false, withBody: true)
            server.log?(LogEntry(method: "-", path: "-", status: error.status, milliseconds: 0))
        }

        private func receive(_ parser: inout HTTPRequestParser) throws(ServerError) -> HTTPRequest? {
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            var deadline = ContinuousClock.now + .seconds(limits.idleSeconds)
            var hasBegun = false
            while true {
                if let request = try parser.next() { return request }
                if parser.expectsContinue {
                    parser.expectsContinue = false
                    guard socket.send(HTTPResponse.interim, milliseconds: sendMilliseconds) else { return nil }
                }
                if !hasBegun, !parser.isEmpty {
                    hasBegun = true
                    deadline = ContinuousClock.now + .seconds(limits.arrivalSeconds)
                }
                if ContinuousClock.now >= deadline {
                    if !hasBegun { return nil }
                    throw ServerError(.requestTimeout, "the request did not arrive in \(limits.arrivalSeconds) s")
                }
                if isEnding { return nil }
                switch socket.receive(into: &buffer, milliseconds: 200) {
                case .bytes(let bytes): parser.append(bytes)
                case .nothing: continue
                case .end: return nil
                }
            }
        }

        private func answer(_ request: HTTPRequest) -> HTTPResponse {
            if server.isLocal, let host = request.field("host"), !Self.isLocal(host) {
                return HTTPResponse(
                    ServerError(.foreignHost, "\(host) is not this machine; use \(server.address)"))
            }
            client.beginsToWait(isHTTP11: request.isHTTP11)
            return server.handler(request) { !isEnding && client.isWaiting }
        }

        /// Whether a `Host` field names this machine.
        private static func isLocal(_ field: String) -> Bool {
            let name = field.hasPrefix("[") ? field.prefix { $0 != "]" }.dropFirst() : field.prefix { $0 != ":" }
            let isNumeric = name.hasPrefix("127.") && name.allSatisfy { "0123456789.".contains($0) }
            return isNumeric || name == "::1" || name.lowercased() == "localhost"
        }

        // MARK: - Answers

        /// Sends an answer; returns the status sent and whether the connection may be used again.
        private func send(_ response: HTTPResponse, to request: HTTPRequest) -> (status: Int, isOpen: Bool) {
            let keeps = request.keepsConnection && !isEnding
            guard case .stream(let produce) = response.body else {
                let isSent = sendWhole(response, keepsConnection: keeps, withBody: request.method != "HEAD")
                return (response.status, isSent && keeps)
            }
            let isChunked = request.isHTTP11
            var isBegun = false
            var isOpen = true
            func write(_ bytes: [UInt8]) -> Bool {
                guard isOpen else { return false }
                var piece: [UInt8] = []
                if !isBegun {
                    isBegun = true
                    client.isAnswered()
                    piece = response.head(
                        length: nil, isChunked: isChunked, keepsConnection: keeps && isChunked, date: httpDate())
                }
                // An empty chunk would be the end of the body.
                if !bytes.isEmpty {
                    if isChunked { piece += Array((String(bytes.count, radix: 16) + "\r\n").utf8) }
                    piece += bytes
                    if isChunked { piece += [0x0D, 0x0A] }
                }
                isOpen = socket.send(piece, milliseconds: sendMilliseconds)
                return isOpen
            }
            do {
                try produce { $0.isEmpty ? isOpen : write($0) }
                if !isBegun { _ = write([]) }
            } catch {
                guard !isBegun else { return (response.status, false) }
                let failure = HTTPResponse(error)
                return (failure.status, sendWhole(failure, keepsConnection: keeps, withBody: true) && keeps)
            }
            if isChunked, isOpen { isOpen = socket.send(Array("0\r\n\r\n".utf8), milliseconds: sendMilliseconds) }
            return (response.status, isOpen && keeps && isChunked)
        }

        @discardableResult
        private func sendWhole(_ response: HTTPResponse, keepsConnection: Bool, withBody: Bool) -> Bool {
            guard case .bytes(let body) = response.body else { return false }
            client.isAnswered()
            let head = response.head(
                length: body.count, isChunked: false, keepsConnection: keepsConnection, date: httpDate())
            return socket.send(withBody ? head + body : head, milliseconds: sendMilliseconds)
        }
    }
}

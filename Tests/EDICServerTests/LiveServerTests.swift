import EDICJSON
import Glibc
import Synchronization
import Testing
import _EDICTestSupport

@testable import EDICServer

/// A real server on a port of its own.
@Suite(.serialized) struct LiveServerTests {
    /// Runs `body` with a server that answers `handler`'s responses, and ends the server.
    private func withServer(
        _ limits: ServerLimits = ServerLimits(), handler: @escaping HTTPServer.Handler,
        _ body: (HTTPServer) throws -> Void
    ) throws {
        final class Flag: Sendable { let isSet = Atomic(false) }
        let (stop, ended) = (Flag(), Flag())
        let server = try HTTPServer(port: 0, limits: limits, handler: handler)
        let isStarted = startThread {
            server.run(graceSeconds: 2) { stop.isSet.load(ordering: .relaxed) }
            ended.isSet.store(true, ordering: .relaxed)
        }
        #expect(isStarted)
        defer {
            stop.isSet.store(true, ordering: .relaxed)
            for _ in 0..<500 where !ended.isSet.load(ordering: .relaxed) { pause(milliseconds: 10) }
            let isEnded = ended.isSet.load(ordering: .relaxed)
            #expect(isEnded, "the server ends when it is asked to")
        }
        try body(server)
    }

    /// A connection to the server; nil where there is none.
    private func connection(to server: HTTPServer) -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = server.port.bigEndian
        _ = unsafe inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
        let connected = unsafe withUnsafePointer(to: &address) { address in
            unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if connected == 0 { return descriptor }
        close(descriptor)
        return nil
    }

    /// What the server says to `bytes` until it closes the connection or `end` has come.
    ///
    /// - Parameter closesSending: whether to say at once that nothing more comes.
    private func talk(
        _ server: HTTPServer, _ bytes: String, until end: String? = nil, closesSending: Bool = false
    ) -> String {
        guard let descriptor = connection(to: server) else { return "no connection" }
        defer { close(descriptor) }
        let text = Array(bytes.utf8)
        _ = unsafe send(descriptor, text, text.count, Int32(MSG_NOSIGNAL))
        if closesSending { shutdown(descriptor, Int32(SHUT_WR)) }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = unsafe recv(descriptor, &buffer, buffer.count, 0), count > 0 {
            answer += buffer[..<count]
            if let end, String(decoding: answer, as: UTF8.self).hasSuffix(end) { break }
        }
        return String(decoding: answer, as: UTF8.self)
    }

    private func serviceHandler() -> HTTPServer.Handler {
        { request, isWanted in RouterTests.service.respond(to: request, isWanted: isWanted) }
    }

    /// Also one that has sent its next request before.
    @Test(arguments: [0, 1]) func aClientThatLeavesIsNoticed(_ moreRequests: Int) throws {
        final class Seen: Sendable { let hasLeft = Atomic(false) }
        let seen = Seen()
        try withServer { _, isWanted in
            for _ in 0..<1000 where isWanted() { pause(milliseconds: 5) }
            seen.hasLeft.store(!isWanted(), ordering: .relaxed)
            return HTTPResponse(ServerError(.busy, "nobody reads this"))
        } _: { server in
            let descriptor = try #require(connection(to: server))
            let request = Array("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
            for _ in 0...moreRequests {
                _ = unsafe send(descriptor, request, request.count, Int32(MSG_NOSIGNAL))
                pause(milliseconds: 300)
            }
            close(descriptor)
            for _ in 0..<300 where !seen.hasLeft.load(ordering: .relaxed) { pause(milliseconds: 5) }
            let hasLeft = seen.hasLeft.load(ordering: .relaxed)
            #expect(hasLeft)
        }
    }

    /// One that says that it sends nothing more waits for its answers, and is asked only before one begins.
    @Test func aClientThatSendsNothingMoreIsAnswered() throws {
        @Sendable func work(_ isWanted: () -> Bool) -> Bool {
            for _ in 0..<100 {
                guard isWanted() else { return false }
                pause(milliseconds: 5)
            }
            return true
        }
        try withServer { request, isWanted in
            guard request.path == "/stream" else {
                return HTTPResponse(type: "text/plain", Array((work(isWanted) ? "done" : "left").utf8))
            }
            return HTTPResponse(
                body: .stream { write in
                    #expect(write(Array("begun".utf8)) && work(isWanted) && write(Array("done".utf8)))
                })
        } _: { server in
            func ask(_ requests: String) -> [String] {
                let answers = talk(server, requests, closesSending: true).split(separator: "HTTP/1.1 ")
                return answers.map { "\($0.prefix(3))\($0.contains("done") ? " done" : "")" }
            }
            let whole = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
            #expect(ask(whole + whole) == ["100", "200 done", "100", "200 done"])
            #expect(ask("GET / HTTP/1.0\r\n\r\n") == ["200 done"])
            #expect(ask("GET /stream HTTP/1.0\r\n\r\n") == ["200 done"])
            #expect(ask("GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n") == ["200 done"])
        }
    }

    @Test func twoRequestsOnOneConnection() throws {
        try withServer(handler: serviceHandler()) { server in
            let body = #"{"text": "the cat sat"}"#
            let answer = talk(
                server,
                "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
                    + "POST /v1/score HTTP/1.1\r\nHost: 127.0.0.1:1\r\nContent-Type: application/json\r\n"
                    + "Connection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
            let parts = answer.split(separator: "HTTP/1.1 ")
            #expect(parts.count == 2 && parts.allSatisfy { $0.hasPrefix("200 OK\r\n") })
            #expect(parts.first?.contains("connection: keep-alive") == true)
            #expect(parts.last?.contains("perplexity") == true && parts.last?.contains("connection: close") == true)
        }
    }

    @Test func streamsComeInChunks() throws {
        let handler: HTTPServer.Handler = { request, _ in
            HTTPResponse(
                fields: [("content-type", "text/plain")],
                body: .stream { write in
                    if request.path == "/fails" { throw ServerError(.busy, "not now") }
                    #expect(write(Array("one".utf8)) && write(Array("twelve bytes".utf8)))
                })
        }
        try withServer(handler: handler) { server in
            let chunked = talk(server, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", until: "0\r\n\r\n")
            #expect(chunked.hasSuffix("\r\n\r\n3\r\none\r\nc\r\ntwelve bytes\r\n0\r\n\r\n"))
            #expect(chunked.contains("transfer-encoding: chunked"))
            let plain = talk(server, "GET / HTTP/1.0\r\n\r\n")
            #expect(plain.hasSuffix("\r\n\r\nonetwelve bytes") && !plain.contains("chunked"))
            let failed = talk(server, "GET /fails HTTP/1.1\r\nHost: localhost\r\n\r\n", until: "}}\n")
            #expect(failed.hasPrefix("HTTP/1.1 503 ") && failed.contains("retry-after: 5"))
        }
    }

    @Test func hostileClientsAreAnswered() throws {
        let limits = ServerLimits(bodyBytes: 64, arrivalSeconds: 0.3, idleSeconds: 0.3)
        try withServer(limits, handler: serviceHandler()) { server in
            #expect(talk(server, "rubbish\r\n\r\n").hasPrefix("HTTP/1.1 400 "))
            #expect(talk(server, "").isEmpty)
            #expect(talk(server, "GET / HT").hasPrefix("HTTP/1.1 408 "))
            let large = "POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999\r\n\r\n"
            #expect(talk(server, large + String(repeating: "x", count: 99999)).hasPrefix("HTTP/1.1 413 "))
            let foreign = "GET /health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
            #expect(talk(server, foreign).hasPrefix("HTTP/1.1 403 "))
            let head = talk(server, "HEAD / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            #expect(head.hasPrefix("HTTP/1.1 200 ") && head.hasSuffix("\r\n\r\n"))
            // The server is as well as before.
            #expect(talk(server, "GET /health HTTP/1.0\r\n\r\n").contains("\"status\":\"ok\""))
        }
    }

    @Test func tooManyConnectionsAreRefused() throws {
        try withServer(ServerLimits(connections: 0), handler: serviceHandler()) { server in
            #expect(talk(server, "GET / HTTP/1.0\r\n\r\n").hasPrefix("HTTP/1.1 503 "))
        }
    }

    @Test func addressesThatCannotBeUsedAreNamed() throws {
        try withServer(handler: serviceHandler()) { server in
            let error = #expect(throws: ServerError.self) {
                try HTTPServer(port: server.port, handler: serviceHandler())
            }
            #expect(error?.code == .cannotListen && error?.message.contains("\(server.port)") == true)
        }
        #expect(throws: ServerError.self) { try HTTPServer(host: "nowhere", port: 0, handler: serviceHandler()) }
        // Where the machine has IPv6.
        if let six = try? HTTPServer(host: "::1", port: 0, handler: serviceHandler()) {
            #expect(six.address == "http://[::1]:\(six.port)" && six.isLocal)
        }
    }
}

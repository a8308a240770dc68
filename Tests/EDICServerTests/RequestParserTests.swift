import Testing
import _EDICTestSupport

@testable import EDICServer

@Suite struct RequestParserTests {
    private func parse(_ text: String, step: Int = .max, body: Int = 1 << 20) throws -> [HTTPRequest] {
        var parser = HTTPRequestParser(limits: .init(headBytes: 1024, fields: 20, bodyBytes: body))
        var found: [HTTPRequest] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let piece = rest.prefix(step)
            rest = rest.dropFirst(piece.count)
            parser.append(piece)
            while let request = try parser.next() { found.append(request) }
        }
        return found
    }

    static let three =
        "POST /v1/score?x=1 HTTP/1.1\r\nHost: localhost:80\r\nContent-Length: 5\r\nX-A:  b c \t\r\n\r\nhello"
        + "\r\nGET / HTTP/1.0\r\n\r\n"
        + "PUT /a HTTP/1.1\r\nhost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        + "3;name=value\r\nabc\r\nB\r\nd\r\nefghij k\r\n0\r\nTrailer: x\r\n\r\n"

    @Test(arguments: [1, 2, 3, 7, 64, Int.max])
    func requestsAreFoundInAnyPieces(step: Int) throws {
        let found = try parse(Self.three, step: step)
        #expect(found.map(\.method) == ["POST", "GET", "PUT"])
        #expect(found.map(\.path) == ["/v1/score", "/", "/a"])
        #expect(found.map { String(decoding: $0.body, as: UTF8.self) } == ["hello", "", "abcd\r\nefghij k"])
        #expect(found.first?.field("x-a") == "b c")
        #expect(found.map(\.keepsConnection) == [true, false, true])
    }

    @Test(arguments: [
        ("GET /\r\n\r\n", 400), ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        ("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nA : b\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", 400),
        ("GET / HTTP/1.1\nHost: a\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\u{0}\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999999\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999\r\n\r\n", 413),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFF\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n", 413),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", 400),
        ("GET /" + String(repeating: "a", count: 2000), 431),
        ("GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "a: b\r\n", count: 30) + "\r\n", 431),
    ])
    func whatIsNotHTTPIsRefused(text: String, status: Int) {
        for step in [1, Int.max] {
            let error = #expect(throws: ServerError.self) { try parse(text, step: step, body: 100) }
            #expect(error?.status == status, "\(text): \(error?.message ?? "")")
        }
    }

    @Test func everyFlippedBitIsARequestOrAnError() {
        let sound = Array(Self.three.utf8)
        for bit in 0..<sound.count * 8 {
            var bytes = sound
            bytes[bit / 8] ^= 1 << (bit % 8)
            var parser = HTTPRequestParser(limits: .init(headBytes: 1024, bodyBytes: 100))
            parser.append(bytes)
            do {
                var count = 0
                while let request = try parser.next() {
                    count += 1
                    #expect(request.body.count <= 100)
                }
                #expect(count <= 4)
            } catch {
                #expect((400..<600).contains(error.status))
            }
        }
    }

    @Test func noiseNeverCrashesAndMemoryIsBounded() {
        var random = SeededGenerator(seed: 11)
        let alphabet = Array("GET /POST HTTP/1.1\r\n\r\n:;0fa,Content-Length: Transfer-Encoding: chunked\r\n".utf8)
        for _ in 0..<2000 {
            var parser = HTTPRequestParser(limits: .init(headBytes: 256, bodyBytes: 64))
            for _ in 0..<20 {
                parser.append((0..<20).map { _ in alphabet[Int(random.next() % UInt64(alphabet.count))] })
                do {
                    while try parser.next() != nil {}
                } catch { break }
                #expect(parser.heldBytes <= 2 * (256 + 20) + 64)
            }
        }
    }

    /// Requests that end in the middle of what is read at a time leave nothing behind.
    @Test func pipelinedRequestsTakeNoMoreMemory() throws {
        let request = Array("GET /health HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        var parser = HTTPRequestParser()
        parser.append(request.prefix(10))
        var count = 0
        for _ in 0..<10_000 {
            parser.append(request[10...] + request.prefix(10))
            while try parser.next() != nil { count += 1 }
            #expect(parser.heldBytes <= 3 * request.count)
        }
        #expect(count == 10_000)
    }

    /// Chunks of one byte with long extensions are not read for ever.
    @Test func extensionsOfChunksAreBounded() throws {
        var parser = HTTPRequestParser(limits: .init(headBytes: 1000, bodyBytes: 1 << 20))
        parser.append(Array("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".utf8))
        let chunk = Array("1;\(String(repeating: "x", count: 200))\r\na\r\n".utf8)
        let error = #expect(throws: ServerError.self) {
            for _ in 0..<100 {
                parser.append(chunk)
                while try parser.next() != nil {}
                #expect(parser.heldBytes <= 3 * chunk.count + 100)
            }
        }
        #expect(error?.code == .headTooLarge)
    }

    @Test func aClientThatWaitsIsSeen() throws {
        var parser = HTTPRequestParser()
        parser.append(Array("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n".utf8))
        #expect(try parser.next() == nil)
        #expect(parser.expectsContinue && !parser.isEmpty)
        parser.append(Array("{}".utf8))
        #expect(try parser.next()?.body == Array("{}".utf8))
        #expect(!parser.expectsContinue && parser.isEmpty)
    }
}

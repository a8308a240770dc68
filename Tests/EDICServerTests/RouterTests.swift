import EDICJSON
import EDICLanguageID
import EDICNgram
import EDICNumerics
import EDICTokenizers
import EDICTransformers
import Synchronization
import SystemPackage
import Testing
import _EDICTestSupport

@testable import EDICServer

/// The API without sockets.
@Suite struct RouterTests {
    /// A small n-gram model and a small tokenizer, made here.
    static let service: ModelService = {
        do {
            let text = "the cat sat on the mat\nthe dog sat on the cat\n"
            var estimator = try NgramEstimator(.init(order: 2))
            try estimator.add(text: Array(text.utf8).span)
            var trainer = try TokenizerTrainer(.init(model: .byteLevelBPE, vocabularySize: 270))
            try trainer.add(text)
            return try ModelService(
                [
                    ServedModel(name: "cats", engine: .ngram(try estimator.finish().model)),
                    ServedModel(name: "bytes", engine: .tokenizer, tokenizer: try trainer.finish()),
                ], limits: ServerLimits(texts: 8), version: "1.2.3")
        } catch {
            fatalError("\(error)")
        }
    }()

    static func post(_ path: String, _ body: String, to service: ModelService = service) throws -> (Int, JSONValue) {
        try answer(service.respond(to: request(path, body)))
    }

    static func request(_ path: String, _ body: String) -> HTTPRequest {
        HTTPRequest(
            method: "POST", path: path, fields: [("content-type", "application/json; charset=utf-8")],
            body: Array(body.utf8))
    }

    static func answer(_ response: HTTPResponse) throws -> (Int, JSONValue) {
        guard case .bytes(let bytes) = response.body else { throw ServerError(.internalError, "a stream") }
        return (response.status, try JSONValue(parsing: bytes.span))
    }

    private func get(_ path: String, method: String = "GET") -> HTTPResponse {
        Self.service.respond(to: HTTPRequest(method: method, path: path))
    }

    /// Limits of nothing are no reason to end.
    @Test func impossibleLimitsAreHeldToWhatIsPossible() throws {
        let none = ServerLimits(
            bodyBytes: -1, texts: 0, generatedTokens: 0, running: 0, waiting: -1, seconds: .infinity, connections: -1,
            arrivalSeconds: .nan, idleSeconds: -1)
        let service = try ModelService([], limits: none)
        let (status, answer) = try Self.post("/v1/identify", #"{"text": ["Guten Tag"]}"#, to: service)
        #expect(status == 200, "\(answer)")
    }

    @Test func healthAndModels() throws {
        let (status, health) = try Self.answer(get("/health"))
        #expect(status == 200 && health["status"] == "ok" && health["version"] == "1.2.3")
        #expect(health["running"] == 0 && health["waiting"] == 0)
        let (_, list) = try Self.answer(get("/v1/models"))
        #expect(list["models"]?.array?.map { $0["name"]?.string } == ["cats", "bytes", "languages"])
        #expect(list["models"]?[0]?["tasks"] == ["score"])
        #expect(list["models"]?[1]?["tasks"] == ["tokenize"])
    }

    @Test func pageHasNothingFromElsewhere() {
        for path in ["/", "/page.css", "/page.js"] {
            let response = get(path)
            guard case .bytes(let bytes) = response.body else { continue }
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(response.status == 200 && bytes.count > 500)
            #expect(!text.contains("http://") && !text.contains("https://"))
        }
    }

    @Test func scores() throws {
        let (status, found) = try Self.post("/v1/score", #"{"text": ["the cat sat", "the zebra"]}"#)
        #expect(status == 200 && found["model"] == "cats")
        guard case .ngram(let model) = Self.service.models[0].engine else { return }
        #expect(found["results"]?[0]?["perplexity"]?.double == model.perplexity(of: "the cat sat").perplexity)
        #expect(found["results"]?[1]?["unknown_words"] == 1)
    }

    @Test func tokensThereAndBack() throws {
        let (status, found) = try Self.post("/v1/tokenize", #"{"text": "the cat", "model": "bytes"}"#)
        #expect(status == 200)
        let ids = try #require(found["results"]?[0]?["ids"])
        #expect(ids.array?.count == found["results"]?[0]?["tokens"]?.array?.count)
        for list in ["\(ids)", "[\(ids)]"] {
            let (_, back) = try Self.post("/v1/detokenize", "{\"ids\": \(list)}")
            #expect(back["results"]?[0]?["text"] == "the cat")
        }
        #expect(try Self.post("/v1/detokenize", #"{"ids": [99999]}"#).0 == 400)
    }

    @Test func identifies() throws {
        let (_, found) = try Self.post(
            "/v1/identify", #"{"text": ["Der Hafen ist im Winter geöffnet.", "1 2 3"], "candidates": 2}"#)
        #expect(found["results"]?[0]?["language"] == "de")
        #expect(found["results"]?[1]?["language"] == "und")
    }

    @Test(arguments: [
        ("/v1/score", "", 400), ("/v1/score", "[]", 400), ("/v1/score", "{}", 400), ("/v1/score", #"{"text": 1}"#, 400),
        ("/v1/score", #"{"text": [1]}"#, 400), ("/v1/score", #"{"text": "a", "txet": "b"}"#, 400),
        ("/v1/score", #"{"text": "a", "model": "dogs"}"#, 404), ("/v1/score", #"{"text": ""}"#, 400),
        ("/v1/score", #"{"text": "a", "model": "bytes"}"#, 400), ("/v1/translate", #"{"text": "a"}"#, 404),
        ("/v1/score", #"{"text": ["","","","","","","","",""]}"#, 400), ("/v1/nothing", "{}", 404),
        ("/v1/identify", #"{"text": "a", "candidates": 0}"#, 400), ("/health", "{}", 405), ("/", "{}", 405),
        ("/v1/detokenize", #"{"ids": [1, [2]]}"#, 400), ("/v1/detokenize", #"{"ids": [-1]}"#, 400),
        ("/v1/detokenize", #"{"ids": [[1], 2]}"#, 400),
    ])
    func wrongRequestsSayWhatIsWrong(path: String, body: String, status: Int) throws {
        let (found, error) = try Self.post(path, body)
        #expect(found == status, "\(path) \(body)")
        #expect(error["error"]?["status"]?.int == status)
        let message = error["error"]?["message"]?.string ?? ""
        #expect(message.count > 10 && !message.contains("\n") && !message.contains("ServerError"))
        #expect(error["error"]?["code"]?.string.map { ServerError.Code(rawValue: $0) } != nil)
    }

    @Test func onlyJSONIsTaken() throws {
        for fields in [[], [(name: "content-type", value: "text/plain")]] {
            let request = HTTPRequest(method: "POST", path: "/v1/score", fields: fields, body: Array("{}".utf8))
            #expect(Self.service.respond(to: request).status == 415)
        }
        let refused = get("/v1/score")
        #expect(refused.status == 405 && refused.fields.contains { $0 == ("allow", "POST") })
        #expect(get("/health", method: "DELETE").status == 405)
    }

    @Test func namesAreDifferent() throws {
        let models = Self.service.models
        #expect(throws: ServerError.self) { try ModelService([models[0], models[0]]) }
    }

    // MARK: - The gate

    @Test func fullQueueRefusesAndTimeRunsOut() throws {
        let gate = WorkGate(running: 1, waiting: 1)
        let limit = WorkLimit(seconds: 0.05) { true }
        do {
            let pass = try gate.enter(check: limit.check)
            #expect(gate.load == (1, 0))
            let error = #expect(throws: ServerError.self) { try gate.enter(check: limit.check) }
            #expect(error?.code == .timedOut && gate.load == (1, 0))
            pass.leave()
            pass.leave()
        }
        #expect(gate.load == (0, 0))
        let narrow = WorkGate(running: 1, waiting: 0)
        let pass = try narrow.enter(check: limit.check)
        #expect(#expect(throws: ServerError.self) { try narrow.enter(check: limit.check) }?.code == .busy)
        pass.leave()
        #expect(narrow.load == (0, 0))
    }

    @Test func neverMoreRunThanAllowed() async {
        let gate = WorkGate(running: 2, waiting: 100)
        let most = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<40 {
                group.addTask {
                    let limit = WorkLimit(seconds: 30) { true }
                    guard let pass = try? gate.enter(check: limit.check) else { return 99 }
                    defer { pass.leave() }
                    return gate.load.running
                }
            }
            return await group.reduce(0) { max($0, $1) }
        }
        #expect((1...2).contains(most))
        #expect(gate.load == (0, 0))
    }
}

/// The tasks of transformers, on the small published fixtures.
@Suite(.enabled(if: SharedData.isPresent)) struct TransformerRouteTests {
    static func model(_ name: String, as called: String) throws -> ServedModel {
        try ServedModel(contentsOf: FilePath(SharedData.path("goldens/" + name)), name: called)
    }

    /// With time enough for kernels that are not optimised, beside other tests.
    static func service(_ models: ServedModel...) throws -> ModelService {
        try ModelService(models, limits: ServerLimits(seconds: 600))
    }

    /// A folder may hold a tokenizer and no model.
    @Test func tokenizersAloneAreServed() throws {
        let folder = try TemporaryFolder()
        let bytes = try readFile(SharedData.path("goldens/llama/gqa/tokenizer.json"))
        let file = try FileDescriptor.open(
            FilePath("\(folder.path)/tokenizer.json"), .writeOnly, options: .create, permissions: .ownerReadWrite)
        try file.closeAfter { _ = try file.writeAll(bytes) }
        let model = try ServedModel(contentsOf: FilePath(folder.path), name: "words")
        guard case .tokenizer = model.engine else {
            Issue.record("\(model.kind)")
            return
        }
        // Beside weights it is a model's, whatever is wrong with that.
        let weights = try FileDescriptor.open(
            FilePath("\(folder.path)/model.safetensors"), .writeOnly, options: .create, permissions: .ownerReadWrite)
        try weights.close()
        #expect(throws: ModelError.self) { try ServedModel(contentsOf: FilePath(folder.path)) }
        #expect(throws: (any Error).self) { try ServedModel(contentsOf: FilePath("\(folder.path)/nothing")) }
    }

    /// What a model cannot do is the request's fault.
    @Test func chatsWithoutATemplateAreBadRequests() throws {
        let service = try Self.service(Self.model("gpt2", as: "plain"))
        let (status, found) = try RouterTests.post(
            "/v1/generate", #"{"messages": [{"role": "user", "content": "Hi"}]}"#, to: service)
        #expect(status == 400 && found["error"]?["code"]?.string == "bad_request", "\(status)")
        #expect(found["error"]?["message"]?.string?.contains("/") == false)
    }

    @Test func translatesLinesAsLines() throws {
        let model = try Self.model("marian-ssru", as: "tiny")
        let service = try Self.service(model)
        guard case .translation(let engine) = model.engine else { return }
        let texts = ["t5 t17 t33", "t40 t41"]
        let wanted = try engine.translate(texts).map(\.text)
        let (status, found) = try RouterTests.post(
            "/v1/translate", #"{"text": ["t5 t17 t33\n\nt40 t41", "t5 t17 t33"]}"#, to: service)
        #expect(status == 200)
        #expect(found["results"]?[0]?["text"]?.string == "\(wanted[0])\n\n\(wanted[1])")
        #expect(found["results"]?[1]?["text"]?.string == wanted[0])
        let (_, several) = try RouterTests.post(
            "/v1/translate", #"{"text": "t5 t17 t33", "beam": 3, "alternatives": 3}"#, to: service)
        #expect(several["results"]?[0]?["alternatives"]?.array?.count == 3)
        let greedy = #"{"text": "a", "beam": 2, "alternatives": 3}"#
        #expect(try RouterTests.post("/v1/translate", greedy, to: service).0 == 400)
        #expect(try RouterTests.post("/v1/translate", #"{"text": "a\nb", "alternatives": 2}"#, to: service).0 == 400)
    }

    /// Also within one long text: when the time is over, and when nobody waits any more.
    @Test func longTextsEndInTime() throws {
        let sentences = String(repeating: "T5 t17 t33. ", count: 4000)
        let body = #"{"text": "\#(sentences)"}"#
        let models = try [Self.model("marian-ssru", as: "tiny"), Self.model("bert", as: "bert")]
        let hurried = try ModelService(models, limits: ServerLimits(seconds: 0.02))
        let (status, _) = try RouterTests.post("/v1/translate", body, to: hurried)
        #expect(status == 504)
        let patient = try ModelService(models, limits: ServerLimits(seconds: 600))
        let texts = (0..<64).map { _ in #""a b c d""# }.joined(separator: ",")
        for (path, body, most) in [
            ("/v1/translate", body, 40), ("/v1/embed", #"{"text": [\#(texts)], "model": "bert"}"#, 4),
        ] {
            let asked = Counter()
            let left = patient.respond(to: RouterTests.request(path, body)) { asked.next() < most }
            // Whoever works on something else then asks once more.
            #expect(left.status == 503 && asked.next() < most + 1000)
        }
    }

    private final class Counter: Sendable {
        private let count = Atomic(0)
        func next() -> Int { count.add(1, ordering: .relaxed).newValue }
    }

    /// A stream that has begun ends with an event that says why, and one that has not with a status.
    @Test(arguments: [1, 40]) func streamsSayWhyTheyEnd(_ most: Int) throws {
        let service = try Self.service(Self.model("llama/gqa", as: "tiny"))
        let request = RouterTests.request(
            "/v1/generate", #"{"prompt": "a b", "max_tokens": 40, "temperature": 1, "stream": true}"#)
        let asked = Counter()
        let response = service.respond(to: request, isWanted: { asked.next() < most })
        guard case .stream(let produce) = response.body else {
            Issue.record("not a stream")
            return
        }
        var bytes: [UInt8] = []
        func run() throws {
            try produce {
                bytes += $0
                return true
            }
        }
        if most == 1 {
            #expect(throws: ServerError.self) { try run() }
            #expect(bytes.isEmpty)
        } else {
            try run()
            let events = String(decoding: bytes, as: UTF8.self).split(separator: "\n\n")
            #expect(events.count > 1 && events.last?.hasPrefix("event: error\n") == true)
        }
        #expect(service.gate.load == (0, 0))
    }

    @Test func generatesAtOnceAndAsEvents() throws {
        let service = try Self.service(Self.model("llama/gqa", as: "tiny"))
        let (status, whole) = try RouterTests.post("/v1/generate", #"{"prompt": "a b", "max_tokens": 8}"#, to: service)
        #expect(status == 200)
        let text = try #require(whole["text"]?.string)
        let request = RouterTests.request("/v1/generate", #"{"prompt": "a b", "max_tokens": 8, "stream": true}"#)
        let response = service.respond(to: request)
        guard case .stream(let produce) = response.body else {
            Issue.record("not a stream")
            return
        }
        var bytes: [UInt8] = []
        try produce {
            bytes += $0
            return true
        }
        let events = String(decoding: bytes, as: UTF8.self).split(separator: "\n\n").map { $0.split(separator: "\n") }
        #expect(events.last?.first == "event: end")
        #expect(service.gate.load == (0, 0))
        let pieces = try events.dropLast().map {
            try JSONValue(parsing: String($0[0].dropFirst("data: ".count)))["text"]?.string ?? ""
        }
        #expect(pieces.joined() == text)
        // A client that goes away ends the work.
        var count = 0
        guard case .stream(let again) = service.respond(to: request).body else { return }
        try again { _ in
            count += 1
            return false
        }
        #expect(count <= 2)
        #expect(try RouterTests.post("/v1/generate", #"{"max_tokens": 8}"#, to: service).0 == 400)
        #expect(try RouterTests.post("/v1/generate", #"{"prompt": "a", "max_tokens": 0}"#, to: service).0 == 400)
        let chat = #"{"messages": [{"role": "user", "content": "hello"}], "max_tokens": 2}"#
        let (chatStatus, answer) = try RouterTests.post("/v1/generate", chat, to: service)
        #expect(chatStatus == 200, "\(answer)")
    }

    @Test func embedsAndScores() throws {
        let service = try Self.service(Self.model("bert", as: "bert"), Self.model("llama/gqa", as: "llama"))
        let (status, found) = try RouterTests.post("/v1/embed", #"{"text": ["a b", "c"]}"#, to: service)
        #expect(status == 200 && found["results"]?.array?.count == 2)
        #expect(try RouterTests.post("/v1/embed", #"{"text": "a", "model": "llama"}"#, to: service).0 == 400)
        let (_, scores) = try RouterTests.post("/v1/score", #"{"text": "a b c"}"#, to: service)
        let result = try #require(scores["results"]?[0])
        #expect(result["tokens"]?.array?.count == (result["log_probabilities"]?.array?.count ?? 0) + 1)
    }
}

internal import EDICJSON
internal import EDICLanguageID
public import EDICNumerics

/// Answers the requests of the HTTP API with some models. It knows nothing of sockets: a request value goes in, a response
/// value comes out.
///
/// ```swift
/// let service = try ModelService([ServedModel(contentsOf: "Models/en-pt")])
/// let response = service.respond(to: HTTPRequest(method: "GET", path: "/v1/models"))
/// ```
///
/// May be called from several threads at once.
public final class ModelService: Sendable {
    /// What is served.
    public let models: [ServedModel]
    /// What a request may ask for.
    public let limits: ServerLimits
    let pool: WorkerPool
    let gate: WorkGate
    private let version: String
    private let start = ContinuousClock.now

    /// - Parameters:
    ///   - models: what is served; a request that names none gets the first that can do what it asks for. Where none
    ///     identifies languages, the built-in model does, under the name `languages`.
    ///   - version: what `/health` says.
    ///   - pool: the threads that requests share.
    /// - Throws: `invalidModel` where two models have one name.
    public init(
        _ models: [ServedModel], limits: ServerLimits = ServerLimits(), version: String = "",
        pool: WorkerPool = .shared
    ) throws {
        var models = models
        if !models.contains(where: { $0.tasks.contains(.identify) }) {
            models.append(ServedModel(name: "languages", engine: .identifier(try .builtIn())))
        }
        var names: Set<String> = []
        for model in models where !names.insert(model.name).inserted {
            throw ServerError(
                .invalidModel, "two models are called \(model.name); give one another name: --model NAME=PATH")
        }
        self.models = models
        self.limits = limits.possible
        self.version = version
        self.pool = pool
        gate = WorkGate(running: limits.running, waiting: limits.waiting)
    }

    /// The answer to a request; every failure is one too.
    ///
    /// - Parameter isWanted: whether anybody still waits for the answer; work stops soon after nobody does.
    public func respond(to request: HTTPRequest, isWanted: @escaping @Sendable () -> Bool = { true }) -> HTTPResponse {
        do {
            return try route(request, WorkLimit(seconds: limits.seconds, isWanted: isWanted))
        } catch {
            var response = HTTPResponse(error)
            if ServerError(error).code == .methodNotAllowed {
                response.fields.append(("allow", Self.isAction(request.path) ? "POST" : "GET, HEAD"))
            }
            return response
        }
    }

    private static let prefix = "/v1/"

    private static func isAction(_ path: String) -> Bool {
        path.hasPrefix(prefix) && path != prefix + "models"
    }

    private func route(_ request: HTTPRequest, _ limit: WorkLimit) throws -> HTTPResponse {
        if let page = WebPage.file(at: request.path) {
            try expect(["GET", "HEAD"], request)
            return page
        }
        switch request.path {
        case "/health":
            try expect(["GET", "HEAD"], request)
            return health
        case Self.prefix + "models":
            try expect(["GET", "HEAD"], request)
            return list
        case Self.prefix + "detokenize":
            try expect(["POST"], request)
            return try detokenize(request, limit)
        default:
            guard request.path.hasPrefix(Self.prefix),
                let task = ServiceTask(rawValue: String(request.path.dropFirst(Self.prefix.count)))
            else {
                throw ServerError(
                    .notFound,
                    "there is no \(request.path); there are /, /health, /v1/models, /v1/detokenize and "
                        + ServiceTask.allCases.map { Self.prefix + $0.rawValue }.joined(separator: ", "))
            }
            try expect(["POST"], request)
            switch task {
            case .translate: return try translate(request, limit)
            case .generate: return try generate(request, limit)
            case .embed: return try embed(request, limit)
            case .tokenize: return try tokenize(request, limit)
            case .score: return try score(request, limit)
            case .identify: return try identify(request, limit)
            }
        }
    }

    private func expect(_ methods: [String], _ request: HTTPRequest) throws(ServerError) {
        guard methods.contains(request.method) else {
            throw ServerError(.methodNotAllowed, "\(request.path) takes \(methods[0]), not \(request.method)")
        }
    }

    // MARK: - What there is

    private var health: HTTPResponse {
        let load = gate.load
        return HTTPResponse { writer in
            writer.beginObject()
            writer.member("status", "ok")
            writer.member("version", version)
            writer.member("uptime_seconds", Int((ContinuousClock.now - start) / .seconds(1)))
            writer.member("running", load.running)
            writer.member("waiting", load.waiting)
            writer.endObject()
        }
    }

    private var list: HTTPResponse {
        HTTPResponse { writer in
            writer.beginObject()
            writer.key("models")
            writer.beginArray()
            for model in models {
                writer.beginObject()
                writer.member("name", model.name)
                writer.member("kind", model.kind)
                writer.key("tasks")
                writer.beginArray()
                for task in model.tasks { writer.value(task.rawValue) }
                writer.endArray()
                writer.endObject()
            }
            writer.endArray()
            writer.endObject()
        }
    }

    /// The model that a request names, or the first one that can do the task.
    func model(for task: ServiceTask, named name: String?) throws(ServerError) -> ServedModel {
        let able = models.filter { $0.tasks.contains(task) }
        guard let name else {
            guard let first = able.first else {
                throw ServerError(
                    .notFound, "no model here can \(task.rawValue); start the server with one: --model PATH")
            }
            return first
        }
        guard let model = models.first(where: { $0.name == name }) else {
            throw ServerError(
                .notFound, "there is no model \(name); there are \(models.map(\.name).joined(separator: ", "))")
        }
        guard model.tasks.contains(task) else {
            let names = able.map(\.name).joined(separator: ", ")
            throw ServerError(
                .badRequest,
                "\(name) is a \(model.kind) and cannot \(task.rawValue)" + (able.isEmpty ? "" : "; \(names) can"))
        }
        return model
    }
}

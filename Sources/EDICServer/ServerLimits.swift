/// What a server takes on, so that no client can fill its memory or keep it from the others.
public struct ServerLimits: Sendable, Hashable {
    /// The largest body of a request, in bytes.
    public var bodyBytes: Int
    /// The most texts, or lines of texts, in a request.
    public var texts: Int
    /// The most tokens a request may have generated.
    public var generatedTokens: Int
    /// Requests computed at once. Each uses all threads where it can.
    public var running: Int
    /// Requests that wait for their turn; more are refused at once.
    public var waiting: Int
    /// How long a request may wait and compute, in seconds.
    public var seconds: Double
    /// Connections open at once; more are refused.
    public var connections: Int
    /// How long a request may take to arrive, in seconds.
    public var arrivalSeconds: Double
    /// How long a connection may stay open without a request, in seconds.
    public var idleSeconds: Double

    public init(
        bodyBytes: Int = 1 << 20, texts: Int = 1024, generatedTokens: Int = 4096, running: Int = 2, waiting: Int = 32,
        seconds: Double = 60, connections: Int = 128, arrivalSeconds: Double = 30, idleSeconds: Double = 60
    ) {
        self.bodyBytes = bodyBytes
        self.texts = texts
        self.generatedTokens = generatedTokens
        self.running = running
        self.waiting = waiting
        self.seconds = seconds
        self.connections = connections
        self.arrivalSeconds = arrivalSeconds
        self.idleSeconds = idleSeconds
    }

    /// The same with what a server can keep to: at least one of everything that a request needs, and times that have an end.
    var possible: ServerLimits {
        func time(_ seconds: Double) -> Double { seconds.isNaN ? 0 : min(max(0, seconds), 1e9) }
        return ServerLimits(
            bodyBytes: max(0, bodyBytes), texts: max(1, texts), generatedTokens: max(1, generatedTokens),
            running: max(1, running), waiting: max(0, waiting), seconds: time(seconds),
            connections: max(0, connections),
            arrivalSeconds: time(arrivalSeconds), idleSeconds: time(idleSeconds))
    }
}

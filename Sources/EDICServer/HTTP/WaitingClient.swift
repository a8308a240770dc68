internal import Synchronization

/// Tells whether the client of a connection still waits for its answer.
///
/// One that has only closed its sending side (`nc -N`) does, but looks like one that has closed everything, until something
/// is sent: the system of the second refuses it. So an interim answer is sent, once for a request and before its answer.
/// Clients skip it (RFC 9110, 15.2); it is a `100`, because some (Python's `http.client`) skip no other. HTTP/1.0 has none;
/// there such a client counts as waiting.
final class WaitingClient: Sendable {
    private let socket: Socket
    private let mayBeAsked = Mutex(false)

    init(_ socket: Socket) { self.socket = socket }

    /// Work on an answer begins.
    func beginsToWait(isHTTP11: Bool) { mayBeAsked.withLock { $0 = isHTTP11 } }

    /// The answer begins; what is sent shows itself whether it is taken.
    func isAnswered() { mayBeAsked.withLock { $0 = false } }

    /// From any thread.
    var isWaiting: Bool {
        switch socket.peer {
        case .open: return true
        case .gone: return false
        case .silent:
            // Within the lock, so that nothing of the answer is sent meanwhile.
            return mayBeAsked.withLock { mayBeAsked in
                guard mayBeAsked else { return true }
                mayBeAsked = false
                return socket.send(HTTPResponse.interim, milliseconds: 0)
            }
        }
    }
}

import EDICStore

/// Names a task by everything its outputs depend on: the stage and its version, the parameters, the digests of the
/// inputs. Equal keys promise equal outputs, so a task whose key is known is not run again.
struct TaskKey: Sendable, Hashable {
    let digest: Digest

    /// - Parameters:
    ///   - stage: the stage's name.
    ///   - version: raised whenever the stage would make other bytes of the same inputs.
    ///   - parts: parameters and input digests; their order and borders count.
    init(stage: String, version: Int, parts: [String]) {
        var builder = Digest.Builder()
        for part in [EDICVersion.current, stage, String(version)] + parts {
            builder.update("\(part.utf8.count):")
            builder.update(part)
        }
        digest = builder.finalize()
    }
}

/// The version of the toolkit.
public enum EDICVersion {
    /// As `edic --version` says it.
    public static let current = "0.1.0"
}

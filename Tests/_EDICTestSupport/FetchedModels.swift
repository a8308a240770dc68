/// Published models that `Tools/fetch models` brings. Tests that need one are marked
/// `.enabled(if: FetchedModels.has("en-pt"))`; `Tools/test` fetches them first where `CI` is set.
public enum FetchedModels {
    /// The environment variable `EDIC_MODELS` says where they are, if elsewhere.
    public static let root: String = environment("EDIC_MODELS") ?? "Models/fetched"

    public static func path(_ name: String) -> String { "\(root)/\(name)" }

    /// Whether the model is there. In continuous integration the answer is yes, so that a missing one is a failure.
    public static func has(_ name: String) -> Bool {
        if isContinuousIntegration || fileExists(path(name)) { return true }
        note("tests of \(path(name)) are skipped; Tools/fetch models brings it")
        return false
    }
}

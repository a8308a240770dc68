import EDICTokenizers
import Testing

/// Expects an error of this code whose message has these words.
func expectRefusal<Result>(
    _ code: TokenizerError.Code, _ words: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () throws -> Result
) {
    let error = #expect(throws: TokenizerError.self, sourceLocation: sourceLocation) { _ = try body() }
    guard let error else { return }
    #expect(
        error.code == code && error.message.contains(words), "\(error.code): \(error.message)",
        sourceLocation: sourceLocation)
}

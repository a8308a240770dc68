internal import EDICTokenizers
internal import SystemPackage

/// Text to tokens and back, as a model's files say.
struct TextCodec: Sendable {
    func encode(_ text: String, addingSpecialTokens: Bool = true) -> [Int] { [] }
    func decode(_ tokens: [Int]) throws(ModelError) -> String { "" }
    init(gguf: FilePath) throws(ModelError) {}
    init(folder: FilePath) throws(ModelError) {}
}

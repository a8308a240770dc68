internal import EDICJSON
internal import EDICStore
internal import EDICTokenizers
internal import SystemPackage

extension TextCodec {
    /// What a folder says of the SentencePiece file in it, which itself says nothing of tokens around a text, of tokens that
    /// were added, and of how `LlamaTokenizer` treats spaces.
    struct SentencePieceFolder {
        private let file: FilePath
        private let configuration: ModelConfiguration?
        private let folder: FilePath

        /// Nil where the folder has a `tokenizer.json`, or no `tokenizer.model`.
        init?(_ folder: FilePath) throws(ModelError) {
            guard !FileTree.exists(folder.appending("tokenizer.json")),
                FileTree.exists(folder.appending("tokenizer.model"))
            else { return nil }
            let path = folder.appending("tokenizer_config.json")
            self.folder = folder
            file = folder.appending("tokenizer.model")
            configuration = FileTree.exists(path) ? try ModelConfiguration(path) : nil
        }

        private var isLlama: Bool { configuration?.string("tokenizer_class")?.hasPrefix("Llama") ?? true }

        func tokenizer() throws(ModelError) -> Tokenizer {
            let added = try addedTokens()
            guard isLlama else {
                let tokenizer = try TextCodec.tokenizer(file)
                // How another class treats spaces around them is not known here.
                if let token = added.first(where: { tokenizer.id(of: $0.content) != $0.id }) {
                    throw ModelError(
                        .unsupported,
                        "\(folder): its tokenizer adds tokens to tokenizer.model, such as \(token.content); save it as"
                            + " tokenizer.json")
                }
                return tokenizer
            }
            var rules = LlamaTokenizerRules()
            if !(configuration?.bool("add_prefix_space", default: true) ?? true) {
                rules.spacePrefix = .never
            } else if configuration?.bool("legacy", default: false) == true {
                rules.spacePrefix = .always
            }
            rules.addedTokens = added
            return try TextCodec.reading(file) { () throws(TokenizerError) in try Tokenizer(llama: file, rules: rules) }
        }

        /// The tokens around a text: the custom of Llama's tokenizers, where nothing is said, is one in front.
        func around(_ tokenizer: Tokenizer) -> (before: [UInt32], after: [UInt32]) {
            let begins = configuration?.bool("add_bos_token", default: isLlama) ?? true
            let ends = configuration?.bool("add_eos_token", default: false) ?? false
            return (
                [begins ? tokenizer.beginningOfText : nil].compactMap(\.self),
                [ends ? tokenizer.endOfText : nil].compactMap(\.self)
            )
        }

        /// `added_tokens_decoder` of the configuration, or else the older `added_tokens.json`.
        private func addedTokens() throws(ModelError) -> [AddedToken] {
            if let configuration, let listed = configuration["added_tokens_decoder"]?.object {
                return try listed.map { entry throws(ModelError) in
                    guard let id = UInt32(entry.key), id < 1 << 24, let text = entry.value["content"]?.string else {
                        throw ModelError(
                            .malformed, "\(configuration.source): added_tokens_decoder.\(entry.key) is no token")
                    }
                    func flag(_ key: String) -> Bool { entry.value[key]?.bool ?? false }
                    var token = AddedToken(id: id, content: text, isSpecial: flag("special"), isNormalized: false)
                    token.singleWord = flag("single_word")
                    token.stripsLeft = flag("lstrip")
                    token.stripsRight = flag("rstrip")
                    return token
                }
            }
            let path = folder.appending("added_tokens.json")
            guard FileTree.exists(path) else { return [] }
            guard let listed = try JSONFile.read(path).object else {
                throw ModelError(.malformed, "\(path): is not a JSON object of tokens and numbers")
            }
            let special = specialTexts
            return try listed.map { entry throws(ModelError) in
                guard let number = entry.value.int, (0..<1 << 24).contains(number) else {
                    throw ModelError(.malformed, "\(path): the number of \(entry.key) is no token number")
                }
                return AddedToken(
                    id: UInt32(number), content: entry.key, isSpecial: special.contains(entry.key), isNormalized: false)
            }
        }

        /// The texts of the tokens with a role.
        private var specialTexts: Set<String> {
            let roles = ["bos", "eos", "unk", "sep", "pad", "cls", "mask"].map { $0 + "_token" }
            var found = Set(["<s>", "</s>", "<unk>"])
            guard let configuration else { return found }
            for value in roles.compactMap({ configuration[$0] }) {
                if let text = value.string ?? value["content"]?.string { found.insert(text) }
            }
            for list in ["additional_special_tokens", "extra_special_tokens"] {
                for value in configuration[list]?.array ?? [] {
                    if let text = value.string ?? value["content"]?.string { found.insert(text) }
                }
            }
            return found
        }
    }
}

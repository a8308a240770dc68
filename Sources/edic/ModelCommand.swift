import ArgumentParser
import EDICBuilds
import EDICJSON
import EDICText
import EDICTransformers
import SystemPackage

struct ModelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model",
        abstract: "Look into models' files.",
        subcommands: [ModelInspectCommand.self])
}

struct ModelInspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Say what a model is and what its files hold, without loading it.",
        discussion: """
            "Memory" is about what a run takes at its peak, at the default --precision and with one text of some hundred \
            tokens: the weights, but for tables that stay in the file, and 18 MiB for program, tokenizer and text. Batches \
            of many lines, long contexts and several texts at a time take more.

            EXAMPLES
              edic model inspect Models/en-pt
              edic model inspect --tensors smollm2.gguf
              edic model inspect --json Models/en-pt | jq '.tensors | length'
            """)

    @Argument(help: "The model: a folder, or a GGUF file.", completion: .file())
    var path: String

    @Flag(help: "List every tensor with its type, shape and size.")
    var tensors = false

    @Flag(help: "Print everything as JSON.")
    var json = false

    func run() throws {
        let inspection = try ModelInspection(try ModelFolder.discover(in: FilePath(path)))
        if json { Terminal.output(Self.json(inspection)) } else { Terminal.report(text(inspection)) }
    }

    private static func name(_ kind: ModelKind) -> String {
        switch kind {
        case .translation: "translation"
        case .causalLanguageModel: "language model"
        case .textEmbedder: "text embedder"
        }
    }

    private func text(_ model: ModelInspection) -> String {
        let types = model.byteCountByType.map { "\($0.type) \(FigureText.bytes($0.byteCount))" }
        var lines = [
            ("Kind", "\(Self.name(model.kind)), \(model.family)"),
            ("Parameters", FigureText.grouped(model.parameterCount)),
            ("Tensors", "\(model.tensors.count): \(types.joined(separator: ", "))"),
            ("Memory", "about \(FigureText.bytes(model.memoryByteCount)), weights as published and one short text"),
        ]
        lines += model.facts.map { name, value in
            let value = value.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "⏎")
            return (name.onOneLine, (value.count > 100 ? value.prefix(99) + "…" : value).onOneLine)
        }
        let width = lines.reduce(0) { max($0, $1.0.count) } + 2
        var text = "\(model.path)\n" + lines.map { "  \($0.0.padding(to: width))\($0.1)\n" }.joined()
        if tensors {
            let width = model.tensors.reduce(0) { max($0, $1.name.count) } + 2
            text += "\n"
            for tensor in model.tensors {
                let shape = tensor.shape.map { String($0) }.joined(separator: " × ")
                text += "  \(tensor.name.onOneLine.padding(to: width))\(tensor.type.onOneLine.padding(to: 8))"
                text += "\(shape.padding(to: 18))\(FigureText.bytes(tensor.byteCount))\n"
            }
        }
        return text
    }

    private static func json(_ model: ModelInspection) -> String {
        var writer = JSONWriter(layout: .indented)
        writer.beginObject()
        writer.member("path", model.path)
        writer.member("kind", name(model.kind))
        writer.member("family", model.family)
        writer.member("parameters", model.parameterCount)
        writer.member("bytes", model.byteCount)
        writer.member("memory", model.memoryByteCount)
        writer.key("facts")
        writer.beginObject()
        for (name, value) in model.facts { writer.member(name, value) }
        writer.endObject()
        writer.key("tensors")
        writer.beginArray()
        for tensor in model.tensors {
            writer.beginObject()
            writer.member("name", tensor.name)
            writer.member("type", tensor.type)
            writer.key("shape")
            writer.beginArray()
            for size in tensor.shape { writer.value(size) }
            writer.endArray()
            writer.member("bytes", tensor.byteCount)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        writer.endLine()
        return writer.bytes.text
    }
}

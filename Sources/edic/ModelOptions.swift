import ArgumentParser
import EDICTransformers
import SystemPackage

/// Which transformer model runs, and in which arithmetic.
struct ModelOptions: ParsableArguments {
    enum Arithmetic: String, ExpressibleByArgument, CaseIterable {
        case published, float32, int8

        var precision: Precision {
            switch self {
            case .published: .asPublished
            case .float32: .float32
            case .int8: .int8
            }
        }
    }

    @Option(name: .shortAndLong, help: "The model: a folder, or a GGUF file.", completion: .file())
    var model: String

    @Option(help: "Compute as published, in float32 (the reference), or in int8 (the fastest).")
    var precision = Arithmetic.published

    var path: FilePath { FilePath(model) }
}

import ArgumentParser
import EDICBuilds
import EDICJSON
import EDICNgram
import SystemPackage

struct LMMixCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mix",
        abstract: "Make one model of several.",
        discussion: """
            The mixture has all words and n-grams of all models. Give the weights, or a held-out text to tune them on: \
            sentences like those the mixture is for, which no model was trained on.

            EXAMPLES
              edic lm mix news.edlm law.edlm --held-out law-held-out.txt -o mixed.edlm
              edic lm mix a.arpa b.arpa --weights 0.7,0.3 -o mixed.arpa
              edic lm mix a.edlm b.edlm --kind log-linear \\
                  --held-out dev.txt -o mixed.edlm --quantize 8
            """)

    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case linear
        case logLinear = "log-linear"
        var kind: MixtureKind { self == .linear ? .linear : .logLinear }
    }

    @Argument(help: "The models: ARPA, .edlm, or a KenLM trie.", completion: .file())
    var models: [String]

    @Option(help: "linear or log-linear: the mean of probabilities, or their normalised product.")
    var kind = Kind.linear

    @Option(help: "A weight for each model, with commas between.")
    var weights: String?

    @Option(help: "Text to tune the weights on, one sentence a line, plain or compressed.", completion: .file())
    var heldOut: String?

    @OptionGroup var target: LMTargetOptions

    @Flag(help: "Print the weights as JSON.")
    var json = false

    func validate() throws {
        if models.count < 2 { throw ValidationError("a mixture takes two models or more") }
        if (weights == nil) == (heldOut == nil) { throw ValidationError("give either --weights or --held-out") }
        if let given = try given(), given.count != models.count {
            throw ValidationError("--weights has \(given.count) numbers for \(models.count) models")
        }
    }

    private func given() throws -> [Double]? {
        guard let weights else { return nil }
        return try weights.split(separator: ",", omittingEmptySubsequences: false).map { word in
            guard let number = Double(word), number >= 0, number.isFinite else {
                throw ValidationError("--weights is numbers with commas between, such as 0.7,0.3; \"\(word)\" is none")
            }
            return number
        }
    }

    func run() throws {
        try OutputFiles.check([target.output], apartFrom: models + [heldOut].compactMap(\.self))
        let (chosen, perplexity) = try StepProgress.during(mix)
        guard json else {
            for (name, weight) in zip(models, chosen) { Terminal.report("\(Decimals.fixed(weight, 4))  \(name)") }
            if let perplexity {
                Terminal.outputLine(
                    "Held-out perplexity, on the words of the model that knows most of them: "
                        + Decimals.fixed(perplexity, 2))
            }
            return
        }
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("kind", kind.rawValue)
        writer.key("weights")
        writer.beginArray()
        for weight in chosen { writer.value(weight) }
        writer.endArray()
        if let perplexity { writer.member("held_out_perplexity", perplexity) }
        writer.endObject()
        writer.endLine()
        Terminal.output(writer.bytes.span)
    }

    /// Writes the mixture, and gives the weights and the perplexity they were tuned to.
    private func mix(_ progress: StepProgress) throws -> (weights: [Double], perplexity: Double?) {
        let opened = try models.map { try LMTargetOptions.open($0, progress) }
        var (chosen, perplexity): ([Double], Double?) = (try given() ?? [], nil)
        if let heldOut {
            progress.show("tuning the weights")
            var text: [UInt8] = []
            try TextInput([heldOut]).forEachDocument { _, bytes in text += bytes }
            let tuned = try NgramModel.tunedWeights(of: opened, kind: kind.kind, heldOut: text.span)
            (chosen, perplexity) = (tuned.weights, tuned.perplexity)
        }
        progress.show("mixing")
        let mixture = try NgramModel.mixture(of: opened, weights: chosen, kind: kind.kind)
        try target.write(mixture, progress)
        return (chosen, perplexity)
    }
}

struct LMPruneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Leave out the n-grams that matter least.",
        discussion: """
            An n-gram goes when the model's perplexity rises by less than a share of --threshold without it. What is \
            left is normalised again.

            EXAMPLES
              edic lm prune de.edlm --threshold 1e-8 -o small.edlm
              edic lm prune de.arpa.gz --threshold 1e-7 -o small.edlm --quantize 8
              edic lm prune de.edlm --threshold 1e-6 -o small.arpa.gz --json
            """)

    @Argument(help: "The model: ARPA, .edlm, or a KenLM trie.", completion: .file())
    var model: String

    @Option(help: "The share, 1e-9 to 1e-6 in practice; more is smaller.")
    var threshold: Double

    @OptionGroup var target: LMTargetOptions

    @Flag(help: "Print the numbers of n-grams as JSON.")
    var json = false

    func validate() throws {
        if !(threshold >= 0 && threshold.isFinite) { throw ValidationError("--threshold is 0 or more, such as 1e-8") }
    }

    func run() throws {
        try OutputFiles.check([target.output], apartFrom: [model])
        let (whole, pruned) = try StepProgress.during { progress in
            let whole = try LMTargetOptions.open(model, progress)
            progress.show("pruning")
            let pruned = try whole.pruned(threshold: threshold)
            try target.write(pruned, progress)
            return (whole, pruned)
        }
        let kept = whole.counts.indices.map { pruned.counts.indices.contains($0) ? pruned.counts[$0] : 0 }
        guard json else {
            for (index, count) in whole.counts.enumerated() {
                let numbers = (FigureText.grouped(kept[index]), FigureText.grouped(count))
                Terminal.outputLine("\(index + 1)-grams: \(numbers.0) of \(numbers.1)")
            }
            return
        }
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("orders")
        writer.beginArray()
        for (index, count) in whole.counts.enumerated() {
            writer.beginObject()
            writer.member("had", count)
            writer.member("kept", kept[index])
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        writer.endLine()
        Terminal.output(writer.bytes.span)
    }
}

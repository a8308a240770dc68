import ArgumentParser
import EDICJSON
import EDICNumerics
import EDICText
import EDICTransformers
import SystemPackage

struct TranslateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "translate",
        abstract: "Translate each line.",
        discussion: """
            Lines stay lines, in their order; an empty one stays empty. A line of several sentences that is long is \
            translated sentence by sentence and put together again. With --n-best each alternative is a line as Marian \
            prints it: the line's number from 0, the text, the score, with ||| between; a line that is translated \
            sentence by sentence has one. With --alignment the numbers of source and target tokens that belong together \
            follow, from 0, with - between: the source token that each target token looked at most, with the head that \
            Marian's guided alignment trains, or with all heads of the last layer in models of Hugging Face. A model into several languages is told which one in front of each line, as in \
            ">>por<< It rains."; all sentences of the line are in it then.

            EXAMPLES
              echo "The harbour is open." | edic translate --model Models/en-pt
              edic translate --model Models/en-pt --beam 4 letters.txt > letters.pt.txt
              edic translate --model Models/en-pt --beam 4 --n-best 4 --json letters.txt
              echo "It rains." | edic translate --model Models/en-pt --prefix "Está" \\
                  --alignment
            """)

    @OptionGroup var choice: ModelOptions
    @OptionGroup var text: TextOptions

    @Option(help: "Hypotheses followed at once; 1 is greedy. The model's files say the default.")
    var beam: Int?

    @Option(help: "Translations printed for each line, at most --beam.")
    var nBest = 1

    @Flag(inversion: .prefixedNo, help: "Use the model's lexical shortlist, if it has one.")
    var shortlist = true

    @Option(help: "Lines computed together.")
    var batch: Int?

    @Option(help: "How each translation begins.")
    var prefix: String?

    @Option(help: "The source's language, as a tag such as en: its rules cut long lines into sentences.")
    var language: String?

    @Flag(help: "Print which source token each target token looked at most.")
    var alignment = false

    @Flag(help: "Print a JSON object for each line.")
    var json = false

    @OptionGroup var work: WorkerOptions

    func validate() throws {
        if nBest < 1 { throw ValidationError("--n-best is 1 or more") }
        if let batch, !(1...1 << 16).contains(batch) { throw ValidationError("--batch is 1 to \(1 << 16)") }
        if let beam, beam < 1 { throw ValidationError("--beam is 1 or more") }
        if let language, ((try? LanguageTag(language))?.language.count ?? .max) > 3 {
            throw ValidationError("--language '\(language)' is not a language's tag such as en or pt-BR")
        }
        if let beam, beam < nBest { throw ValidationError("--n-best \(nBest) needs --beam \(nBest) or more") }
    }

    func run() throws {
        let pool = work.makePool()
        let model = try ModelMemory.opening {
            try TranslationModel(folder: choice.path, precision: choice.precision.precision, pool: pool)
        }
        var options = model.defaultOptions
        options.beamSize = beam ?? max(options.beamSize, nBest)
        options.alternatives = nBest
        options.usesShortlist = shortlist
        options.returnsAlignments = alignment
        options.sourceLanguage = language
        if let batch { options.batchSize = batch }
        // Greedy search chooses the same words by raw scores, and no score is printed.
        if options.beamSize == 1 && !json { options.skipsCost = true }
        var number = 0
        let progress = LineProgress("translated")
        defer { progress.finish() }
        Interruption.stopInOrder()
        let shared = options.batchSize * pool.workers
        try text.input.forEachBatch(lines: shared...8 * shared, verb: "translated") { sentences, _ in
            var output: [UInt8] = []
            let translations = try model.translate(
                sentences, options: options, prefixes: prefix.map { Array(repeating: $0, count: sentences.count) },
                pool: pool, progress: { progress.show($0) }, shouldStop: { Interruption.shouldStop })
            for (sentence, translation) in zip(sentences, translations) {
                append(translation, of: sentence, number: number, to: &output)
                number += 1
            }
            progress.finish()
            Terminal.output(output.span)
            progress.add(sentences.count)
        }
    }

    private func append(_ translation: Translation, of sentence: String, number: Int, to output: inout [UInt8]) {
        if json {
            var writer = JSONWriter()
            writer.beginObject()
            writer.member("line", number + 1)
            writer.member("source", sentence)
            writer.key("translations")
            writer.beginArray()
            for alternative in translation.alternatives {
                writer.beginObject()
                writer.member("text", alternative.text)
                writer.member("score", alternative.score)
                if alignment {
                    writer.key("tokens")
                    writer.beginArray()
                    for token in alternative.tokens { writer.value(token) }
                    writer.endArray()
                    writer.key("alignment")
                    writer.beginArray()
                    for place in alternative.mostAttended { writer.value(place) }
                    writer.endArray()
                }
                writer.endObject()
            }
            writer.endArray()
            writer.endObject()
            writer.endLine()
            output += writer.bytes
        } else {
            for alternative in translation.alternatives {
                var fields = [alternative.text]
                if nBest > 1 {
                    fields.insert(String(number), at: 0)
                    fields.append(Decimals.fixed(Double(alternative.score), 4))
                }
                if alignment {
                    let pairs = alternative.mostAttended.enumerated().map { "\($1)-\($0)" }
                    fields.append(pairs.joined(separator: " "))
                }
                output.appendLine(fields.joined(separator: " ||| "))
            }
            // An empty line has no translation, and stays a line; among alternatives its number is missing.
            if translation.alternatives.isEmpty && nBest == 1 { output.appendLine("") }
        }
    }
}

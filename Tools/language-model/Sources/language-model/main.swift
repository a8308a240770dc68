import EDICLanguageID
import Foundation
import SystemPackage

// language-model train FOLDER MODEL [SLOTS [SNIPPETS]]     one file TAG.txt per class, a text a line
// language-model judge FOLDER [MODEL|LID.ftz]              the same layout: accuracy, confusions, calibration, speed

func lines(_ folder: String) -> [(tag: String, lines: [[UInt8]])] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(".txt") }.sorted().map { name in
        let bytes = FileManager.default.contents(atPath: "\(folder)/\(name)").map(Array.init) ?? []
        return (String(name.dropLast(4)), bytes.split(separator: 0x0A).map(Array.init))
    }
}

func train(_ arguments: [String]) throws {
    var options = LanguageIdentifierTrainer.Options()
    if arguments.count > 2, let slots = Int(arguments[2]) { options.slots = slots }
    if arguments.count > 3, let snippets = Int(arguments[3]) { options.snippets = snippets }
    var trainer = LanguageIdentifierTrainer(options: options)
    for (tag, text) in lines(arguments[0]) { trainer.add(tag, lines: text) }
    let model = try trainer.train { share in FileHandle.standardError.write(Data("\r\(Int(share * 100)) %".utf8)) }
    try Data(model).write(to: URL(fileURLWithPath: arguments[1]))
    print("\n\(model.count) bytes")
}

func judge(_ arguments: [String]) throws {
    let identifier: LanguageIdentifier
    if arguments.count < 2 {
        identifier = try .builtIn()
    } else if arguments[1].hasSuffix(".ftz") || arguments[1].hasSuffix(".fasttext") {
        identifier = LanguageIdentifier(fastText: try FastTextModel(contentsOf: FilePath(arguments[1])))
    } else {
        identifier = try LanguageIdentifier(contentsOf: FilePath(arguments[1]))
    }
    var right = 0
    var all = 0
    var bytes = 0
    var seconds = 0.0
    var error = 0.0
    var f1: [Double] = []
    var answered: [String: Int] = [:]
    var rows: [(String, Int, [String: Int])] = []
    var bins = [(count: Int, right: Int, sum: Double)](repeating: (0, 0, 0), count: 10)
    for (language, texts) in lines(arguments[0]) {
        var answers: [String: Int] = [:]
        // Processor time: other work on the machine does not count.
        let start = clock()
        let found = texts.map { identifier.identify($0.span, limit: 1).first }
        seconds += Double(clock() - start) / Double(CLOCKS_PER_SEC)
        for (text, first) in zip(texts, found) {
            let answer = first?.language.description ?? "-"
            answers[answer, default: 0] += 1
            answered[answer, default: 0] += 1
            bytes += text.count
            let probability = first?.probability ?? 0
            let bin = min(9, Int(probability * 10))
            bins[bin].count += 1
            bins[bin].sum += probability
            if answer == language { bins[bin].right += 1 }
        }
        all += texts.count
        right += answers[language] ?? 0
        rows.append((language, texts.count, answers))
    }
    for (language, count, answers) in rows {
        let hits = Double(answers[language] ?? 0)
        f1.append(2 * hits / Double(count + (answered[language] ?? 0)))
        let wrong = answers.filter { $0.key != language }.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(4)
        let listing = wrong.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
        print("\(language)\t\(String(format: "%.4f", hits / Double(count)))\t\(listing)")
    }
    for bin in bins where bin.count > 0 {
        error += abs(bin.sum - Double(bin.right)) / Double(all)
    }
    print(
        String(
            format: "accuracy %.4f  macro-F1 %.4f  calibration error %.4f  %d lines  %.0f lines/s  %.1f MB/s",
            Double(right) / Double(all), f1.reduce(0, +) / Double(f1.count), error, all, Double(all) / seconds,
            Double(bytes) / seconds / 1e6))
}

let arguments = Array(CommandLine.arguments.dropFirst())
switch arguments.first {
case "train" where arguments.count >= 3: try train(Array(arguments.dropFirst()))
case "judge" where arguments.count >= 2: try judge(Array(arguments.dropFirst()))
default: print("usage: language-model train FOLDER MODEL [SLOTS [SNIPPETS]] | judge FOLDER [MODEL|LID.ftz]")
}

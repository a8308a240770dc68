import Glibc
import Testing
import _EDICTestSupport

@Suite struct CommandTests {
    static let commands = [
        "init", "check", "build", "report", "store cat", "store get", "store stat", "store verify", "store export",
        "identify", "tokenizer encode", "tokenizer decode", "tokenizer inspect", "tokenizer train", "tokenizer compare",
        "lm train", "lm query", "lm buckets", "lm convert", "lm mix", "lm prune", "lm inspect", "translate", "generate",
        "score",
        "embed", "model inspect", "bench", "serve", "tokenizer fertility",
    ]

    @Test(arguments: commands)
    func helpShowsExamples(command: String) throws {
        let result = try CommandRunner().run("\(command) --help")
        #expect(result.status == 0)
        #expect(result.output.contains("EXAMPLES"), "\(command)")
        #expect(result.output.contains("edic \(command)"), "\(command)")
    }

    /// The help texts are part of what users rely on: a change of one shows in its review. `EDIC_WRITE_HELP=1 swift test
    /// --filter helpIsAsCommitted` writes them anew.
    @Test(arguments: [""] + groups + commands)
    func helpIsAsCommitted(command: String) throws {
        let runner = try CommandRunner()
        let name = command.isEmpty ? "edic" : "edic-" + command.split(separator: " ").joined(separator: "-")
        let path = "\(CommandRunner.currentFolder)/Tests/EDICCommandTests/Help/\(name).txt"
        let result = runner.run("\(command) --help")
        if CommandRunner.environment("EDIC_WRITE_HELP") != nil { runner.write(result.output, to: path) }
        #expect(result.output == runner.read(path), "\(name).txt")
    }

    static let groups = ["store", "tokenizer", "lm", "model"]

    @Test(arguments: [
        ("", Int32(0)), ("--version", 0), ("buidl", 64), ("build", 64), ("build --workers -1 Corpora/nightly.yaml", 64),
        ("build nowhere.yaml", 66), ("store stat nowhere.zst", 66), ("check Corpora/harbour-institute-tallinn", 0),
        ("check Corpora/records-institute-galway", 65), ("check Sources", 65), ("check nowhere", 66),
        ("store stat README.md", 65),
        ("tokenizer encode --model README.md", 65), ("lm query --model README.md", 65),
        ("serve --port 99999", 64), ("serve --model nowhere", 66), ("serve --host nowhere", 69),
        // A folder where a file should be is no input, whoever opens it.
        ("identify --model Corpora", 66), ("identify Corpora", 66), ("store stat Corpora", 66),
        ("store cat Corpora", 66),
        ("store export Corpora --format npy -o x", 66), ("store verify Sources", 66), ("build Corpora", 66),
        ("model inspect Corpora", 66), ("generate --model Corpora Hello", 66), ("score --model Corpora README.md", 66),
        ("embed --model Corpora README.md", 66), ("translate --model Corpora README.md", 66), ("bench Corpora", 66),
        ("bench --prompt 0", 64), ("translate --model Corpora --batch=-1", 64),
        ("translate --model Corpora --batch 9223372036854775807", 64), ("model inspect README.md", 65),
        ("tokenizer encode --model Corpora", 66), ("lm query --model Corpora", 66), ("report README.md", 65),
        // What is there already, or cannot be made, is no missing input.
        ("init README.md", 73), ("init Corpora/harbour-institute-tallinn", 73), ("init /proc/nowhere", 73),
    ])
    func exitStatusesFollowSysexits(arguments: String, status: Int32) throws {
        let result = try CommandRunner().run(arguments)
        #expect(result.status == status, "edic \(arguments): \(result.messages)")
        if status != 0, status != 64, !arguments.hasPrefix("check") {
            // One line, that names the file and no Swift type.
            #expect(result.messages.split(separator: "\n").count == 1, "\(result.messages)")
            #expect(!result.messages.contains("Error("))
        }
    }

    /// A build takes the first of two contributions with one id only.
    @Test func checkNamesTwins() throws {
        let runner = try CommandRunner()
        let (one, other) = ("Corpora/harbour-institute-tallinn", "\(runner.folder.path)/copy")
        #expect(unsafe system("cp -r '\(one)' '\(other)'") == 0)
        let result = runner.run("check --skip-languages '\(one)' '\(other)'")
        #expect(
            result.status == 65 && result.output.contains("\(other)/contribution.yaml: error: id: \(one) is "),
            "\(result.output)")
        #expect(runner.run("check --skip-languages '\(one)' '\(one)'").status == 0)
    }

    /// Whoever names a file, or writes what a message quotes, cannot speak to the terminal.
    @Test func messagesHoldNoEscapes() throws {
        let runner = try CommandRunner()
        let folder = "\(runner.folder.path)/c"
        #expect(unsafe system("cp -r Corpora/harbour-institute-tallinn '\(folder)'") == 0)
        let name = "x\u{1B}]0;owned\u{7}\u{9B}2J\r\u{7F}.zst"
        runner.write("no shard", to: "\(folder)/\(name)")
        runner.write(
            """
            contributions: ["\(folder)"]
            models: {sample: 0}
            ngram: {order: 0}
            tokenizer: {vocabulary: 400}
            filter: {verify_language: false}
            output: built
            """, to: "\(runner.folder.path)/recipe.yaml")
        let commands = [
            "store stat '\(folder)/\(name)'", "store verify '\(folder)/\(name)'", "check --skip-languages '\(folder)'",
            "build '\(runner.folder.path)/recipe.yaml'", "'\(name)'", "lm convert a.arpa -o '\(name)'",
            "report '\(name)'",
        ]
        for command in commands {
            let result = runner.run(command)
            let text = result.output + result.messages
            #expect(text.contains("x\u{FFFD}]0;owned"), "\(command): \(text)")
            #expect(
                text.unicodeScalars.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control }, "\(text)")
        }
        let terminal = try #require(
            runner.messagesOnTerminal("build '\(runner.folder.path)/recipe.yaml' --output '\(folder)/o'"))
        #expect(terminal.contains("]0;owned") && !terminal.contains("\u{1B}]") && !terminal.contains("\u{7}"))
    }

    @Test func checkNamesFileAndLine() throws {
        let result = try CommandRunner().run("check Corpora/records-institute-galway")
        #expect((result.output + result.messages).contains("sessions/2025-05-14.xml:34: error:"))
    }

    @Test func nothingIsLearnedFromNothing() throws {
        let runner = try CommandRunner()
        let (text, tokenizer) = ("\(runner.folder.path)/empty.txt", "\(runner.folder.path)/t.json")
        runner.write("", to: text)
        let result = runner.run("tokenizer train --size 300 --output '\(tokenizer)' '\(text)'")
        #expect(result.status == 65)
        #expect(result.messages.contains("empty.txt: is empty"))
        #expect(runner.run("tokenizer inspect --model '\(tokenizer)' a").status == 66)
    }

    @Test func everyFolderOfContributionsIsChecked() throws {
        let runner = try CommandRunner()
        let result = runner.run("check --skip-languages --json Corpora")
        #expect(result.status == 65)
        let manifests = runner.run("check --skip-languages Corpora").output.split(separator: "\n").filter {
            $0.contains("acceptable; ")
        }
        #expect(manifests.count >= 14)
        let empty = runner.run("check '\(runner.folder.path)'")
        // The path once in the finding's line and once in the summary.
        #expect(empty.output.split(separator: "\n").first?.contains("contribution.yaml: error: is not there") == true)
    }

    @Test func verifyKnowsReleasesAndNamesTheByte() throws {
        let runner = try CommandRunner()
        let recipe = "\(runner.folder.path)/recipe.yaml"
        runner.write(
            """
            contributions: ["\(CommandRunner.currentFolder)/Corpora/harbour-institute-tallinn"]
            models: {sample: 0}
            ngram: {order: 0}
            tokenizer: {vocabulary: 400}
            output: built
            """, to: recipe)
        #expect(runner.run("build '\(recipe)' -q").status == 0)
        let release = "\(runner.folder.path)/built/current"
        #expect(runner.run("store verify '\(release)'").output.contains("sound; files"))
        #expect(runner.run("store verify '\(release)/documents'").status == 0)
        let shard = "\(release)/documents/en/harbour-institute-tallinn-00000.jsonl.zst"
        var text = Array(runner.bytes(shard))
        text[text.count / 2] ^= 0x10
        #expect(runner.replace(shard, with: text))
        let damaged = runner.run("store verify '\(release)'")
        #expect(damaged.status == 65 && damaged.output.contains("frame") && damaged.output.contains("bytes"))
        let json = runner.run("store verify --json '\(release)'")
        #expect(json.status == 65 && json.output.contains("\"sound\":false"))
        let manifest = "\(release)/manifest.json"
        let whole = runner.bytes(manifest)
        for damage in [Array(whole.dropLast(whole.count / 2)), Array("{\"files\": []}".utf8)] {
            #expect(runner.replace(manifest, with: damage))
            let result = runner.run("store verify '\(release)'")
            #expect(result.status == 65 && result.messages.contains("manifest.json: is no"), "\(result.messages)")
        }
    }

    /// What nobody may read is rejected with its name, the rest is built; the next build looks again.
    @Test func unreadableContributionsStopNoBuild() throws {
        let runner = try CommandRunner()
        let folder = runner.folder.path
        runner.write(
            """
            contributions: ["sent/*"]
            models: {sample: 0}
            ngram: {order: 0}
            tokenizer: {vocabulary: 400}
            filter: {verify_language: false}
            output: builds/built
            """, to: "\(folder)/recipe.yaml")
        let manifest = """
            title: t
            provider: p
            member_state: DE
            languages: [de]
            licence: MIT
            legal_basis: own-work
            personal_data: none
            files: [{path: "**.txt", format: text, unit: line}]
            """
        for id in ["file", "folder", "whole", "manifest", "hidden"] {
            #expect(unsafe system("mkdir -p '\(folder)/sent/\(id)/sub'") == 0)
            runner.write("id: \(id)\n\(manifest)", to: "\(folder)/sent/\(id)/contribution.yaml")
            for name in ["a.txt", "sub/b.txt"] {
                runner.write(
                    "Dieser Satz steht in der Datei \(name) der Einsendung \(id).\n", to: "\(folder)/sent/\(id)/\(name)"
                )
            }
        }
        let hidden = "sent/file/a.txt sent/folder/sub sent/manifest/contribution.yaml sent/hidden"
        #expect(
            unsafe system(
                "cd '\(folder)' && chmod 755 . && mkdir -m 777 builds && chmod 000 \(hidden) && chmod 311 sent/whole")
                == 0)
        let result = runner.run("build '\(folder)/recipe.yaml' --json", asNobody: true)
        #expect(result.status == 0, "\(result.messages)")
        for place in ["\"file/a.txt", "\"folder/sub", "/sent/whole", "/sent/manifest", "/sent/hidden"] {
            #expect(result.output.contains("\(place)\""), "\(result.output)")
        }
        #expect(result.output.split(separator: "\"contributions_rejected\": 3,").count == 2)
        #expect(result.output.contains("Permission denied"))
        // The same again: nothing is taken for done.
        let again = runner.run("build '\(folder)/recipe.yaml' -q", asNobody: true)
        #expect(again.status == 0 && again.output.contains("3 rejected"), "\(again)")
        let check = runner.run("check --skip-languages '\(folder)/sent'", asNobody: true)
        #expect(check.output.contains("sent/folder/sub: error: cannot list the folder: Permission denied"), "\(check)")

        #expect(unsafe system("cd '\(folder)' && chmod 755 \(hidden) sent/whole") == 0)
        let repaired = runner.run("build '\(folder)/recipe.yaml' -q", asNobody: true)
        #expect(repaired.output.contains(" 10 documents"), "\(repaired)")
        // A disk that is full, or an output that nobody may write, still ends it.
        #expect(unsafe system("chmod -R a-w '\(folder)/builds'") == 0)
        runner.write("Noch ein Satz steht in der Datei der Einsendung.\n", to: "\(folder)/sent/file/a.txt")
        #expect(runner.run("build '\(folder)/recipe.yaml' -q", asNobody: true).status == 74)
        #expect(unsafe system("chmod -R u+w '\(folder)/builds'") == 0)
    }

    @Test func shownRecipeIsARecipe() throws {
        let runner = try CommandRunner()
        let shown = runner.run("build --show-recipe")
        #expect(shown.status == 0 && shown.output.contains("deduplicate: exact"))
        let again = runner.run("build --show-recipe /dev/stdin", input: shown.output)
        #expect(again.status == 0 && again.output.contains("deduplicate: exact"))
    }

    @Test func identifyKeepsLines() throws {
        let text =
            "Der Hafen ist im Winter geöffnet und die Schiffe kommen.\nLe port est ouvert en hiver pour les bateaux.\n"
        let result = try CommandRunner().run("identify", input: text)
        let lines = result.output.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines.first?.hasPrefix("de\t") == true && lines.last?.hasPrefix("fr\t") == true)
        // A byte order mark is no part of the first one.
        #expect(try CommandRunner().run("identify", input: "\u{FEFF}\(text)") == result)
    }

    @Test func completionsAreGenerated() throws {
        for shell in ["bash", "zsh", "fish"] {
            let result = try CommandRunner().run("--generate-completion-script \(shell)")
            #expect(result.status == 0 && result.output.contains("tokenizer"), "\(shell)")
        }
    }

    @Test func buildEndsWithARootHashAndSaysNothingToDoTheSecondTime() throws {
        let runner = try CommandRunner()
        let recipe = "\(runner.folder.path)/recipe.yaml"
        runner.write(
            """
            contributions: ["\(CommandRunner.currentFolder)/Corpora/harbour-institute-tallinn"]
            models: {sample: 0}
            ngram: {order: 2}
            tokenizer: {vocabulary: 400}
            """, to: recipe)
        let first = runner.run("build '\(recipe)' --json")
        #expect(first.status == 0, "\(first.messages)")
        #expect(first.output.contains("\"root_hash\": \""))
        let second = runner.run("build '\(recipe)'")
        #expect(second.output.contains("Nothing to do"))
        // A reader of messages that has gone does not end the work, which writes one at its beginning.
        #expect(!second.messages.isEmpty)
        let third = "\(runner.folder.path)/third"
        _ = runner.run("build '\(recipe)' 2>&1 >'\(third)' | :")
        #expect(runner.read(third) == second.output)
    }
}

/// Continuous integration must run the tests that need the shared files, not skip them.
@Suite struct SharedDataTests {
    @Test(.enabled(if: isContinuousIntegration))
    func sharedFilesAreThere() {
        #expect(SharedData.isPresent, "set EDIC_SHARED to the folder of shared files")
    }
}

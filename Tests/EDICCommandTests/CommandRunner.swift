import Glibc
import _EDICTestSupport

/// Runs the `edic` that was built with the tests.
struct CommandRunner {
    /// What a run left.
    struct Result: Equatable {
        var status: Int32
        var output: String
        var messages: String
    }

    /// The folder of the test program, where the build puts `edic` too.
    static let program: String = {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = unsafe readlink("/proc/self/exe", &buffer, buffer.count)
        let own = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return own.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" } + "/edic"
    }()

    static var currentFolder: String {
        guard let path = unsafe getcwd(nil, 0) else { return "." }
        defer { unsafe free(path) }
        return unsafe String(cString: path)
    }

    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Runs `edic ARGUMENTS`, which a shell splits.
    ///
    /// - Parameters:
    ///   - output: where standard output goes, if not to a file that is read.
    ///   - asNobody: run it as a user whom rights of files bind; who runs the tests may be none.
    func run(_ arguments: String, input: String = "", output: String? = nil, asNobody: Bool = false) -> Result {
        run(arguments, bytes: Array(input.utf8), output: output, asNobody: asNobody)
    }

    /// The same with input that need not be text.
    func run(_ arguments: String, bytes: [UInt8], output: String? = nil, asNobody: Bool = false) -> Result {
        let (source, messages) = ("\(folder.path)/in", "\(folder.path)/err")
        let output = output ?? "\(folder.path)/out"
        guard replace(source, with: bytes) else {
            return Result(status: -1, output: "", messages: "\(source) cannot be written")
        }
        let user = asNobody && geteuid() == 0 ? "setpriv --reuid=65534 --regid=65534 --clear-groups" : ""
        let status = unsafe system("\(user) '\(Self.program)' \(arguments) <'\(source)' >'\(output)' 2>'\(messages)'")
        return Result(
            status: status >> 8 & 0xFF, output: output.hasPrefix("/dev/") ? "" : read(output), messages: read(messages))
    }

    /// What `edic ARGUMENTS` writes to standard error where that is a terminal 80 columns wide; nil where it fails.
    func messagesOnTerminal(_ arguments: String) -> String? {
        let (command, screen) = ("\(folder.path)/script", "\(folder.path)/screen")
        write("'\(Self.program)' \(arguments) >'\(folder.path)/out'", to: command)
        // `script` gives what it runs a terminal of its own.
        let status = unsafe system("script -qec \"sh '\(command)'\" /dev/null </dev/null >'\(screen)'")
        return status == 0 ? read(screen) : nil
    }

    /// Runs `edic ARGUMENTS` on standard input that stays open after `input`, and sends it a signal once there is output, or
    /// after so many seconds. A command that ignores that is killed after a while. What it had mapped by then is in `maps`,
    /// what else the system knew of it in `status`.
    func interrupt(_ arguments: String, input: String, seconds: Int = 60, signal: String = "INT") -> Result {
        let script = "\(folder.path)/script"
        write(input, to: "\(folder.path)/in")
        write(
            """
            at='\(folder.path)'
            rm -f "$at/pipe" "$at/out" && mkfifo "$at/pipe"
            '\(Self.program)' \(arguments) <"$at/pipe" >"$at/out" 2>"$at/err" 3>&- &
            edic=$!
            exec 3>"$at/pipe"
            cat "$at/in" >&3 &
            for i in $(seq \(10 * seconds)); do [ -s "$at/out" ] && break; sleep 0.1; done
            cp /proc/$edic/smaps "$at/maps"
            cp /proc/$edic/status "$at/status"
            kill -\(signal) $edic
            (sleep 60; kill -KILL $edic) 3>&- >/dev/null 2>&1 & watch=$!
            wait $edic
            status=$?
            kill $watch
            exit $status
            """, to: script)
        let status = unsafe system("sh '\(script)'")
        return Result(
            status: status >> 8 & 0xFF, output: read("\(folder.path)/out"), messages: read("\(folder.path)/err"))
    }

    func write(_ text: String, to path: String) {
        guard let file = unsafe fopen(path, "w") else { return }
        unsafe fputs(text, file)
        unsafe fclose(file)
    }

    func read(_ path: String) -> String { String(decoding: bytes(path), as: UTF8.self) }

    static func environment(_ name: String) -> String? { unsafe getenv(name).map { unsafe String(cString: $0) } }

    /// Puts another file in the place of one that may be read-only.
    func replace(_ path: String, with bytes: [UInt8]) -> Bool {
        unsafe unlink(path)
        guard let file = unsafe fopen(path, "w") else { return false }
        defer { unsafe fclose(file) }
        return unsafe fwrite(bytes, 1, bytes.count, file) == bytes.count
    }

    func bytes(_ path: String) -> [UInt8] {
        guard let file = unsafe fopen(path, "r") else { return [] }
        defer { unsafe fclose(file) }
        var bytes: [UInt8] = []
        var byte = unsafe getc(file)
        while byte != EOF {
            bytes.append(UInt8(truncatingIfNeeded: byte))
            byte = unsafe getc(file)
        }
        return bytes
    }
}

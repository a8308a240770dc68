import Synchronization
import Testing

@testable import EDICTransformers

/// Templates come with models, from anyone: whatever one does ends with one error, or soon and with little memory.
@Suite struct HostileTemplateTests {
    static func render(_ source: String, shouldStop: (@Sendable () -> Bool)? = nil) throws(ModelError) -> String {
        try ChatTemplate(source, file: "f", bos: nil, eos: nil)
            .render([], addsGenerationPrompt: false, shouldStop: shouldStop)
    }

    static let smallest = "(-9223372036854775807 - 1)"
    static let largest = "9223372036854775807"

    // MARK: - Numbers

    @Test(arguments: [
        "99999999999999999999 | int", "'99999999999999999999' | int", "1e300 | int", "1e999 | int", "\(smallest) | abs",
        "-\(smallest)", "\(largest) + 1", "\(smallest) - 1", "\(largest) * 2", "\(smallest) // -1", "1 // 0", "1 % 0",
        "1 / 0", "range(\(smallest), \(largest))", "range(\(largest)) | list", "range(0, 1, 0)",
        "'a' | indent(\(largest))", "[1] | tojson(indent=\(largest))", "[[1]] | tojson(indent=100000000)", "[1][::0]",
    ])
    func numbersBeyondTheLimitsAreRefused(_ expression: String) {
        let error = #expect(throws: ModelError.self) { try Self.render("{{ \(expression) }}") }
        #expect(error?.code == .unsupported)
    }

    @Test(arguments: [
        ("'a b c'.split(' ', \(largest))", "['a', 'b', 'c']"), ("'a b'.split(None, \(largest))", "['a', 'b']"),
        ("'a b'.split(' ', \(smallest))", "['a', 'b']"), ("'abc' | replace('b', 'c', \(largest))", "acc"),
        ("range(\(smallest)) | list", "[]"), ("range(\(largest), \(smallest)) | list", "[]"),
        ("range(0, \(smallest), \(smallest)) | list", "[0]"), ("range(\(largest) - 1, \(largest), 5) | length", "1"),
        ("'abc'[1::\(largest)]", "b"), ("'abc'[::\(smallest)]", "c"), ("'abc'[\(smallest):\(largest)]", "abc"),
        ("'abc'[\(smallest)]", ""), ("[1][\(largest)]", ""), ("\(smallest) % -1", "0"), ("\(smallest) is odd", "False"),
        ("\(smallest) % \(largest)", "9223372036854775806"), ("\(smallest) // \(largest)", "-2"),
        ("\(largest) % \(smallest)", "-1"), ("'a' | indent(\(smallest))", "a"),
        ("9007199254740993 == 9007199254740992.0", "False"),
    ])
    func largeNumbersAreCountedRight(_ expression: String, _ expected: String) throws {
        #expect(try Self.render("{{ \(expression) }}") == expected)
    }

    // MARK: - Memory and time

    /// Runs a line again and again.
    static func repeated(_ body: String, _ count: Int = 60, from start: String) -> String {
        "{% set ns = namespace(a=\(start)) %}{% for i in range(\(count)) %}{% set ns.a = \(body) %}{% endfor %}"
    }
    static let long = repeated("ns.a ~ ns.a", 20, from: "'aaaa'")

    @Test(arguments: [
        repeated("ns.a ~ ns.a", from: "'xy'"), repeated("ns.a + ns.a", from: "'xy'"),
        repeated("[ns.a, ns.a] | join", from: "'xy'"), repeated("ns.a | join(ns.a)", from: "'xy'"),
        repeated("ns.a | replace('x', ns.a)", from: "'xy'"), repeated("ns.a.replace('x', ns.a)", from: "'xy'"),
        repeated("(ns.a ~ '\\n' ~ ns.a) | indent(ns.a)", from: "'xy'"),
        repeated("ns.a.join(['xy', 'z', ns.a])", from: "'x'"),
        repeated("ns.a + ns.a", from: "[1, 2]"), repeated("ns.a + ns.a", from: "(1, 2)"),
        // Few values in memory, but endless ones where they are printed or compared.
        repeated("[ns.a, ns.a]", from: "1") + "{{ ns.a }}", repeated("[ns.a, ns.a]", from: "1") + "{{ ns.a | tojson }}",
        repeated("[ns.a, ns.a]", from: "1") + "{{ ns.a | tojson(indent=8) }}",
        repeated("{'a': ns.a, 'b': ns.a}", from: "1") + "{{ ns.a ~ '' }}",
        repeated("[ns.a, ns.a]", from: "1") + "{% set b = ns.a %}" + repeated("[ns.a, ns.a]", from: "1")
            + "{{ b == ns.a }}",
        // Much work in one step.
        long + "{{ ns.a[:1000000] ~ 'b' in ns.a }}", long + "{{ ns.a.count(ns.a[:1000000] ~ 'b') }}",
        long + "{% for i in range(99999) %}{{ {'a': 1}[ns.a] }}{% endfor %}",
        long
            + "{% set b = ns.a ~ '' %}{% for i in range(999) %}{{ ns.a == b }}{{ ns.a < b }}{{ ns.a.endswith(b) }}{% endfor %}",
        long + "{% for i in range(99999) %}{{ ns.a | upper | length }}{{ ns.a[5] }}{% endfor %}",
        long + "{% for c in ns.a %}{% endfor %}", long + "{{ (ns.a ~ ns.a).replace('', 'b') }}",
        repeated("ns.a ~ ns.a", 24, from: "'a '") + "{{ ns.a.split() | length }}",
        // Loops.
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% for a in range(99999) %}{% for b in range(99999) if false %}{% endfor %}{% endfor %}",
        "{% for a in range(99999) %}{{ range(99999) | map('string') | list | length }}{% endfor %}",
        repeated("namespace(a=1)", 99999, from: "1") + repeated("namespace(a=1)", 99999, from: "1")
            + repeated("namespace(a=1)", 99999, from: "1"),
        repeated("ns.a + [loop]", 99999, from: "[]"),
        "{% macro a() %}{{ b() }}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{{ a() }}{% endmacro %}{{ a() }}",
        "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(40) }}",
    ])
    func whatRunsOnIsStopped(_ source: String) {
        let error = #expect(throws: ModelError.self) { try Self.render(source) }
        #expect(error?.code == .unsupported && error?.message.contains("\n") == false)
    }

    @Test func uniqueTakesTimeForEachItemOnce() throws {
        #expect(try Self.render("{{ range(99999) | unique | list | length }}") == "99999")
    }

    @Test func aRenderingCanBeStopped() {
        let error = #expect(throws: ModelError.self) { try Self.render("{{ 1 }}", shouldStop: { true }) }
        #expect(error?.code == .cancelled)
        let asked = AskedOften()
        let loops = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
        let later = #expect(throws: ModelError.self) { try Self.render(loops, shouldStop: { asked.isTheThirdTime() }) }
        #expect(later?.code == .cancelled)
    }

    // MARK: - Depth

    static let many = 100_000

    /// Each with what opens a level, what is innermost, and what closes it.
    @Test(arguments: [
        ("(", "1", ")"), ("[", "1", "]"), ("(1, ", "1", ")"), ("{'a': ", "1", "}"), ("a[", "1", "]"),
        ("a[1:", "1", "]"),
        ("a(", "1", ")"), ("a(b=", "1", ")"), ("a.b(", "1", ")"), ("a | b(", "1", ")"), ("a is b(", "1", ")"),
        ("not ", "1", ""), ("- ", "1", ""), ("+ ", "1", ""), ("1 if 1 else ", "1", ""), ("(", "1", ""), ("[", "", ""),
    ])
    func deepExpressionsAreRefused(_ open: String, _ middle: String, _ close: String) {
        refuses(
            "{{ " + Self.nested(open, middle, close) + " }}", close.isEmpty && "([".contains(open) ? "closes" : "deeper"
        )
    }

    @Test(arguments: [
        ("{% if 1 %}", "{% endif %}"), ("{% if 0 %}{% else %}", "{% endif %}"), ("{% for a in b %}", "{% endfor %}"),
        ("{% macro a() %}", "{% endmacro %}"), ("{% set a %}", "{% endset %}"),
        ("{% generation %}", "{% endgeneration %}"), ("{% if 1 %}", ""),
    ])
    func deepBlocksAreRefused(_ open: String, _ close: String) { refuses(Self.nested(open, "", close), "deeper") }

    private static func nested(_ open: String, _ middle: String, _ close: String) -> String {
        String(repeating: open, count: many) + middle + String(repeating: close, count: many)
    }

    private func refuses(_ source: String, _ word: String) {
        let error = #expect(throws: ModelError.self) { _ = try ChatTemplate(source, file: "f", bos: nil, eos: nil) }
        #expect(error?.code == .unsupported && error?.message.contains(word) == true)
    }

    /// What is long without being deep costs no stack: where it is run, where it is not, and where it is freed.
    @Test(arguments: [
        ("1", " + 1", "100001"), ("1", " * 1", "1"), ("0", " or 0", "0"), ("1", " and 1", "1"), ("1", " <= 1", "True"),
        ("1", " | int", "1"), ("1", " is eq(1)", "True"), ("'a'", ".strip()", "a"), ("'a'", "[0]", "a"),
        ("a", ".b", nil), ("a", "[0]", nil), ("1", " ~ 1", nil), ("a", "()", nil),
    ])
    func longChainsTakeNoStack(_ start: String, _ link: String, _ expected: String?) throws {
        let chain = start + String(repeating: link, count: Self.many)
        if let expected {
            #expect(try Self.render("{{ \(chain) }}") == expected)
        } else {
            #expect(throws: ModelError.self) { try Self.render("{{ \(chain) }}") }
        }
        guard link != "()" else { return }
        #expect(try Self.render("{% if false %}{{ \(chain) }}{% endif %}x") == "x")
    }

    @Test(arguments: [
        repeated("[ns.a]", 99999, from: "1"), repeated("(ns.a,)", 99999, from: "1"),
        repeated("{'a': ns.a}", 99999, from: "1"), repeated("dict(a=ns.a)", 99999, from: "1"),
        repeated("{'a': ns.a | items | list}", 99999, from: "{'a': 1}"),
        repeated("{'a': ns.a.items()}", 99999, from: "{'a': 1}"),
        "{% set ns = namespace(a=1) %}{% for i in range(9999) %}{% for j in [ns.a, 1] %}{% set ns.a = loop %}{% endfor %}"
            + "{% endfor %}",
    ])
    func deepValuesAreRefused(_ source: String) {
        let error = #expect(throws: ModelError.self) { try Self.render(source) }
        #expect(error?.message.contains("deeper") == true)
    }

    @Test func endlessTemplatesAreRefused() {
        refuses(String(repeating: "{{ 1 }}", count: 1_000_000), "bytes")
    }

    @Test func macrosThatNestAreStoppedBeforeTheStackEnds() {
        let nests = "{% macro m() %}{{ [[[[[m()]]]]] | join }}{% endmacro %}{{ m() }}"
        let loops =
            "{% macro m() %}" + String(repeating: "{% for i in [1] %}", count: 9) + "{{ m() }}"
            + String(repeating: "{% endfor %}", count: 9) + "{% endmacro %}{{ m() }}"
        for source in [nests, loops] {
            #expect(throws: ModelError.self) { try Self.render(source) }
        }
    }

    // MARK: - Messages

    /// A template that refuses the conversation is sound: the conversation is not.
    @Test func aTemplateMayRefuseTheConversation() {
        let error = #expect(throws: ModelError.self) {
            try Self.render("{% if true %}{{ raise_exception('Roles must\\nalternate') }}{% endif %}")
        }
        #expect(error?.code == .badRequest && error?.message.hasSuffix("Roles must alternate") == true)
        let endless = #expect(throws: ModelError.self) { try Self.render(Self.long + "{{ raise_exception(ns.a) }}") }
        #expect(endless?.code == .badRequest && (endless?.message.utf8.count ?? 0) < 600)
    }

    @Test(arguments: [
        "'\\x4'", "'\\ud800'", "'\\U00110000'", "'\\x+1'", "'\\N{DASH}'", "'\\é'", "'\\", "'", "1x", "1.5.5", "0x1F",
        String(repeating: "a", count: 300), String(repeating: "1", count: 300),
        "strftime_now('\(String(repeating: "%c", count: 200))')",
        "dict(\((0..<1000).map { "a\($0)=1" }.joined(separator: ", ")))", "'a'.split(maxsplit=1, maxsplit=2)",
        "[1] | map(attribute='\(String(repeating: "a.", count: 100))') | list",
    ])
    func damagedExpressionsAreRefused(_ expression: String) {
        let error = #expect(throws: ModelError.self) { try Self.render("{{ \(expression) }}") }
        #expect(error?.code == .unsupported && (error?.message.utf8.count ?? 0) < 600)
    }
}

/// Counts how often it is asked.
private final class AskedOften: Sendable {
    private let count = Mutex(0)

    func isTheThirdTime() -> Bool {
        count.withLock {
            $0 += 1
            return $0 == 3
        }
    }
}

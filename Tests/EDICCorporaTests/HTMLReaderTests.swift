import Testing

@testable import EDICCorpora

/// What of HTML is text, as the HTML standard and browsers have it.
@Suite struct HTMLTokens {
    static let cases: [(html: String, text: String)] = [
        ("a<b>b</b>c", "abc"), ("a <i>b</i> c", "a b c"), ("<p>a<p>b", "a\nb"), ("a</p>b", "a\nb"), ("a<br/>b", "a\nb"),
        ("a</br>b", "a\nb"), ("<DIV>a</Div>b", "a\nb"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><th>c<td>d</table>e", "a b\nc d\ne"),
        // References: with and without semicolons, numbers, those of windows-1252, unknown and impossible ones.
        ("&amp;&lt;&gt;&quot;&apos;", "&<>\"'"), ("&ccaron;&Dstrok;&nbsp;x", "čĐ x"), ("&ampx &copy2", "&x ©2"),
        ("&notit; &notin;", "¬it; ∉"), ("&#353;&#x161;&#X161;", "ššš"), ("&#150;&#128;", "–€"),
        ("a&#0;b&#xD800;c&#x110000;d&#99999999999;e", "abcde"),
        ("&unknown; &; & &# &#x; &#xg", "&unknown; &; & &# &#x; &#xg"),
        ("&acE;x", "∾\u{333}x"), ("a&eacute", "aé"), ("<p>R&amp;D</p>", "R&D"),
        // Comments, declarations, processing instructions.
        ("a<!-- b -->c", "ac"), ("a<!-->b", "ab"), ("a<!--->b", "ab"), ("a<!-- - -- > --!>b", "ab"), ("a<!-- b", "a"),
        ("a<!>b", "ab"), ("a<!doctype html>b", "ab"), ("a<?xml version=\"1.0\"?>b", "ab"), ("a</ b>c", "ac"),
        ("a</>b", "ab"),
        ("a<![CDATA[b]]>c", "ac"),
        // What only looks like a tag.
        ("1 < 2 > 0", "1 < 2 > 0"), ("a<3", "a<3"), ("a<", "a<"), ("a</", "a</"), ("a<b", "a"), ("<<p>a", "<\na"),
        // Attributes.
        ("<p title=\"a > b\">c", "c"), ("<p title='>' x=>y", "y"), ("<p a b = c d=e/f>g", "g"),
        ("<p a=\"b\"c='d'>e", "e"),
        // What is not shown.
        ("a<script>if (a<b) '<p>' </scripty></script>b", "ab"), ("a<script src=x />b", "ab"),
        ("a<style>p{}</STYLE >b", "ab"), ("a<nav>b<nav>c</nav>d</nav>e", "ae"), ("a<nav>b<div>c</nav>d", "a\nd"),
        ("a<select><option>b<option>c</select>d", "ad"), ("<div>a<button>b</div>c", "a\nc"),
        ("a<textarea><p></textarea>b", "ab"),
        ("a<svg><title>b</title></svg>c", "ac"), ("a</nav>b", "ab"), ("<table><tr><td>a</div>b</table>c", "ab\nc"),
        // Preformatted text keeps its lines.
        ("<pre>a\n  b\tc\n\nd</pre>e\nf", "a\nb c\nd\ne f"),
    ]

    @Test(arguments: cases.indices) func texts(index: Int) throws {
        let example = Self.cases[index]
        #expect(try read(example.html, .html).texts == [example.text], "\(example.html)")
    }

    @Test func titles() throws {
        let row = try #require(try read("<title>A &amp; <b>B</b></title>c<title>d</title>", .html).rows.first)
        #expect(row.metadata == [MetadataField("title", "A & <b>B</b>")])
        #expect(row.segments[0].text == "cd")
    }

    @Test func languages() throws {
        func language(_ html: String) throws -> String? {
            try read(html, .html, languages: ["de", "fr", "it"]).rows.first?.segments[0].language
        }
        #expect(try language("<html lang=fr><body lang=it>a") == "fr")
        #expect(try language("<html xml:lang='fr'><body lang=it>a") == "fr")
        #expect(try language("<html lang=\"de\" xml:lang='fr'>a") == "de")
        #expect(try language("<html><body LANG=it>a") == "it")
        #expect(try language("<html><p lang=it>a") == nil)
        #expect(try language("<html lang='\(String(repeating: "f", count: 1000))'><body lang=it>a") == "it")
    }

    /// However the bytes are cut, the text is the same.
    @Test func pieces() throws {
        for example in Self.cases {
            let bytes = Array(example.html.utf8)
            for size in 1...7 {
                var parser = try HTMLParser(limits: ReadingLimits())
                let languages = LanguageMatcher(declared: ["de"], fallback: nil)
                var batch = RowBatch(contribution: "c", file: "f", languages: languages, limits: ReadingLimits())
                for start in stride(from: 0, to: bytes.count, by: size) {
                    let piece = Array(bytes[start..<min(bytes.count, start + size)])
                    try parser.feed(piece.span, into: &batch)
                }
                try parser.finish(into: &batch)
                #expect(batch.block.text(of: 0) == example.text, "\(example.html) in pieces of \(size)")
            }
        }
    }

    @Test func limits() throws {
        let inline = String(repeating: "<b><custom>", count: 5_000)
        #expect(try read(inline + "x", .html).texts == ["x"], "what decides nothing is not kept open")
        #expect(try read(String(repeating: "<ul>", count: 5_000) + "x", .html).reasons == [.hostileXML])
        var limits = ReadingLimits()
        limits.documentBytes = 10
        #expect(try read("<p>12345<p>6789", .html, limits: limits).rows.count == 1)
        #expect(try read("<p>12345<p>67890", .html, limits: limits).reasons == [.overLimit])
    }
}

/// A block says of its rows what they say of themselves.
@Suite struct RowBlocks {
    @Test func rowsAndBlocksAgree() throws {
        let escapes = "\n\n\nmsgid \"q\\\"\\\\\\t\"\nmsgstr \"ž\u{1}x\"\n"
        let contributed = Array(GettextReading.catalogue.utf8) + Array(escapes.utf8)
        let rows = try read(contributed, .po, languages: ["de"]).rows
        #expect(rows.count == 6)
        for row in rows {
            let block = RowBlock(row)
            #expect(block.row(at: 0) == row)
            var json: [UInt8] = []
            block.appendJSON(of: 0, to: &json)
            #expect(json == row.json)
            var id: [UInt8] = []
            block.appendID(of: 0, to: &id)
            #expect(id == Array(row.id.utf8))
        }
    }
}

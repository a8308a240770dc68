/// Horizontal bars, one a row: the label and the figure are HTML text, so that they keep their size on a narrow
/// screen, and the bar between them is SVG, which stretches. A second, outlined part may follow the filled one.
struct BarChart {
    struct Bar {
        var label: String
        /// Shown in full when the label is an abbreviation.
        var title: String = ""
        var value: Double
        /// The outlined continuation of the bar: what was rejected, say.
        var outlined: Double = 0
        var figure: String
    }

    var caption: String
    var bars: [Bar]
    /// A value to mark on every bar, such as a mean, and what it is.
    var mark: (value: Double, label: String)?

    func write(to page: inout HTMLWriter) {
        let longest = bars.reduce(mark?.value ?? 0) { max($0, $1.value + $1.outlined) }
        guard longest > 0 else { return }
        page.element("figure") { page in
            page.element("figcaption") { page in
                page.text(caption)
                if let mark { page.element("span", "class=\"note\"", text: " The line marks \(mark.label).") }
            }
            page.element("table", "class=\"bars\"") { page in
                for bar in bars {
                    page.element("tr") { page in
                        page.element("th", bar.title.isEmpty ? "" : "title=\"\(HTMLWriter.escape(bar.title))\"") {
                            $0.text(bar.label)
                        }
                        page.element("td", "class=\"bar\"") { $0.raw(svg(bar, longest: longest)) }
                        page.element("td", "class=\"figure\"", text: bar.figure)
                    }
                }
            }
        }
    }

    private func svg(_ bar: Bar, longest: Double) -> String {
        func x(_ value: Double) -> String {
            FigureText.decimal(1000 * value / longest, places: 1).filter { $0 != "\u{202F}" }
        }
        var svg = """
            <svg viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" \
            aria-label="\(HTMLWriter.escape("\(bar.label): \(bar.figure)"))">
            """
        svg += "<rect class=\"filled\" width=\"\(x(bar.value))\" height=\"10\"/>"
        if bar.outlined > 0 {
            svg += "<rect class=\"outlined\" x=\"\(x(bar.value))\" width=\"\(x(bar.outlined))\" height=\"10\"/>"
        }
        if let mark { svg += "<line class=\"mark\" x1=\"\(x(mark.value))\" x2=\"\(x(mark.value))\" y2=\"10\"/>" }
        return svg + "</svg>"
    }
}

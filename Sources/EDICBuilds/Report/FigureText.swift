/// Numbers as people read them, the same on every machine.
public enum FigureText {
    /// `1 234 567`, grouped by narrow no-break spaces.
    public static func grouped(_ value: Int) -> String {
        let digits = String(value.magnitude)
        var grouped = value < 0 ? "−" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0 && (digits.count - index) % 3 == 0 { grouped += "\u{202F}" }
            grouped.append(digit)
        }
        return grouped
    }

    /// `+12`, `−3`, `0`.
    public static func signed(_ value: Int) -> String { value > 0 ? "+" + grouped(value) : grouped(value) }

    /// `3.14`, with exactly `places` decimal places.
    public static func decimal(_ value: Double, places: Int = 2) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "–" }
        var scale = 1
        for _ in 0..<places { scale *= 10 }
        let scaled = Int((abs(value) * Double(scale)).rounded())
        let sign = value < 0 && scaled > 0 ? "−" : ""
        guard places > 0 else { return sign + grouped(scaled) }
        let fraction = String(scaled % scale)
        return sign + grouped(scaled / scale) + "." + String(repeating: "0", count: places - fraction.count) + fraction
    }

    /// `12.3 %`.
    public static func percent(_ share: Double, places: Int = 1) -> String {
        decimal(share * 100, places: places) + "\u{202F}%"
    }

    /// `1.2 MB`; powers of 1000.
    public static func bytes(_ count: Int) -> String {
        guard count >= 1000 else { return "\(count)\u{202F}B" }
        var value = Double(count)
        for unit in ["kB", "MB", "GB", "TB"] {
            value /= 1000
            if value < 999.5 || unit == "TB" { return decimal(value, places: value < 9.95 ? 1 : 0) + "\u{202F}\(unit)" }
        }
        return "\(count)\u{202F}B"
    }

    /// `0.42 s`, `12 s`, `3 min 05 s`.
    public static func duration(_ seconds: Double) -> String {
        if seconds < 9.95 { return decimal(seconds, places: seconds < 0.995 ? 2 : 1) + "\u{202F}s" }
        let whole = Int(seconds.rounded())
        if whole < 60 { return "\(whole)\u{202F}s" }
        if whole < 3600 { return "\(whole / 60)\u{202F}min \(padded(whole % 60))\u{202F}s" }
        return "\(whole / 3600)\u{202F}h \(padded(whole / 60 % 60))\u{202F}min"
    }

    private static func padded(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
}

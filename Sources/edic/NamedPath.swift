import EDICStore
import SystemPackage

/// `NAME=PATH`, or a path alone, which may hold the sign too: where there is such a file, or behind a slash.
struct NamedPath {
    let name: String?
    let path: String

    init(_ argument: String) {
        if let sign = argument.firstIndex(of: "="), sign > argument.startIndex, !argument[..<sign].contains("/"),
            !FileTree.exists(FilePath(argument))
        {
            (name, path) = (String(argument[..<sign]), String(argument[argument.index(after: sign)...]))
        } else {
            (name, path) = (nil, argument)
        }
    }
}

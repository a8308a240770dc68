// swift-tools-version: 6.2
import PackageDescription

// Two programs about the readers of EDICCorpora that are no part of the product: one that tries to break them, one that
// times them. `Tools/fuzz` builds and runs the first.
let corpora = Target.Dependency.product(name: "EDICCorpora", package: "edic-toolkit")

let package = Package(
    name: "readers",
    dependencies: [
        .package(name: "edic-toolkit", path: "../.."),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    ],
    targets: [
        .target(name: "SampleFiles", dependencies: [corpora]),
        .executableTarget(
            name: "FuzzReaders",
            dependencies: ["SampleFiles", corpora, .product(name: "SystemPackage", package: "swift-system")]),
        .executableTarget(
            name: "TimeReaders",
            dependencies: ["SampleFiles", corpora, .product(name: "SystemPackage", package: "swift-system")]),
    ],
    swiftLanguageModes: [.v6]
)

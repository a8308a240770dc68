// swift-tools-version: 6.2
import PackageDescription

// A package as a user of the toolkit would write it. The tests build and run it, so that what the libraries promise to
// the outside is held to.
let package = Package(
    name: "LibraryClient",
    dependencies: [
        // Elsewhere: .package(url: "…/edic-toolkit", from: "0.1.0")
        .package(name: "edic-toolkit", path: "../..")
    ],
    targets: [
        .executableTarget(
            name: "LibraryClient",
            dependencies: [
                .product(name: "EDICCorpora", package: "edic-toolkit"),
                .product(name: "EDICTokenizers", package: "edic-toolkit"),
                .product(name: "EDICNgram", package: "edic-toolkit"),
            ])
    ]
)

// swift-tools-version: 6.2
import PackageDescription

// Trains and judges the language identification model that is built into EDICLanguageID; see README.md.
let package = Package(
    name: "language-model",
    dependencies: [
        .package(name: "edic-toolkit", path: "../.."),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    ],
    targets: [
        .executableTarget(
            name: "language-model",
            dependencies: [
                .product(name: "EDICLanguageID", package: "edic-toolkit"),
                .product(name: "SystemPackage", package: "swift-system"),
            ])
    ]
)

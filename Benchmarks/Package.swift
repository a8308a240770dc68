// swift-tools-version: 6.2
import PackageDescription

// Measurements that the product does not need; never a dependency of the main package.
let package = Package(
    name: "edic-benchmarks",
    dependencies: [
        .package(name: "edic-toolkit", path: ".."),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    ],
    targets: [
        .executableTarget(
            name: "tokenizer-bench",
            dependencies: [
                .product(name: "EDICTokenizers", package: "edic-toolkit"),
                .product(name: "EDICNumerics", package: "edic-toolkit"),
                .product(name: "SystemPackage", package: "swift-system"),
            ])
    ],
    swiftLanguageModes: [.v6]
)

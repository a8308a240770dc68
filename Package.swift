// swift-tools-version: 6.2
import PackageDescription

// Every Swift target is compiled with these: unsafe code must say `unsafe`, existentials must say `any`,
// and an import is private to its file unless it says otherwise.
let strict: [SwiftSetting] = [
    .strictMemorySafety(),
    .treatWarning("StrictMemorySafety", as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

// The standard paths, files and descriptors without Foundation.
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")
// The command line: parsing, help, completions.
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

func library(
    _ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = [], extra: [SwiftSetting] = []
) -> Target {
    .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict + extra)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(
        name: name, dependencies: dependencies + ["_EDICTestSupport"], exclude: exclude, swiftSettings: strict)
}

let package = Package(
    name: "edic-toolkit",
    products: [
        .executable(name: "edic", targets: ["edic"]),
        .library(name: "EDICText", targets: ["EDICText"]),
        .library(name: "EDICStore", targets: ["EDICStore"]),
        .library(name: "EDICNumerics", targets: ["EDICNumerics"]),
        .library(name: "EDICTokenizers", targets: ["EDICTokenizers"]),
        .library(name: "EDICNgram", targets: ["EDICNgram"]),
        .library(name: "EDICLanguageID", targets: ["EDICLanguageID"]),
        .library(name: "EDICTransformers", targets: ["EDICTransformers"]),
        .library(name: "EDICCorpora", targets: ["EDICCorpora"]),
        .library(name: "EDICBuilds", targets: ["EDICBuilds"]),
        .library(name: "EDICServer", targets: ["EDICServer"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    ],
    targets: [
        // Floor 0: system libraries (pkg-config flags) and the C that wraps them.
        // The ICU, XML and JSON headers are empty on purpose: their real headers are read only inside C and C++ files.
        .systemLibrary(name: "CSystemICU", pkgConfig: "icu-i18n", providers: [.apt(["libicu-dev"])]),
        .systemLibrary(name: "CSystemXML", pkgConfig: "libxml-2.0", providers: [.apt(["libxml2-dev"])]),
        // No pkg-config here: its -DSIMDJSON_THREADS_ENABLED is a flag that SwiftPM refuses with a warning.
        .systemLibrary(name: "CSystemJSON", providers: [.apt(["libsimdjson-dev"])]),
        .systemLibrary(name: "CSystemZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CSystemZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CSystemLZMA", pkgConfig: "liblzma", providers: [.apt(["liblzma-dev"])]),
        .systemLibrary(name: "CSystemCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CSystemXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),
        // Not through Yams: it imports Foundation, whose loading is a third of the time that a short command takes.
        .systemLibrary(name: "CSystemYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        // What Swift does not see of the C library.
        .systemLibrary(name: "CSystemLibC"),
        .target(name: "CEDICUnicode", dependencies: ["CSystemICU"]),
        .target(name: "CEDICXML", dependencies: ["CSystemXML"]),
        .target(name: "CEDICHTML"),
        .target(
            name: "CEDICJSON", dependencies: ["CSystemJSON"], linkerSettings: [.linkedLibrary("simdjson")]),
        .target(name: "CEDICKernels"),
        .target(name: "CEDICTokenizers"),
        .target(name: "CEDICNgram"),
        .target(name: "CEDICNgramIndex"),
        .target(name: "CEDICLanguageID", exclude: ["model.bin", "MODEL-CARD.md"]),

        // Floor 1: text, bytes at rest, numbers.
        library("EDICJSON", ["CEDICJSON"], exclude: ["OPTIMIZATIONS.md"]),
        library("EDICYAML", ["CSystemYAML"]),
        library("EDICText", ["CEDICUnicode", "CEDICJSON"], exclude: ["OPTIMIZATIONS.md"]),
        library(
            "EDICStore",
            [
                "EDICJSON", "CSystemZstd", "CSystemZlib", "CSystemLZMA", "CSystemCrypto", "CSystemXXHash",
                "CSystemLibC", system,
            ],
            exclude: ["OPTIMIZATIONS.md"]),
        library(
            "EDICNumerics", ["CEDICKernels", system], exclude: ["OPTIMIZATIONS.md"],
            // Lets a buffer hand out spans of its own memory.
            extra: [.enableExperimentalFeature("Lifetimes")]),

        // Floor 2: tokenizers, n-gram models, language identification.
        library(
            "EDICTokenizers", ["CEDICTokenizers", "EDICStore", "EDICNumerics", "EDICJSON", system],
            exclude: ["OPTIMIZATIONS.md"]),
        library(
            "EDICNgram", ["CEDICNgram", "CEDICNgramIndex", "EDICStore", "EDICNumerics", system],
            exclude: ["OPTIMIZATIONS.md"]),
        library(
            "EDICLanguageID", ["CEDICLanguageID", "EDICText", "EDICJSON", system], exclude: ["OPTIMIZATIONS.md"]),

        // Floor 3: transformers, corpora.
        library(
            "EDICTransformers",
            ["EDICTokenizers", "EDICText", "EDICStore", "EDICNumerics", "EDICJSON", "EDICYAML", system],
            exclude: ["OPTIMIZATIONS.md"]),
        library(
            "EDICCorpora",
            ["EDICText", "EDICStore", "EDICJSON", "EDICYAML", "EDICLanguageID", "CEDICXML", "CEDICHTML", system],
            exclude: ["OPTIMIZATIONS.md"]),

        // Floor 4: builds.
        library(
            "EDICBuilds",
            [
                "EDICCorpora", "EDICTransformers", "EDICTokenizers", "EDICNgram", "EDICLanguageID", "EDICStore",
                "EDICText", "EDICNumerics", "EDICJSON", "EDICYAML", system,
            ], exclude: ["OPTIMIZATIONS.md"]),

        // Also floor 4: models over HTTP. Sockets and a strict parser of its own: SwiftNIO would add half as much again to
        // the build.
        library(
            "EDICServer",
            [
                "EDICTransformers", "EDICTokenizers", "EDICNgram", "EDICLanguageID", "EDICStore", "EDICText",
                "EDICNumerics", "EDICJSON", system,
            ]),

        // Floor 5: the command line.
        .executableTarget(
            name: "edic",
            dependencies: [
                "EDICBuilds", "EDICServer", "EDICCorpora", "EDICTransformers", "EDICTokenizers", "EDICNgram",
                "EDICLanguageID", "EDICStore", "EDICText", "EDICNumerics", "EDICJSON", "CSystemLibC", arguments, system,
            ],
            swiftSettings: strict),

        // Tests: one target per module, and what they share.
        .target(
            name: "_EDICTestSupport", dependencies: [system], path: "Tests/_EDICTestSupport", swiftSettings: strict),
        tests("EDICJSONTests", ["EDICJSON"]),
        tests("EDICYAMLTests", ["EDICYAML"]),
        tests("EDICTextTests", ["EDICText"]),
        tests("EDICStoreTests", ["EDICStore", "EDICJSON", system]),
        tests("EDICNumericsTests", ["EDICNumerics", system]),
        tests("EDICTokenizersTests", ["EDICTokenizers", "EDICStore", "EDICJSON", system]),
        tests("EDICNgramTests", ["EDICNgram", "EDICStore", system]),
        tests("EDICLanguageIDTests", ["EDICLanguageID", "EDICText", "EDICJSON", system]),
        tests(
            "EDICTransformersTests",
            ["EDICTransformers", "EDICTokenizers", "EDICNumerics", "EDICStore", "EDICJSON", system]),
        tests("EDICCorporaTests", ["EDICCorpora", "EDICLanguageID", "EDICStore", "EDICText", "EDICJSON", system]),
        tests("EDICBuildsTests", ["EDICBuilds", "EDICCorpora", "EDICStore", "EDICJSON", system]),
        tests(
            "EDICServerTests",
            [
                "EDICServer", "EDICTransformers", "EDICTokenizers", "EDICNgram", "EDICLanguageID", "EDICNumerics",
                "EDICJSON", system,
            ]),
        tests("EDICCommandTests", ["EDICJSON", system], exclude: ["Help"]),
        // The code blocks of the documentation.
        tests(
            "EDICExampleTests",
            [
                "EDICBuilds", "EDICServer", "EDICCorpora", "EDICTransformers", "EDICTokenizers", "EDICNgram",
                "EDICLanguageID", "EDICStore", "EDICText", "EDICNumerics", "EDICJSON", "EDICYAML", system,
            ]),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c17,
    cxxLanguageStandard: .cxx17
)

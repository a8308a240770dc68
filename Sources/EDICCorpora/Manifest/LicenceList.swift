/// The SPDX ids that language data and free software commonly carry.
enum LicenceList {
    /// The usual spelling of a licence id, or nil if the list does not have it.
    static func licence(_ id: String) -> String? { licencesByLowerCase[id.lowercased()] }

    /// The usual spelling of an exception's id, or nil if the list does not have it.
    static func exception(_ id: String) -> String? { exceptionsByLowerCase[id.lowercased()] }

    static let licences: [String] = """
        0BSD AFL-3.0 AGPL-1.0-only AGPL-1.0-or-later AGPL-3.0 AGPL-3.0-only AGPL-3.0-or-later Apache-1.0 Apache-1.1
        Apache-2.0 APSL-2.0 Arphic-1999 Artistic-1.0 Artistic-1.0-Perl Artistic-2.0 BlueOak-1.0.0 BSD-1-Clause
        BSD-2-Clause BSD-2-Clause-Patent BSD-3-Clause BSD-3-Clause-Clear BSD-3-Clause-LBNL BSD-4-Clause BSD-4-Clause-UC
        BSL-1.0 BUSL-1.1 bzip2-1.0.6 C-UDA-1.0 CC-BY-1.0 CC-BY-2.0 CC-BY-2.5 CC-BY-3.0 CC-BY-3.0-AT CC-BY-3.0-DE
        CC-BY-3.0-IGO CC-BY-3.0-NL CC-BY-3.0-US CC-BY-4.0 CC-BY-NC-1.0 CC-BY-NC-2.0 CC-BY-NC-2.5 CC-BY-NC-3.0
        CC-BY-NC-3.0-DE CC-BY-NC-4.0 CC-BY-NC-ND-1.0 CC-BY-NC-ND-2.0 CC-BY-NC-ND-2.5 CC-BY-NC-ND-3.0 CC-BY-NC-ND-3.0-DE
        CC-BY-NC-ND-3.0-IGO CC-BY-NC-ND-4.0 CC-BY-NC-SA-1.0 CC-BY-NC-SA-2.0 CC-BY-NC-SA-2.0-DE CC-BY-NC-SA-2.0-FR
        CC-BY-NC-SA-2.0-UK CC-BY-NC-SA-2.5 CC-BY-NC-SA-3.0 CC-BY-NC-SA-3.0-DE CC-BY-NC-SA-3.0-IGO CC-BY-NC-SA-4.0
        CC-BY-ND-1.0 CC-BY-ND-2.0 CC-BY-ND-2.5 CC-BY-ND-3.0 CC-BY-ND-3.0-DE CC-BY-ND-4.0 CC-BY-SA-1.0 CC-BY-SA-2.0
        CC-BY-SA-2.0-UK CC-BY-SA-2.5 CC-BY-SA-3.0 CC-BY-SA-3.0-AT CC-BY-SA-3.0-DE CC-BY-SA-3.0-IGO CC-BY-SA-4.0 CC-PDDC
        CC-PDM-1.0 CC0-1.0 CDDL-1.0 CDDL-1.1 CDLA-Permissive-1.0 CDLA-Permissive-2.0 CDLA-Sharing-1.0 CECILL-1.0 CECILL-1.1
        CECILL-2.0 CECILL-2.1 CECILL-B CECILL-C CPAL-1.0 CPL-1.0 DL-DE-BY-2.0 DL-DE-ZERO-2.0 DRL-1.0 EPL-1.0 EPL-2.0
        etalab-2.0 EUDatagrid EUPL-1.0 EUPL-1.1 EUPL-1.2 FDK-AAC FSFAP FSFUL FSFULLR FTL GFDL-1.1 GFDL-1.1-only
        GFDL-1.1-or-later GFDL-1.2 GFDL-1.2-invariants-only GFDL-1.2-no-invariants-only GFDL-1.2-no-invariants-or-later
        GFDL-1.2-only GFDL-1.2-or-later GFDL-1.3 GFDL-1.3-invariants-only GFDL-1.3-invariants-or-later
        GFDL-1.3-no-invariants-only GFDL-1.3-no-invariants-or-later GFDL-1.3-only GFDL-1.3-or-later GPL-1.0 GPL-1.0-only
        GPL-1.0-or-later GPL-2.0 GPL-2.0-only GPL-2.0-or-later GPL-3.0 GPL-3.0-only GPL-3.0-or-later HPND ICU IJG IPL-1.0
        ISC JSON LAL-1.2 LAL-1.3 Latex2e LGPL-2.0 LGPL-2.0-only LGPL-2.0-or-later LGPL-2.1 LGPL-2.1-only LGPL-2.1-or-later
        LGPL-3.0 LGPL-3.0-only LGPL-3.0-or-later LGPLLR Libpng LPL-1.02 LPPL-1.0 LPPL-1.1 LPPL-1.2 LPPL-1.3a LPPL-1.3c
        MIT MIT-0 MIT-CMU MIT-Modern-Variant MPL-1.0 MPL-1.1 MPL-2.0 MPL-2.0-no-copyleft-exception MS-PL MS-RL MulanPSL-2.0
        Multics NAIST-2003 NCGL-UK-2.0 NCSA NIST-PD NLOD-1.0 NLOD-2.0 NLPL NPL-1.1 O-UDA-1.0 ODbL-1.0 ODC-By-1.0 OFL-1.0
        OFL-1.1 OGC-1.0 OGDL-Taiwan-1.0 OGL-Canada-2.0 OGL-UK-1.0 OGL-UK-2.0 OGL-UK-3.0 OLDAP-2.8 OpenSSL OPL-1.0
        OPUBL-1.0 OSL-3.0 PDDL-1.0 PHP-3.01 PostgreSQL PSF-2.0 Python-2.0 QPL-1.0 Ruby SGI-B-2.0 SISSL Sleepycat SSPL-1.0
        TCL Unicode-3.0 Unicode-DFS-2015 Unicode-DFS-2016 Unlicense UPL-1.0 Vim W3C W3C-20150513 WTFPL X11 XFree86-1.1
        Zlib zlib-acknowledgement ZPL-2.1
        """.split(whereSeparator: \.isWhitespace).map(String.init)

    static let exceptions: [String] = """
        389-exception Autoconf-exception-2.0 Autoconf-exception-3.0 Bison-exception-2.2 Bootloader-exception
        Classpath-exception-2.0 CLISP-exception-2.0 eCos-exception-2.0 Font-exception-2.0 GCC-exception-2.0
        GCC-exception-3.1 GPL-3.0-linking-exception GPL-CC-1.0 LGPL-3.0-linking-exception Libtool-exception
        Linux-syscall-note LLVM-exception OCaml-LGPL-linking-exception OpenJDK-assembly-exception-1.0
        PS-or-PDF-font-exception-20170817 Qt-GPL-exception-1.0 Qt-LGPL-exception-1.1 Swift-exception
        Texinfo-exception Universal-FOSS-exception-1.0 WxWindows-exception-3.1
        """.split(whereSeparator: \.isWhitespace).map(String.init)

    private static let licencesByLowerCase = byLowerCase(licences)
    private static let exceptionsByLowerCase = byLowerCase(exceptions)

    private static func byLowerCase(_ ids: [String]) -> [String: String] {
        Dictionary(ids.map { ($0.lowercased(), $0) }, uniquingKeysWith: { first, _ in first })
    }
}

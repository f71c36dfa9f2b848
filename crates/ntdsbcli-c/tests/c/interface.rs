//! The C interface as a C compiler and a linker see it.
//!
//! Names of tests carry the numbers of the conformance checklist.

use std::path::Path;
use std::process::Command;

use ntdsb::HResult;

use crate::library::{folder, run, source};

/// Compiles and runs a program that includes the headers.
fn compile_and_run(compiler: &str, arguments: &[&str], program: &str) {
    let scratch = tempfile::tempdir().unwrap();
    let (file, binary) = (scratch.path().join("use.c"), scratch.path().join("use"));
    std::fs::write(&file, program).unwrap();
    run(Command::new(compiler)
        .args(arguments)
        .args(["-Wall", "-Wextra", "-Werror", "-I"])
        .arg(source("include"))
        .arg("-o")
        .args([&binary, &file]));
    run(&mut Command::new(&binary));
}

/// Names of the exported symbols, with their version where they have one.
fn exported(library: &Path) -> Vec<String> {
    let output = run(Command::new("nm")
        .args(["-D", "--defined-only", "--with-symbol-versions"])
        .arg(library));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut symbols: Vec<_> = text
        .lines()
        .filter(|line| line.contains(" T "))
        .filter_map(|line| line.split_whitespace().last().map(str::to_owned))
        .collect();
    symbols.sort();
    symbols
}

/// The prototypes of a header: what it declares, everybody has to find in the library.
fn declared(header: &str) -> Vec<String> {
    let text = std::fs::read_to_string(source("include").join(header)).unwrap();
    let mut names: Vec<_> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once("NTDSBCLI_API "))
        .filter_map(|(_, rest)| rest.split_once('('))
        .map(|(name, _)| name.to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn api_001_exactly_the_documented_functions_and_the_extensions_are_exported() {
    let documented = declared("ntdsbcli.h");
    assert_eq!(documented.len(), 27);
    let extensions = declared("dsbx.h");
    assert!(extensions.iter().all(|name| name.starts_with("Dsbx")), "{extensions:?}");
    let mut expected = [documented, extensions].concat();
    expected.sort();
    assert_eq!(exported(&folder().join("libntdsbcli.so")), expected);
}

#[test]
fn the_version_script_puts_the_extensions_under_their_own_node() {
    let scratch = tempfile::tempdir().unwrap();
    let linked = scratch.path().join("libntdsbcli.so.0");
    let script = format!("-Wl,--version-script={}", source("ntdsbcli.map").display());
    run(Command::new("cc")
        .args(["-shared", "-Wl,-soname,libntdsbcli.so.0", "-Wl,--gc-sections", &script, "-o"])
        .arg(&linked)
        .arg("-Wl,--whole-archive")
        .arg(folder().join("libntdsbcli.a"))
        .args(["-Wl,--no-whole-archive", "-lpthread", "-ldl", "-lm", "-lgcc_s"]));
    let with = |names: Vec<String>, node: &str| -> Vec<String> {
        names.into_iter().map(|name| format!("{name}@@{node}")).collect()
    };
    let documented = with(declared("ntdsbcli.h"), "NTDSBCLI_1.0");
    let mut expected = [documented, with(declared("dsbx.h"), "DSBX_1.0")].concat();
    expected.sort();
    assert_eq!(exported(&linked), expected);
}

#[test]
fn the_shared_library_has_a_soname() {
    let output = run(Command::new("readelf").arg("-d").arg(folder().join("libntdsbcli.so")));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("soname: [libntdsbcli.so.0]"), "{text}");
}

#[test]
fn api_002_structures_have_the_documented_sizes_and_offsets() {
    let program = r#"
        #include <ntdsbcli.h>
        #include <stddef.h>
        _Static_assert(sizeof(EDB_RSTMAPA) == 2 * sizeof(void *), "EDB_RSTMAPA");
        _Static_assert(offsetof(EDB_RSTMAPA, szNewDatabaseName) == sizeof(void *), "EDB_RSTMAPA");
        _Static_assert(sizeof(EDB_RSTMAPW) == 2 * sizeof(void *), "EDB_RSTMAPW");
        _Static_assert(offsetof(EDB_RSTMAPW, wszDatabaseName) == 0, "EDB_RSTMAPW");
        _Static_assert(offsetof(EDB_RSTMAPW, wszNewDatabaseName) == sizeof(void *), "EDB_RSTMAPW");
        _Static_assert(offsetof(EDB_RSTMAPW, szNewDatabaseName) == sizeof(void *), "alias");
        _Static_assert(sizeof(LARGE_INTEGER) == 8, "LARGE_INTEGER");
        _Static_assert(offsetof(LARGE_INTEGER, HighPart) == 4, "LARGE_INTEGER");
        _Static_assert(sizeof(HBC) == sizeof(void *), "HBC");
        _Static_assert(sizeof(HRESULT) == 4 && (HRESULT)-1 < 0, "HRESULT");
        _Static_assert(sizeof(DWORD) == 4 && (DWORD)-1 > 0, "DWORD");
        _Static_assert(sizeof(ULONG) == 4 && sizeof(LONG) == 4 && sizeof(BOOL) == 4, "integers");
        int main(void)
        {
            LARGE_INTEGER size;
            size.QuadPart = 0x100000002;
            return !(size.LowPart == 2 && size.HighPart == 1);
        }"#;
    compile_and_run("cc", &["-std=c11"], program);
}

#[test]
fn api_003_wide_parameters_have_16_bit_units() {
    let program = r#"
        #include <ntdsbcli.h>
        _Static_assert(sizeof(WCHAR) == 2 && (WCHAR)-1 > 0, "WCHAR");
        const WCHAR *name = u"DC1";
        HRESULT DsIsNTDSOnlineW(const uint16_t *, int *);
        int main(void) { return name[3] != 0; }"#;
    compile_and_run("cc", &["-std=c11"], program);
}

#[test]
fn api_004_constants_have_the_header_values() {
    let program = r#"
        #include <ntdsbcli.h>
        #include <string.h>
        _Static_assert(BACKUP_TYPE_FULL == 1 && BACKUP_TYPE_LOGS_ONLY == 2, "backup types");
        _Static_assert(BACKUP_TYPE_INCREMENTAL == 4, "backup types");
        _Static_assert(RESTORE_TYPE_AUTHORATATIVE == 1 && RESTORE_TYPE_ONLINE == 2, "restore");
        _Static_assert(RESTORE_TYPE_CATCHUP == 4, "restore types");
        _Static_assert(BACKUP_DISABLE_INCREMENTAL == 0xFFFFFFFF, "disable");
        _Static_assert(BFT_DIRECTORY == 0x80 && BFT_DATABASE_DIRECTORY == 0x40, "BFT bits");
        _Static_assert(BFT_LOG_DIRECTORY == 0x20, "BFT bits");
        _Static_assert(BFT_LOG == (BFT)0x21 && BFT_LOG_DIR == (BFT)0x82, "BFT");
        _Static_assert(BFT_CHECKPOINT_DIR == (BFT)0x83 && BFT_NTDS_DATABASE == (BFT)0x44, "BFT");
        _Static_assert(BFT_PATCH_FILE == (BFT)0x25 && BFT_UNKNOWN == (BFT)0x0F, "BFT");
        int main(void)
        {
            const WCHAR *wide = g_wszBackupAnnotation, *narrow = g_wszRestoreAnnotation;
            return wide[0] != 'N' || narrow[5] != 'R' || strcmp(g_aszBackupAnnotation,
                "NTDS Backup Interface") || strcmp(g_aszRestoreAnnotation,
                "NTDS Restore Interface");
        }"#;
    for unicode in ["-DANSI", "-DUNICODE"] {
        compile_and_run("cc", &["-std=c11", unicode], program);
    }
}

#[test]
fn api_005_every_code_has_the_tabulated_value() {
    let mut program = String::from("#include <ntdsbcli.h>\n");
    let mut count = 0;
    for code in HResult::documented() {
        let (name, value) = (code.name, code.value.to_i32());
        program += &format!("_Static_assert({name} == (HRESULT){value}LL, \"{name}\");\n");
        count += 1;
    }
    assert_eq!(count, 187);
    program += "int main(void) { return hrNone; }\n";
    compile_and_run("cc", &["-std=c11"], &program);
    let header = std::fs::read_to_string(source("include/ntdsbmsg.h")).unwrap();
    assert_eq!(header.matches("#define hr").count(), 187, "the header has no further codes");
}

#[test]
fn api_007_unicode_chooses_the_form() {
    let program = r#"
        #include <ntdsbcli.h>
        #include <string.h>
        #define TEXT_OF(name) #name
        #define NAME_OF(name) TEXT_OF(name)
        int main(void)
        {
            const char *names[] = {
                NAME_OF(DsIsNTDSOnline), NAME_OF(DsSetAuthIdentity),
                NAME_OF(DsSetCurrentBackupLog), NAME_OF(DsBackupPrepare),
                NAME_OF(DsBackupGetDatabaseNames), NAME_OF(DsBackupOpenFile),
                NAME_OF(DsBackupGetBackupLogs), NAME_OF(DsRestorePrepare),
                NAME_OF(DsRestoreGetDatabaseLocations), NAME_OF(DsRestoreRegister),
                NAME_OF(EDB_RSTMAP) };
            char form = sizeof(BFT) == 2 ? 'W' : 'A';
            size_t i;
            for (i = 0; i < sizeof names / sizeof *names; i++) {
                if (names[i][strlen(names[i]) - 1] != form) { return 1; }
            }
            return form != EXPECTED;
        }"#;
    compile_and_run("cc", &["-std=c11", "-DUNICODE", "-DEXPECTED='W'"], program);
    compile_and_run("cc", &["-std=c11", "-DEXPECTED='A'"], program);
}

#[test]
fn the_headers_compile_as_old_c_and_as_cpp() {
    let program = "#include <dsbx.h>\nint main(void) { return S_OK; }\n";
    compile_and_run("cc", &["-std=c99", "-pedantic"], program);
    for standard in ["-std=c++11", "-std=c++20"] {
        for unicode in ["-DANSI", "-DUNICODE"] {
            compile_and_run("c++", &["-x", "c++", "-pedantic", standard, unicode], program);
        }
    }
}
